"""An example of each message that can be sent: OpenAPI shows them, docs/messages.md is made of them."""

from typing import Any

from fastapi.openapi.models import Example

_TO = "+31612345678"
_WAMID = "wamid.HBgLMzE2MTIzNDU2NzgVAgASGA=="
_FILE = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a07"


def _message(kind: str, part: Any, **more: Any) -> dict[str, Any]:
    return {"to": _TO, "type": kind, kind: part, **more}


def _tap(kind: str, says: str, action: dict[str, Any], **more: Any) -> dict[str, Any]:
    return _message("interactive", {"type": kind, "body": {"text": says}, "action": action, **more})


def _template(name: str, *components: dict[str, Any], language: str = "en_US") -> dict[str, Any]:
    part: dict[str, Any] = {"name": name, "language": {"code": language}}
    return _message("template", part | ({"components": list(components)} if components else {}))


_CARD = {
    "name": {"formatted_name": "Ada Lovelace", "first_name": "Ada", "last_name": "Lovelace"},
    "phones": [{"phone": "+31 6 1234 5678", "wa_id": "31612345678", "type": "WORK"}],
    "emails": [{"email": "ada@example.com", "type": "WORK"}],
    "urls": [{"url": "https://example.com", "type": "WORK"}],
    "addresses": [{"street": "Damrak 1", "city": "Amsterdam", "zip": "1012 LG", "country": "Netherlands"}],
    "org": {"company": "Engines Ltd", "title": "Engineer"},
    "birthday": "1985-12-10",
}
_LIST = {
    "button": "See the times",
    "sections": [
        {
            "title": "Today",
            "rows": [
                {"id": "slot-10", "title": "10:00", "description": "In the shop"},
                {"id": "slot-11", "title": "11:00", "description": "By phone"},
            ],
        },
        {"title": "Tomorrow", "rows": [{"id": "slot-34", "title": "10:00"}]},
    ],
}
_BUTTONS = {
    "buttons": [
        {"type": "reply", "reply": {"id": "order-17-yes", "title": "Yes, please"}},
        {"type": "reply", "reply": {"id": "order-17-no", "title": "No, thanks"}},
    ]
}
_FLOW = {
    "name": "flow",
    "parameters": {
        "flow_message_version": "3",
        "flow_id": "1234567890123456",
        "flow_cta": "Choose a table",
        "flow_token": "table-17",
        "flow_action": "navigate",
        "flow_action_payload": {"screen": "TABLES", "data": {"guests": 4}},
    },
}
_LINK = {"name": "cta_url", "parameters": {"display_text": "Track it", "url": "https://example.com/track/17"}}

_SHOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "text": ("A text", _message("text", {"body": "Your order has left our warehouse."})),
    "reply": (
        "A text that answers a message",
        _message("text", {"body": "Yes, until six: https://example.com", "preview_url": True})
        | {"context": {"message_id": _WAMID}},
    ),
    "image": (
        "A picture by its address",
        _message("image", {"link": "https://example.com/4b.jpg", "caption": "4B"}),
    ),
    "image_uploaded": (
        "A picture that was uploaded",
        _message("image", {"media_id": _FILE, "caption": "Table 4"}),
    ),
    "audio": ("A sound by Meta's id of it", _message("audio", {"id": "1003383421387256"})),
    "voice": ("A voice note", _message("audio", {"media_id": _FILE, "voice": True})),
    "video": ("A film", _message("video", {"link": "https://example.com/tour.mp4", "caption": "The garden"})),
    "document": (
        "A document",
        _message("document", {"media_id": _FILE, "filename": "invoice-17.pdf", "caption": "Your invoice"}),
    ),
    "sticker": ("A sticker", _message("sticker", {"link": "https://example.com/thanks.webp"})),
    "location": (
        "A place",
        _message("location", {"latitude": 52.3731, "longitude": 4.8922, "name": "Our shop", "address": "Damrak 1"}),
    ),
    "contacts": ("A contact", _message("contacts", [_CARD])),
    "reaction": ("A reaction", _message("reaction", {"message_id": _WAMID, "emoji": "👍"})),
    "reaction_removed": ("A reaction taken away", _message("reaction", {"message_id": _WAMID, "emoji": ""})),
    "buttons": (
        "Buttons",
        _tap(
            "button",
            "Shall we bring it today?",
            _BUTTONS,
            header={"type": "image", "image": {"link": "https://example.com/parcel.jpg"}},
            footer={"text": "Order 17"},
        ),
    ),
    "list": (
        "A list",
        _tap(
            "list",
            "When does it suit you?",
            _LIST,
            header={"type": "text", "text": "Appointments"},
            footer={"text": "All times are ours"},
        ),
    ),
    "cta_url": (
        "A link",
        _tap("cta_url", "It is on its way.", _LINK, header={"type": "document", "document": {"media_id": _FILE}}),
    ),
    "flow": ("A flow", _tap("flow", "Book a table.", _FLOW, header={"type": "video", "video": {"media_id": _FILE}})),
    "location_request": (
        "A request for the place where somebody is",
        _tap("location_request_message", "Where shall we bring it?", {"name": "send_location"}),
    ),
    "contact_info_request": (
        "A request for the phone number",
        _tap("request_contact_info", "May we call you?", {"name": "request_contact_info"}),
    ),
    "template": (
        "A template whose places are counted",
        _template(
            "order_update",
            {"type": "header", "parameters": [{"type": "image", "image": {"media_id": _FILE}}]},
            {"type": "body", "parameters": [{"type": "text", "text": "Ada"}, {"type": "text", "text": "17"}]},
            {
                "type": "button",
                "sub_type": "quick_reply",
                "index": "0",
                "parameters": [{"type": "payload", "payload": "order-17"}],
            },
            {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "17"}]},
        ),
    ),
    "template_named": (
        "A template whose places have names",
        _template(
            "table_booked",
            {"type": "header", "parameters": [{"type": "text", "parameter_name": "name", "text": "Ada"}]},
            {
                "type": "body",
                "parameters": [
                    {"type": "text", "parameter_name": "table", "text": "4B"},
                    {"type": "text", "parameter_name": "time", "text": "seven"},
                ],
            },
            language="nl",
        ),
    ),
    "template_coupon": (
        "A template with a code to copy",
        _template(
            "winter_sale",
            {
                "type": "button",
                "sub_type": "copy_code",
                "index": "0",
                "parameters": [{"type": "coupon_code", "coupon_code": "WINTER17"}],
            },
        ),
    ),
}

EXAMPLES: dict[str, Example] = {
    name: Example(summary=summary, value=value) for name, (summary, value) in _SHOWN.items()
}
