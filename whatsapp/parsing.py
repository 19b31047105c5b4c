"""From a webhook's bytes to its items: one value per message, status, echo and notice (sections 4.2 to 4.5).

Nothing here raises for what Meta, or anybody who can sign, may send. What cannot be read becomes an `Unreadable` with
the reason in its place, and what stands beside it is read all the same.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from whatsapp import items, past_items
from whatsapp.events import Item, Origin, Unreadable
from whatsapp.foreign import UnreadableError, check_depth, identifier, instant, mapping, read, required

OBJECT = "whatsapp_business_account"
MOST_UNREADABLE = 1000
"""More of one body are counted together instead of being listed: Meta batches 1,000 updates at most."""

_LONGEST_FIELD = 100
_NOWHERE = Origin(place=0, field="", waba_id="", phone_number_id=None)

Value = dict[str, Any]
Build = Callable[[Value, Value, Origin], Item]

_LISTS: dict[str, dict[str, Build]] = {
    "messages": {"messages": items.message, "statuses": items.status, "errors": items.error},
    "smb_message_echoes": {"message_echoes": items.echo, "errors": items.error},
    "message_echoes": {"message_echoes": items.echo, "errors": items.error},
    "smb_app_state_sync": {"state_sync": past_items.synced_contact, "errors": items.error},
    "user_preferences": {"user_preferences": items.preference, "errors": items.error},
    "calls": {"calls": items.call, "statuses": items.call_status, "errors": items.error},
}


def parse(body: bytes) -> list[Item]:
    """Every item of a webhook body, in the order they stand there; a body that is none gives one `Unreadable`."""
    try:
        envelope = read(body)
    except UnreadableError as error:
        return [Unreadable(_NOWHERE, "envelope", f"the body is {error}")]
    if not isinstance(envelope, dict) or envelope.get("object") != OBJECT:
        return [Unreadable(_NOWHERE, "envelope", f"the body is no webhook of a {OBJECT}")]
    return _placed(_entries(envelope))


def _placed(found: Iterable[Item]) -> list[Item]:
    kept: list[Item] = []
    unreadable, unlisted = 0, 0
    for place, item in enumerate(found):
        if isinstance(item, Unreadable):
            unreadable += 1
            if unreadable > MOST_UNREADABLE:
                unlisted = place
                continue
        kept.append(replace(item, origin=replace(item.origin, place=place)))
    if unlisted:
        count = unreadable - MOST_UNREADABLE
        origin = replace(_NOWHERE, place=unlisted)
        kept.append(Unreadable(origin, "envelope", f"{count} more items of this body cannot be read"))
    return kept


def _entries(envelope: Value) -> Iterator[Item]:
    for entry in _listed(envelope.get("entry")) or [None]:
        if not isinstance(entry, dict):
            yield Unreadable(_NOWHERE, "envelope", "the body has no entry that can be read")
            continue
        for change in _listed(entry.get("changes")) or [None]:
            yield from _change(change, entry)


def _change(change: Any, entry: Value) -> Iterator[Item]:
    origin = _NOWHERE
    try:
        known = _object(change, "the entry has no change that can be read")
        origin = replace(origin, field=required(known.get("field"), "field on the change")[:_LONGEST_FIELD])
        value = _object(known.get("value"), "the change has no value that can be read")
        # In Meta's PARTNER_* examples the entry's id is the partner's portfolio; the customer's WABA is in waba_info.
        waba_id = identifier(mapping(value.get("waba_info")).get("waba_id")) or required(entry.get("id"), "WABA id")
        phone_number_id = identifier(mapping(value.get("metadata")).get("phone_number_id"))
        origin = replace(origin, waba_id=waba_id, phone_number_id=phone_number_id, at=_time(entry))
    except UnreadableError as error:
        yield Unreadable(origin, origin.field or "envelope", str(error))
    else:
        yield from _value(value, origin)


def _value(value: Value, origin: Origin) -> list[Item]:
    """What stands in the lists that the field is known to have; the value as one notice where there is nothing."""
    found: list[Item] = []
    if origin.field == "history":
        parts = past_items.parts_of_history(value)
        found += [_one(part, value, origin, kind=origin.field, build=build) for part, build in parts]
    for key, build in _LISTS.get(origin.field, {}).items():
        found += _each(value, key, origin, build)
    return found or [_one(value, value, origin, kind=origin.field, build=items.whole)]


def _each(value: Value, key: str, origin: Origin, build: Build) -> list[Item]:
    parts, kind = value.get(key), f"{origin.field}.{key}"
    if parts is not None and not isinstance(parts, list):
        return [Unreadable(origin, kind, f"{key} is not a list")]
    return [_one(part, value, origin, kind=kind, build=build) for part in parts or []]


def _one(part: Any, value: Value, origin: Origin, *, kind: str, build: Build) -> Item:
    try:
        check_depth(part)
        return build(_object(part, "it is no object"), value, origin)
    except UnreadableError as error:
        return Unreadable(origin, kind, str(error))


def _time(entry: Value) -> datetime | None:
    """When an entry happened; Meta tells it of account-level fields only."""
    try:
        return instant(entry["time"]) if "time" in entry else None
    except UnreadableError:
        return None


def _object(value: Any, trouble: str) -> Value:
    if isinstance(value, dict):
        return value
    raise UnreadableError(trouble)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
