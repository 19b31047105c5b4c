"""Messages that can be sent, one of each kind and more: what the API shows, and what it takes to name every field."""

from typing import Any

from api.sending_examples import EXAMPLES

_ENVELOPE = ("to", "type")
_TEXT = {"type": "text", "text": "words"}
_FILE = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a07"

Sent = tuple[str, dict[str, Any]]
"""A kind and its content."""


def _shown(name: str) -> Sent:
    body = dict(EXAMPLES[name]["value"] or {})
    return body["type"], {key: part for key, part in body.items() if key not in _ENVELOPE}


SHOWN: dict[str, Sent] = {name: _shown(name) for name in EXAMPLES}
"""The examples of the API's description."""


def _template(name: str, *components: dict[str, Any]) -> Sent:
    return "template", {"template": {"name": name, "language": {"code": "en"}, "components": list(components)}}


def _tap(kind: str, action: dict[str, Any], **more: Any) -> Sent:
    return "interactive", {"interactive": {"type": kind, "body": {"text": "words"}, "action": action, **more}}


_ROW = {"id": "1", "title": "One", "description": "The first"}
_FLOW = {"flow_message_version": "3", "flow_name": "tables", "flow_cta": "Go", "mode": "draft"}
_MONEY = {"fallback_value": "17 €", "code": "EUR", "amount_1000": 17000}
_FULL_CARD = {
    "name": {
        "formatted_name": "Dr Ada King Lovelace II",
        "first_name": "Ada",
        "middle_name": "King",
        "last_name": "Lovelace",
        "prefix": "Dr",
        "suffix": "II",
    },
    "phones": [{"phone": "+31612345678", "wa_id": "31612345678", "type": "WORK"}],
    "emails": [{"email": "ada@example.com", "type": "WORK"}],
    "urls": [{"url": "https://example.com", "type": "WORK"}],
    "addresses": [
        {
            "street": "Damrak 1",
            "city": "Amsterdam",
            "state": "NH",
            "zip": "1012 LG",
            "country": "Netherlands",
            "country_code": "nl",
            "type": "WORK",
        }
    ],
    "org": {"company": "Engines Ltd", "department": "Notes", "title": "Engineer"},
    "birthday": "1985-12-10",
}

FURTHER: dict[str, Sent] = {
    "image_by_id": ("image", {"image": {"id": "1003383421387256"}}),
    "video_by_id": ("video", {"video": {"id": "1003383421387256", "caption": "words"}}),
    "video_uploaded": ("video", {"video": {"media_id": _FILE}}),
    "audio_by_link": ("audio", {"audio": {"link": "https://example.com/a.ogg", "voice": False}}),
    "document_by_id": ("document", {"document": {"id": "1003383421387256"}}),
    "sticker_uploaded": ("sticker", {"sticker": {"media_id": _FILE}}),
    "sticker_by_id": ("sticker", {"sticker": {"id": "1003383421387256"}}),
    "document_by_link": ("document", {"document": {"link": "https://example.com/a.pdf"}}),
    "contacts_in_full": ("contacts", {"contacts": [_FULL_CARD]}),
    "list_of_one_section": _tap("list", {"button": "See", "sections": [{"title": "All", "rows": [_ROW]}]}),
    "buttons_with_text": _tap(
        "button",
        {"buttons": [{"type": "reply", "reply": {"id": "1", "title": "One"}}]},
        header={"type": "text", "text": "words"},
        footer={"text": "words"},
    ),
    "link_with_footer": _tap(
        "cta_url",
        {"name": "cta_url", "parameters": {"display_text": "Go", "url": "https://example.com"}},
        header={"type": "document", "document": {"link": "https://example.com/a.pdf", "filename": "a.pdf"}},
        footer={"text": "words"},
    ),
    "flow_by_name": _tap(
        "flow",
        {"name": "flow", "parameters": _FLOW},
        header={"type": "video", "video": {"id": "1003383421387256"}},
        footer={"text": "words"},
    ),
    "template_without_places": ("template", {"template": {"name": "hello_world", "language": {"code": "en_US"}}}),
    "template_header_text": _template("template_header_text", {"type": "header", "parameters": [_TEXT]}),
    "template_header_video": _template(
        "template_header_video",
        {"type": "header", "parameters": [{"type": "video", "video": {"link": "https://example.com/a.mp4"}}]},
    ),
    "template_header_document": _template(
        "template_header_document",
        {"type": "header", "parameters": [{"type": "document", "document": {"id": "1", "filename": "a.pdf"}}]},
    ),
    "template_header_place": _template(
        "template_header_place",
        {"type": "header", "parameters": [{"type": "location", "location": {"latitude": 1, "longitude": 2.5}}]},
    ),
    "template_money_and_time": _template(
        "template_money_and_time",
        {
            "type": "body",
            "parameters": [
                {"type": "currency", "currency": _MONEY, "parameter_name": "sum"},
                {"type": "date_time", "date_time": {"fallback_value": "seven"}, "parameter_name": "time"},
            ],
        },
    ),
    "template_flow": _template(
        "template_flow",
        {
            "type": "button",
            "sub_type": "flow",
            "index": 0,
            "parameters": [{"type": "action", "action": {"flow_token": "17", "flow_action_data": {"guests": 4}}}],
        },
    ),
    "template_carousel": _template(
        "template_carousel",
        {
            "type": "carousel",
            "cards": [
                {
                    "card_index": 0,
                    "components": [
                        {"type": "header", "parameters": [{"type": "image", "image": {"id": "1"}}]},
                        {"type": "body", "parameters": [_TEXT]},
                    ],
                }
            ],
        },
    ),
}
"""What else may be sent: every field that has a limit is in one of these."""

OUTGOING = SHOWN | FURTHER
