"""One part of a webhook's value as an item: a message, a status, an echo, a call or a notice (sections 4.3 to 4.5).

Each takes the part, the value it stands in (for its contacts) and its origin.

Raises:
    UnreadableError: what makes an item of its kind is not there or makes no sense.
"""

from dataclasses import replace
from typing import Any, Literal

from whatsapp import account_changes
from whatsapp.events import (
    Echo,
    InboundMessage,
    Item,
    MarketingChoice,
    Notice,
    Origin,
    Sender,
    Status,
    StatusError,
)
from whatsapp.foreign import UnreadableError, identifier, instant, mapping, number, objects, required, text

_NO_WINDOW = frozenset({"reaction", "system", "edit", "revoke"})
_LIFTED = frozenset({"id", "timestamp", "type", "from", "from_user_id", "to", "to_user_id", "group_id"})
_CHANGES = frozenset({"user_changed_number", "user_changed_user_id"})
_LONGEST_KIND = 100
_CHOICES: dict[str, Literal["stop", "resume", "opt_in"]] = {"stop": "stop", "resume": "resume", "signup": "opt_in"}

Value = dict[str, Any]


def message(part: Value, value: Value, origin: Origin) -> InboundMessage:
    """A customer's message of any type, also of one that Meta invents tomorrow."""
    _require_number(origin)
    kind = type_of(part)
    group_id = identifier(part.get("group_id"))
    from_user = _opens_window(kind, part)
    before, became = _changed(part) if kind == "system" else (None, None)
    return InboundMessage(
        origin=origin,
        wamid=required(part.get("id"), "message id"),
        sender=before or _sender(part, value),
        timestamp=instant(part.get("timestamp")),
        type=kind,
        content=content_of(part),
        group_id=group_id,
        opens_window=from_user and group_id is None,
        answerable=from_user and group_id is None,
        became=became,
    )


def type_of(part: Value) -> str:
    """What kind of message it is, in Meta's word."""
    return (identifier(part.get("type")) or "unknown")[:_LONGEST_KIND]


def _opens_window(kind: str, part: Value) -> bool:
    # What the platform cannot show keeps its nature: an unsupported edit is no new message either.
    hidden = text(mapping(part.get("unsupported")).get("type")) if kind == "unsupported" else None
    return kind not in _NO_WINDOW and hidden not in _NO_WINDOW


def content_of(part: Value) -> Value:
    """What an item says, in Meta's own shape: the type's key and what stands beside it."""
    return {key: inner for key, inner in part.items() if key not in _LIFTED}


def _require_number(origin: Origin) -> None:
    if origin.phone_number_id is None:
        raise UnreadableError("no phone_number_id in the metadata")


def _changed(part: Value) -> tuple[Sender | None, Sender | None]:
    """Who somebody was and who they are now, of a system message that tells of a change; else nothing.

    Meta names the old BSUID since August 2026, the old number as the sender; one of both may be all there is.
    """
    system = mapping(part.get("system"))
    if system.get("type") not in _CHANGES:
        return None, None
    now = Sender(customer_id(system.get("wa_id")), identifier(system.get("user_id")), None, None)
    sender, user_id = customer_id(part.get("from")), identifier(part.get("from_user_id"))
    user_id = identifier(system.get("previous_user_id")) or user_id
    before = Sender(sender if sender != now.wa_id else None, user_id if user_id != now.user_id else None, None, None)
    if before.wa_id is None and before.user_id is None:
        return (now, None) if now.wa_id or now.user_id else (None, None)
    return before, now if now.wa_id or now.user_id else None


def _sender(part: Value, value: Value) -> Sender:
    wa_id, user_id = customer_id(part.get("from")), identifier(part.get("from_user_id"))
    if wa_id is None and user_id is None:
        system = mapping(part.get("system"))
        user_id = identifier(system.get("previous_user_id")) or identifier(system.get("user_id"))
    contacts = objects(value.get("contacts"))
    if wa_id is None and user_id is None and len(contacts) == 1 and len(objects(value.get("messages"))) == 1:
        wa_id, user_id = customer_id(contacts[0].get("wa_id")), identifier(contacts[0].get("user_id"))
    if wa_id is None and user_id is None:
        raise UnreadableError("no sender")
    return _known(wa_id, user_id, contacts)


def customer_id(value: Any) -> str | None:
    """Digits without "+", as Meta writes it in webhooks."""
    return (identifier(value) or "").removeprefix("+") or None


