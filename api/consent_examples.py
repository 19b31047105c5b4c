"""Examples for OpenAPI of writing first, and of what contacts want of marketing."""

from typing import Any

from api.examples import MESSAGE

_CONTACT_ID = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a01"
_INTEGRATION_ID = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a06"
_SHIPPED: list[dict[str, Any]] = [
    {"type": "text", "parameter_name": "name", "text": "Ada"},
    {"type": "text", "parameter_name": "order", "text": "4711"},
]

FIRST: dict[str, Any] = {
    "to": "+31612345678",
    "integration_id": _INTEGRATION_ID,
    "template": {
        "name": "order_shipped",
        "language": {"code": "en_US"},
        "components": [{"type": "body", "parameters": _SHIPPED}],
    },
    "send_before": "2026-11-22T18:00:00Z",
}

SENT = {
    "message_id": MESSAGE["id"],
    "conversation_id": MESSAGE["conversation_id"],
    "contact_id": _CONTACT_ID,
    "integration_id": _INTEGRATION_ID,
    "queued_at": "2026-11-21T09:00:00Z",
    "state": "queued",
}

_SIGNED = {
    "choice": "opt_in",
    "source": "api",
    "says": "Marketing asked for, as the business's software told.",
    "told_at": "2026-11-20T14:05:00Z",
    "recorded_at": "2026-11-20T14:05:01Z",
    "message_id": None,
    "note": 'Ticked "news by WhatsApp" at checkout, order 4711',
}
_STOPPED = {
    "choice": "stop",
    "source": "stop_word",
    "says": "Marketing stopped, by a word that they wrote.",
    "told_at": "2026-11-21T09:00:00Z",
    "recorded_at": "2026-11-21T09:00:01Z",
    "message_id": "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a03",
    "note": None,
}

CONSENT = {
    "contact_id": _CONTACT_ID,
    "marketing": "stopped",
    "since": "2026-11-21T09:00:00Z",
    "says": "The contact has stopped marketing messages: since 2026-11-21 09:00 UTC, by a word that they wrote.",
    "history": [_STOPPED, _SIGNED],
}

OPTED_IN = {
    "contact_id": _CONTACT_ID,
    "marketing": "opted_in",
    "since": "2026-11-20T14:05:00Z",
    "says": "They have asked for marketing messages, as the business's software told.",
    "history": [_SIGNED],
}
