"""Examples for OpenAPI of what is sent, what became of it, and what is decided about it."""

from typing import Any

from api.examples import MESSAGE

_INBOUND_ID = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a03"
_TURN_ID = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a05"
_CLAIMED_AT, _ASKED_AT = "2026-11-21T09:00:00Z", "2026-11-21T09:02:00Z"
_WHY = "of messages sent later, only 1 of the 3 that it takes have been heard of"

QUEUED = {
    "message_id": MESSAGE["id"],
    "conversation_id": MESSAGE["conversation_id"],
    "queued_at": "2026-11-21T09:00:00Z",
    "state": "queued",
}

_UNKNOWN: dict[str, Any] = MESSAGE | {
    "wamid": None,
    "state": "unknown",
    "delivery": "none",
    "reactions": [],
    "why": f"Nobody knows whether it reached the customer; {_WHY}. A person decides.",
    "at": "2026-11-21T09:00:00Z",
}

_PARTIES = {
    "integration_id": "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a06",
    "phone_number": "+31201234567",
    "phone_number_id": "106540352242922",
    "contact_id": "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a01",
    "contact_name": "Ada",
    "contact_phone_number": "+31612345678",
    "contact_user_id": "NL.1349001122334455",
}

UNKNOWN_MESSAGES = {
    "items": [
        {
            "message": _UNKNOWN,
            "parties": _PARTIES,
            "attempt": 1,
            "policy": "evidence",
            "waits_for": "person",
            "unknown_since": _CLAIMED_AT,
            "awaited_until": None,
            "asked_at": _ASKED_AT,
        }
    ],
    "next_cursor": None,
}

_DECISION = {
    "turn_id": _TURN_ID,
    "turn_no": 1,
    "state": "answered",
    "agent_flow": "echo",
    "began_at": "2026-11-21T09:00:00Z",
    "ended_at": "2026-11-21T09:00:00Z",
    "attempts": 0,
    "error_code": None,
    "error_detail": None,
    "asked_by": [_INBOUND_ID],
    "answered_by": [MESSAGE["id"]],
}

_OUTCOME = {
    "says": _UNKNOWN["why"],
    "attempt": 1,
    "policy": "evidence",
    "policy_of": "number",
    "policy_says": "It is sent again once if Meta's silence proves that it was not taken; else a person is asked.",
    "awaited_until": None,
    "evidence": {
        "conclusive": False,
        "why": "Of messages sent later, only 2 of the 3 that it takes have been heard of.",
        "since": _CLAIMED_AT,
    },
    "settled": [
        {
            "attempt": 1,
            "policy": "evidence",
            "evidence": _WHY,
            "conclusive": False,
            "asked_at": _ASKED_AT,
            "decision": None,
            "decided_at": None,
            "decided_by": None,
            "decided_by_name": None,
        }
    ],
    "choices": [
        {
            "decision": "resend",
            "not_before": None,
            "says": "It is queued again, at the end of its conversation's queue.",
            "caution": None,
        },
        {
            "decision": "give_up",
            "not_before": None,
            "says": "It counts as failed. Should Meta tell later that it arrived, it counts as accepted.",
            "caution": None,
        },
    ],
}

STORY = {
    "message": _UNKNOWN,
    "original": None,
    "parties": _PARTIES,
    "receipt": None,
    "decision": _DECISION,
    "outcome": _OUTCOME,
    "attempts": [
        {
            "attempt": 1,
            "state": "unknown",
            "claimed_at": _CLAIMED_AT,
            "ended_at": "2026-11-21T09:00:01Z",
            "wamid": None,
            "http_status": 500,
            "error": {
                "code": 131000,
                "subcode": None,
                "error_class": "server",
                "detail": "Something went wrong.",
                "meaning": "Something went wrong at Meta; whether the message left is not certain.",
                "next_step": "Nothing: Holdfast first finds out whether it was sent.",
            },
            "fbtrace_id": "AbCdEfGhIjK",
        }
    ],
    "statuses": [],
}

RESENT = {
    "message_id": MESSAGE["id"],
    "conversation_id": MESSAGE["conversation_id"],
    "attempt": 1,
    "decision": "resend",
    "decided_at": "2026-11-21T09:10:00Z",
    "state": "queued",
    "says": "It is queued again, at the end of its conversation's queue.",
}

GIVEN_UP = RESENT | {
    "decision": "give_up",
    "state": "failed",
    "says": "It counts as failed. Should Meta tell later that it arrived, it counts as accepted.",
}
