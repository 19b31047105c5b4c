"""Examples for OpenAPI of events and checks. No value here looks like a secret that could be somebody's."""

from typing import Any

_ENDPOINT_ID = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a20"
_DELIVERY_ID = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a21"
_EVENT_ID = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a22"
_FINDING_ID = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a23"
_INTEGRATION_ID = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a06"
_AT = "2026-11-21T09:00:00Z"

ENDPOINT: dict[str, Any] = {
    "id": _ENDPOINT_ID,
    "url": "https://shop.example.com/whatsapp/events",
    "types": ["integration.held", "finding.opened"],
    "enabled": True,
    "disabled_reason": None,
    "disabled_at": None,
    "created_at": _AT,
}
ENDPOINTS = {"items": [ENDPOINT], "next_cursor": None}
REGISTERED = {"endpoint": ENDPOINT, "secret": "whsec_…"}
ASKED = {"delivery_id": _DELIVERY_ID, "event_id": _EVENT_ID}
DELIVERIES = {
    "items": [
        {
            "id": _DELIVERY_ID,
            "event_id": _EVENT_ID,
            "type": "integration.held",
            "happened_at": _AT,
            "state": "pending",
            "attempts": 2,
            "status": 503,
            "reason": "The endpoint answered with HTTP 503.",
            "next_attempt_at": "2026-11-21T09:00:20Z",
            "redelivers_id": None,
            "created_at": _AT,
            "ended_at": None,
        }
    ],
    "next_cursor": None,
}

CHECK_ASKED = {"integration_id": _INTEGRATION_ID, "says": "The check begins now; its findings are there in seconds."}
FINDINGS = {
    "items": [
        {
            "id": _FINDING_ID,
            "integration_id": _INTEGRATION_ID,
            "subject": "quality",
            "code": "quality_low",
            "severity": "notice",
            "says": "Meta rates the number's quality YELLOW: customers block or report its messages.",
            "next_step": "Write only to customers who expect it; low quality lowers the limit of new conversations.",
            "meta_detail": None,
            "first_seen_at": _AT,
            "last_seen_at": _AT,
            "repaired_at": None,
            "cleared_at": None,
        }
    ],
    "next_cursor": None,
}
