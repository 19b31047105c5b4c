"""Webhook bodies as Meta writes them, and signatures. Webhook version 24 or later: no `conversation` in statuses."""

import hashlib
import hmac
from collections.abc import Iterable
from itertools import groupby
from typing import Any

import orjson

from simulator.customers import Conversation, Said
from simulator.numbers import Number
from simulator.refusals import failure

Change = dict[str, Any]
Update = tuple[str, Change]
"""A WABA id and one change of it."""
_LISTS = ("messages", "statuses", "errors", "contacts")


def sign(body: bytes, app_secret: str) -> str:
    """The value of `X-Hub-Signature-256`, over the bytes as they travel."""
    return "sha256=" + hmac.digest(app_secret.encode(), body, hashlib.sha256).hex()


def app_secret_proof(token: str, app_secret: str) -> str:
    """The `appsecret_proof` that belongs to a token."""
    return hmac.digest(app_secret.encode(), token.encode(), hashlib.sha256).hex()


def envelope(updates: Iterable[Update], *, time: int | None = None, apart: bool = False) -> bytes:
    """One POST body; updates of the same WABA that follow each other share an entry, unless they are kept apart."""
    stamp = {} if time is None else {"time": time}
    groups = [(waba_id, [change]) for waba_id, change in updates] if apart else _by_waba(updates)
    entries = [{"id": waba_id, **stamp, "changes": changes} for waba_id, changes in groups]
    return orjson.dumps({"object": "whatsapp_business_account", "entry": entries})


def _by_waba(updates: Iterable[Update]) -> list[tuple[str, list[Change]]]:
    groups = groupby(updates, key=lambda update: update[0])
    return [(waba_id, [change for _, change in group]) for waba_id, group in groups]


def merged(updates: Iterable[Update]) -> list[Update]:
    """The same with one change for all messages, statuses and contacts of a number, who then stand in no pairs."""
    kept: list[Update] = []
    values: dict[str, dict[str, Any]] = {}
    for waba_id, change in updates:
        number = number_told(change)
        if change["field"] != "messages" or number is None or not _is_in_lists(change["value"]):
            kept.append((waba_id, change))
        elif number in values:
            _merge(values[number], change["value"])
        else:
            values[number] = {
                name: list(part) if isinstance(part, list) else part for name, part in change["value"].items()
            }
            kept.append((waba_id, {**change, "value": values[number]}))
    return kept


def number_told(change: Change) -> str | None:
    """The id of the number that a change is about, if it names one; account webhooks do not."""
    metadata = change["value"].get("metadata")
    found = metadata.get("phone_number_id") if isinstance(metadata, dict) else None
    return found if isinstance(found, str) else None


def _is_in_lists(value: dict[str, Any]) -> bool:
    """Whether there is something to merge: a test may put anything into a webhook."""
    return all(isinstance(value.get(name, []), list) for name in _LISTS)


def _merge(value: dict[str, Any], more: dict[str, Any]) -> None:
    """A contact stands there once, wherever in the list."""
    for name in ("messages", "statuses", "errors"):
        if name in more:
            value.setdefault(name, []).extend(more[name])
    for contact in more.get("contacts", []):
        if contact not in value.setdefault("contacts", []):
            value["contacts"].insert(0, contact)


def messages_change(number: Number, **value: Any) -> Change:
    """A change of the field `messages`."""
    return {"value": {"messaging_product": "whatsapp", "metadata": number.metadata, **value}, "field": "messages"}


def inbound_change(
    number: Number,
    conversation: Conversation,
    said: Said,
    *,
    extra: dict[str, Any],
    contacts: bool,
    errors: list[dict[str, Any]] | None = None,
) -> Change:
    """What a customer said, as a webhook tells it; `errors` are those of the value."""
    message = {"from_user_id": conversation.user_id, **_told(said)}
    if conversation.shared_phone:
        message["from"] = conversation.shared_phone
    if said.group_id:
        message["group_id"] = said.group_id
    beside = {"errors": errors} if errors else {}
    if contacts:
        beside["contacts"] = [conversation.contact()]
    return messages_change(number, messages=[message | extra], **beside)


def echo_change(number: Number, conversation: Conversation, said: Said, *, extra: dict[str, Any]) -> Change:
    """What the business wrote to a customer in its own app, as a webhook tells it."""
    to = {"to": conversation.shared_phone} if conversation.shared_phone else {}
    echo = {"from": number.display_phone_number, **to, "to_user_id": conversation.user_id, **_told(said), **extra}
    change = messages_change(number, contacts=[conversation.contact()], message_echoes=[echo])
    return change | {"field": "smb_message_echoes"}


def _told(said: Said) -> dict[str, Any]:
    """What every webhook of a message begins with, and its content."""
    content = {said.type: said.content} if said.content is not None else {}
    return {"id": said.wamid, "timestamp": str(said.timestamp), "type": said.type, **content}


def status_change(
    number: Number,
    conversation: Conversation,
    *,
    wamid: str,
    status: str,
    timestamp: int,
    callback_data: str | None,
    to_phone: bool,
    category: str,
) -> Change:
    """A status that is no failure: it carries our own text, and both of the customer's ids where Meta shares them.

    `category` is what the message is charged as. The username comes once the message has reached its user.
    """
    entry: dict[str, Any] = {"id": wamid, "status": status, "timestamp": str(timestamp)}
    if phone := conversation.wa_id if to_phone else conversation.shared_phone:
        entry["recipient_id"] = phone
    entry["recipient_user_id"] = conversation.user_id
    if callback_data is not None:
        entry["biz_opaque_callback_data"] = callback_data
    if status in {"sent", "delivered"}:
        entry["pricing"] = {
            "billable": True,
            "pricing_model": "PMP",
            "type": "regular",
            "category": category,
        }
    contact = conversation.contact(to_phone=to_phone, names_user=status != "sent")
    return messages_change(number, contacts=[contact], statuses=[entry])


def failed_change(
    number: Number,
    conversation: Conversation,
    *,
    wamid: str,
    timestamp: int,
    to_phone: bool,
    code: int,
    details: str = "",
) -> Change:
    """A `failed` status: without contacts and without our own text, and with the one id the message was sent to."""
    recipient = {"recipient_id": conversation.wa_id} if to_phone else {"recipient_user_id": conversation.user_id}
    entry = {"id": wamid, "status": "failed", "timestamp": str(timestamp), **recipient}
    return messages_change(number, statuses=[entry | {"errors": [failure(code, details)]}])


def dashboard_sample() -> bytes:
    """What the Test button of Meta's dashboard sends for the field `messages`: an entry with id `0`."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "16505551111", "phone_number_id": "123456123"},
        "contacts": [{"profile": {"name": "test user name"}, "wa_id": "16315551181"}],
        "messages": [
            {
                "from": "16315551181",
                "id": "ABGGFlA5Fpa",
                "timestamp": "1504902988",
                "type": "text",
                "text": {"body": "this is a text message"},
            }
        ],
    }
    return envelope([("0", {"field": "messages", "value": value})])
