"""The past of a number that is used in the WhatsApp Business app: `history` and `smb_app_state_sync` (section 4.3).

Raises:
    UnreadableError: what makes an item of its kind is not there or makes no sense.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from whatsapp import account_changes, items
from whatsapp.events import Item, Notice, Origin, PastMessage, Sender, SyncedContact
from whatsapp.foreign import UnreadableError, identifier, instant, mapping, objects, required, text

Value = dict[str, Any]
Build = Callable[[Value, Value, Origin], Item]
Part = tuple[Any, Build]

_LIFTED = frozenset({"history_context"})


def parts_of_history(value: Value) -> Iterator[Part]:
    """What a `history` value holds: its chunks, each with its messages, errors, and media that are told of later."""
    for chunk in _list(value.get("history")):
        known = mapping(chunk)
        for error in objects(known.get("errors")):
            yield error, _refused
        if "errors" not in known or "threads" in known:
            yield chunk, _progress
        for thread in objects(known.get("threads")):
            builder = _of_thread(mapping(thread))
            yield from ((message, builder) for message in _list(thread.get("messages")))
    yield from ((message, _of_thread({})) for message in _list(value.get("messages")))
    yield from ((error, _refused) for error in objects(value.get("errors")))


def synced_contact(part: Value, value: Value, origin: Origin) -> Item:
    """A contact of the business's own address book; anything else that is synced is a notice."""
    if part.get("type") != "contact":
        return items.notice(part, value, origin)
    _require_number(origin)
    contact = mapping(part.get("contact"))
    wa_id = _digits(required(contact.get("phone_number"), "phone number of the contact"))
    if not wa_id or not wa_id.isascii():
        raise UnreadableError("the contact's phone number has no digits")
    name = text(contact.get("full_name")) or text(contact.get("first_name"))
    return SyncedContact(
        origin=origin,
        wa_id=wa_id,
        name=name.strip() or None if name else None,
        is_removed=part.get("action") == "remove",
    )


def _progress(part: Value, value: Value, origin: Origin) -> Notice:
    change = account_changes.history_progress(mapping(part.get("metadata")))
    told = {"metadata": part.get("metadata")}
    return replace(items.notice(told, value, origin), change=change)


def _refused(part: Value, value: Value, origin: Origin) -> Notice:
    return replace(items.notice(part, value, origin), change=account_changes.history_refused(part))


def _of_thread(thread: Value) -> Build:
    def build(part: Value, value: Value, origin: Origin) -> PastMessage:
        return _past_message(part, value, origin, thread)

    return build


def _past_message(part: Value, value: Value, origin: Origin, thread: Value) -> PastMessage:
    _require_number(origin)
    context = mapping(part.get("history_context"))
    is_ours = _is_ours(part, value, thread, context)
    status = text(context.get("status"))
    return PastMessage(
        origin=origin,
        wamid=required(part.get("id"), "message id"),
        is_ours=is_ours,
        person=_other_side(part, thread, prefix="to" if is_ours else "from"),
        timestamp=instant(part.get("timestamp")),
        type=items.type_of(part),
        content={key: inner for key, inner in items.content_of(part).items() if key not in _LIFTED},
        status=status.lower() if status else None,
    )


def _is_ours(part: Value, value: Value, thread: Value, context: Value) -> bool:
    """Whether the business sent it. That there is a `to` tells nothing: it has been seen on both sides."""
    customer, sender = items.customer_id(thread.get("id")), items.customer_id(part.get("from"))
    if customer and customer in (sender, identifier(part.get("from_user_id"))):
        return False
    shown = _digits(mapping(value.get("metadata")).get("display_phone_number"))
    if context.get("from_me") is True or (shown and _digits(sender) == shown):
        return True
    return customer is not None and items.customer_id(part.get("to")) == customer


def _other_side(part: Value, thread: Value, *, prefix: str) -> Sender:
    wa_id, user_id = items.customer_id(part.get(prefix)), identifier(part.get(f"{prefix}_user_id"))
    if wa_id is None and user_id is None:
        customer = items.customer_id(thread.get("id"))
        wa_id, user_id = (customer, None) if customer and customer.isdigit() else (None, customer)
    if wa_id is None and user_id is None:
        raise UnreadableError("the past message names no customer")
    return Sender(wa_id, user_id, None, None)


def _digits(value: Any) -> str:
    return "".join(filter(str.isdigit, text(value) or ""))


def _require_number(origin: Origin) -> None:
    if origin.phone_number_id is None:
        raise UnreadableError("no phone_number_id in the metadata")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