def _known(wa_id: str | None, user_id: str | None, contacts: list[Value]) -> Sender:
    """The sender with what the contacts tell of them. `contacts[0]` need not belong to `messages[0]`."""
    for contact in contacts:
        its_wa_id, its_user_id = customer_id(contact.get("wa_id")), identifier(contact.get("user_id"))
        if user_id and its_user_id and user_id != its_user_id:
            continue
        if (user_id and user_id == its_user_id) or (wa_id and wa_id == its_wa_id):
            profile = mapping(contact.get("profile"))
            name, username = text(profile.get("name")), text(profile.get("username"))
            return Sender(wa_id or its_wa_id, user_id or its_user_id, name, username)
    return Sender(wa_id, user_id, None, None)


def status(part: Value, _value: Value, origin: Origin) -> Status:
    """What became of a message that was sent from the number."""
    _require_number(origin)
    return Status(
        origin=origin,
        wamid=required(part.get("id"), "message id"),
        status=required(part.get("status"), "status")[:_LONGEST_KIND],
        timestamp=instant(part.get("timestamp")),
        recipient_id=customer_id(part.get("recipient_id")),
        recipient_user_id=identifier(part.get("recipient_user_id")),
        callback_data=text(part.get("biz_opaque_callback_data")),
        error=_status_error(part),
        raw=part,
    )


def _status_error(part: Value) -> StatusError | None:
    return next((read for error in objects(part.get("errors")) if (read := _error(error)) is not None), None)


def _error(error: Value) -> StatusError | None:
    """One of Meta's errors; what stands under `error_data` may be an object or a plain text."""
    code = number(error.get("code"))
    if code is None:
        return None
    data = error.get("error_data")
    detail = text(data) or text(mapping(data).get("details")) or text(error.get("message"))
    return StatusError(code, text(error.get("title")), detail, number(error.get("error_subcode")))


def echo(part: Value, value: Value, origin: Origin) -> Item:
    """A message the business sent by other means; one to a group is a notice."""
    if identifier(part.get("group_id")):
        return notice(part, value, origin, event="group")
    _require_number(origin)
    wa_id, user_id = customer_id(part.get("to")), identifier(part.get("to_user_id"))
    if wa_id is None and user_id is None:
        raise UnreadableError("the echo names no recipient")
    return Echo(
        origin=origin,
        wamid=required(part.get("id"), "message id"),
        recipient=_known(wa_id, user_id, objects(value.get("contacts"))),
        timestamp=instant(part.get("timestamp")),
        type=type_of(part),
        content=content_of(part),
    )


def call(part: Value, value: Value, origin: Origin) -> Notice:
    """A call's event; one that a user began opens a window, from its timestamp."""
    seen = notice(part, value, origin, event=part.get("event"))
    if part.get("direction") != "USER_INITIATED" or part.get("event") != "connect":
        return seen
    _require_number(origin)
    sender = _sender(part, {**value, "messages": value.get("calls")})
    return replace(seen, opens_window=True, sender=sender, timestamp=instant(part.get("timestamp")))


def call_status(part: Value, value: Value, origin: Origin) -> Notice:
    """A call's status."""
    return notice(part, value, origin, event="status")


def preference(part: Value, value: Value, origin: Origin) -> Item:
    """What a customer wants of the business; all but their choice about marketing is a notice."""
    told = identifier(part.get("value"))
    choice = _CHOICES.get(told or "")
    if part.get("category") != "marketing_messages" or choice is None:
        return notice(part, value, origin, event=told)
    wa_id, user_id = customer_id(part.get("wa_id")), identifier(part.get("user_id"))
    if wa_id is None and user_id is None:
        raise UnreadableError("the preference names nobody")
    person = _known(wa_id, user_id, objects(value.get("contacts")))
    return MarketingChoice(origin, person, choice, instant(part.get("timestamp")))


def error(part: Value, value: Value, origin: Origin) -> Notice:
    """Trouble of the account or the app that belongs to no message."""
    return replace(notice(part, value, origin, event="errors"), error=_error(part))


def notice(raw: Value, value: Value, origin: Origin, *, event: Any = None) -> Notice:
    """Anything that only has to be routed."""
    metadata = mapping(value.get("metadata"))
    number_shown = text(value.get("display_phone_number")) or text(metadata.get("display_phone_number"))
    name = text(event)
    kind = f"{origin.field}.{name}" if name else origin.field
    return Notice(origin=origin, kind=kind[:_LONGEST_KIND], display_phone_number=number_shown, raw=raw)


def whole(raw: Value, value: Value, origin: Origin) -> Notice:
    """A value as one notice, named after its field and, where it has one, its event."""
    change = account_changes.read_change(origin.field, value)
    return replace(notice(raw, value, origin, event=value.get("event")), timestamp=origin.at, change=change)
