"""What a message says, in words that somebody can read, whatever its kind: its own words where it has any.

Read without trust, like everything that Meta passes on: what is missing or makes no sense is left out.
"""

from collections.abc import Callable
from typing import Any

from whatsapp.events import Json
from whatsapp.foreign import mapping, objects, text
from whatsapp.kinds import present

_FILES = {"image": "Photo", "audio": "Audio", "video": "Video", "document": "Document", "sticker": "Sticker"}
_NOT_PASSED_ON = "WhatsApp does not pass it on: ask the customer to send it in another way."
_SYSTEM = {
    "user_changed_number": "The customer changed to another phone number.",
    "user_changed_user_id": "The customer has another user id at WhatsApp now.",
    "customer_identity_changed": "The customer's identity at WhatsApp changed: a new phone, or installed anew.",
}


def in_words(kind: str, content: Json) -> str:
    """One text for a message; never empty."""
    part = content.get(kind)
    if kind in _FILES:
        return _file(kind, mapping(part))
    told = _KINDS[kind](part) if kind in _KINDS else None
    if kind == "edit":
        told = _edit(content)
    return told or f"A message of a kind that is not shown here: {kind.replace('_', ' ')}."


def _file(kind: str, part: Json) -> str:
    caption, filename = text(part.get("caption")), text(part.get("filename"))
    name = "Voice message" if kind == "audio" and part.get("voice") is True else _FILES[kind]
    return ": ".join(word for word in (name, filename if kind == "document" else None, caption) if word)


def _text(part: Any) -> str | None:
    return text(mapping(part).get("body"))


def _location(part: Any) -> str:
    place = mapping(part)
    told = [text(place.get("name")), text(place.get("address"))]
    where = ", ".join(word for word in told if word) or f"{place.get('latitude')}, {place.get('longitude')}"
    return f"Location: {where}"


def _contacts(part: Any) -> str:
    names = [text(mapping(contact.get("name")).get("formatted_name")) or "no name" for contact in objects(part)]
    return f"Contacts: {', '.join(names)}" if names else "Contacts"


def _interactive(part: Any) -> str:
    """What a customer chose, or what they were offered."""
    offer = mapping(part)
    if not offer:
        return f"A reply to a message with choices. {_NOT_PASSED_ON}"
    reply = mapping(offer.get(text(offer.get("type")) or ""))
    match offer.get("type"):
        case "button_reply" | "list_reply":
            return text(reply.get("title")) or "A choice"
        case "nfm_reply":
            return "A filled-in form"
        case "call_permission_reply":
            return "You may call the customer." if reply.get("response") == "accept" else "You may not call."
    return text(mapping(offer.get("body")).get("text")) or "A message with choices"


def _button(part: Any) -> str | None:
    return text(mapping(part).get("text"))


def _reaction(part: Any) -> str:
    emoji = text(mapping(part).get("emoji"))
    return f"Reaction: {emoji}" if emoji else "A reaction taken back"


def _order(part: Any) -> str:
    order = mapping(part)
    items = objects(order.get("product_items"))
    words = ", ".join(f"{item.get('quantity')} x {item.get('product_retailer_id')}" for item in items) or "nothing"
    return f"Order: {words}. {text(order.get('text')) or ''}".strip()


def _system(part: Any) -> str:
    kind = text(mapping(part).get("type")) or ""
    return _SYSTEM.get(kind, "Something about the customer's account at WhatsApp changed.")


def _edit(content: Json) -> str:
    now = present(content)
    return "A message was edited." if now is None or now[0] == "edit" else f"Edited: {in_words(*now)}"


def _revoke(_part: Any) -> str:
    return "A message was deleted."


def _unsupported(part: Any) -> str:
    hidden = text(mapping(part).get("type"))
    kind = f" ({hidden.replace('_', ' ')})" if hidden else ""
    return f"A kind of message that businesses cannot receive{kind}. {_NOT_PASSED_ON}"


def _template(part: Any) -> str | None:
    name = text(mapping(part).get("name"))
    return f"Template {name}" if name else None


_KINDS: dict[str, Callable[[Any], str | None]] = {
    "text": _text,
    "location": _location,
    "contacts": _contacts,
    "interactive": _interactive,
    "button": _button,
    "reaction": _reaction,
    "order": _order,
    "system": _system,
    "revoke": _revoke,
    "unsupported": _unsupported,
    "template": _template,
}
