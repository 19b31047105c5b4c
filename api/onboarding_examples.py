"""Examples for OpenAPI of connecting numbers. No value here looks like a secret that could be somebody's."""

from typing import Any

_ONBOARDING_ID = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a10"
_INTEGRATION_ID = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a06"
_AGENT_FLOW_ID = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a07"
_WABA_ID = "102290129340398"
_PHONE_NUMBER_ID = "106540352242922"
_AT = "2026-11-21T09:00:00Z"


def _step(position: int, step: str, state: str, says: str | None, next_step: str | None = None) -> dict[str, Any]:
    began = state not in {"pending", "skipped"}
    return {
        "step": step,
        "position": position,
        "state": state,
        "attempts": 1 if began else 0,
        "says": says,
        "next_step": next_step,
        "meta_code": None,
        "meta_subcode": None,
        "meta_detail": None,
        "fbtrace_id": None,
        "began_at": _AT if began else None,
        "ended_at": _AT if state == "done" else None,
    }


_ASKS = "The number has two-step verification."
_DO = "Enter the PIN that is set in WhatsApp Manager, or reset it there."

ONBOARDING: dict[str, Any] = {
    "id": _ONBOARDING_ID,
    "agent_flow_id": _AGENT_FLOW_ID,
    "way": "frontend",
    "state": "running",
    "step": "register",
    "waiting_for": "pin",
    "waiting_since": _AT,
    "says": _ASKS,
    "next_step": _DO,
    "candidates": [],
    "number": {
        "waba_id": _WABA_ID,
        "phone_number_id": _PHONE_NUMBER_ID,
        "phone_number": "+31201234567",
        "verified_name": "Bakery Ada",
    },
    "blockers": [],
    "proof": {"kind": None, "wamid": None, "proved_at": None, "link": "https://wa.me/31201234567"},
    "error": None,
    "pin_to_be_shown": False,
    "coexistence": False,
    "register_not_before": None,
    "integration_id": _INTEGRATION_ID,
    "reconnects_id": None,
    "started_by": None,
    "cancel_requested_at": None,
    "created_at": _AT,
    "changed_at": _AT,
    "ended_at": None,
    "steps": [
        _step(1, "exchange", "done", "Meta has given access."),
        _step(2, "inspect", "done", "The access is for our app, with both permissions."),
        _step(3, "find", "done", "The number was found."),
        _step(4, "connect", "done", "The number is known here."),
        _step(5, "subscribe", "done", "Meta sends this account's messages here."),
        _step(6, "register", "waiting", _ASKS, _DO),
        _step(7, "check", "pending", None),
        _step(8, "activate", "pending", None),
        _step(9, "prove", "pending", None),
    ],
}

ONBOARDINGS = {"items": [ONBOARDING], "next_cursor": None}

ONBOARDING_STREAM = (
    f'event: onboarding\ndata: {{"id": "{_ONBOARDING_ID}", "state": "live", …}}\nid: 2026-11-21T09:00:00+00:00\n\n'
    f'event: end\ndata: "{_ONBOARDING_ID}"\n\n'
)

SHOWN_PIN = {"pin": "000000"}

INTEGRATION: dict[str, Any] = {
    "id": _INTEGRATION_ID,
    "agent_flow_id": _AGENT_FLOW_ID,
    "waba_id": _WABA_ID,
    "waba_name": "Bakery Ada",
    "business_id": "2729063490586005",
    "phone_number": "+31201234567",
    "phone_number_id": _PHONE_NUMBER_ID,
    "verified_name": "Bakery Ada",
    "state": "live",
    "state_reason": None,
    "state_since": _AT,
    "enabled": True,
    "token": {
        "last4": "7f3k",
        "type": "SYSTEM_USER",
        "expires_at": None,
        "scopes": ["whatsapp_business_management", "whatsapp_business_messaging"],
    },
    "unknown_policy": "evidence",
    "stop_words": {"nl": {"stop": ["STOP", "AFMELDEN"], "start": ["START"]}},
    "files_in_order": False,
    "coexistence": False,
    "callback_url": None,
    "number_status": "CONNECTED",
    "quality": "GREEN",
    "messaging_limit": "TIER_250",
    "throughput": "STANDARD",
    "checked_at": _AT,
    "subscribed_at": _AT,
    "created_at": _AT,
    "disconnected_at": None,
    "unsubscribe_says": None,
}

INTEGRATIONS = {"items": [INTEGRATION], "next_cursor": None}

ADDED = {"onboarding": ONBOARDING | {"way": "by_hand"}, "integration": INTEGRATION}

DISCONNECTED = {
    "integration_id": _INTEGRATION_ID,
    "unsubscribed": "later",
    "says": "The number is disconnected. Meta did not answer when our app was to be unsubscribed from the account: "
    "that is repeated by itself.",
}

_AGENT_FLOW = {
    "id": _AGENT_FLOW_ID,
    "name": "Orders",
    "kind": "http",
    "url": "https://agent.example.com/whatsapp",
    "created_at": _AT,
}

AGENT_FLOWS = {"items": [_AGENT_FLOW], "next_cursor": None}

MADE_AGENT_FLOW = {"agent_flow": _AGENT_FLOW, "secret": "<shown once>"}

DEAUTHORIZED = {"confirmation_code": "6f1d0c2b7a9e43d58c21"}

DELETION = {
    "url": "https://holdfast.example.com/api/v1/whatsapp/data-deletion/6f1d0c2b7a9e43d58c21",
    "confirmation_code": "6f1d0c2b7a9e43d58c21",
}
