"""The examples that OpenAPI shows; a test checks that each has the shape of what the route answers."""

from http import HTTPStatus
from typing import Any

from api.problems import MEDIA_TYPE, Problem

_CONTACT_ID = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a01"
_CONVERSATION_ID = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a02"
_OUTBOUND_ID = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a04"
_CURSOR = "WyJjb250YWN0cyIsIjAxOWFhNWQxIl0"

CONTACTS = {
    "items": [
        {
            "id": _CONTACT_ID,
            "profile_name": "Ada",
            "username": None,
            "phone_number": "+31612345678",
            "user_id": "NL.1349001122334455",
            "marketing_stopped_at": None,
            "marketing_opted_in_at": "2026-11-20T14:05:00Z",
            "marketing_source": "api",
            "created_at": "2026-11-21T09:00:00Z",
        }
    ],
    "next_cursor": _CURSOR,
}

CONVERSATIONS = {
    "items": [
        {
            "id": _CONVERSATION_ID,
            "phone_number": "+31201234567",
            "phone_number_id": "106540352242922",
            "contact_id": _CONTACT_ID,
            "contact_name": "Ada",
            "contact_phone_number": "+31612345678",
            "contact_user_id": "NL.1349001122334455",
            "in_charge": "bot",
            "in_charge_reason": None,
            "in_charge_since": None,
            "window_open": True,
            "window_closes_at": "2026-11-22T09:00:00Z",
            "window_seconds_left": 80400,
            "template_required": False,
            "last_message_at": "2026-11-21T09:00:01Z",
            "created_at": "2026-11-21T09:00:00Z",
        }
    ],
    "next_cursor": None,
}

MESSAGE = {
    "id": _OUTBOUND_ID,
    "conversation_id": _CONVERSATION_ID,
    "direction": "out",
    "author": "bot",
    "wamid": "wamid.HBgLMzE2MTIzNDU2NzgVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA",
    "type": "text",
    "content": {"text": {"body": "Your order has left our warehouse."}},
    "state": "accepted",
    "delivery": "delivered",
    "why": None,
    "hold": None,
    "hold_until": None,
    "at": "2026-11-21T09:00:01Z",
    "created_at": "2026-11-21T09:00:00Z",
    "in_words": "Your order has left our warehouse.",
    "reactions": [
        {"emoji": "👍", "by": "customer", "contact_id": _CONTACT_ID, "at": "2026-11-21T09:05:00Z"},
    ],
    "edited_at": None,
    "revoked_at": None,
    "replies_to": {"wamid": "wamid.HBgLMzE2MTIzNDU2NzgVAgASGA==", "message_id": "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a03"},
    "about": None,
    "file": None,
}

MESSAGES = {"items": [MESSAGE], "next_cursor": None}

TAKEN_OVER = {
    "conversation_id": _CONVERSATION_ID,
    "in_charge": "person",
    "since": "2026-11-21T09:00:00Z",
    "already_sending": [_OUTBOUND_ID],
}

GIVEN_BACK = {
    "conversation_id": _CONVERSATION_ID,
    "in_charge": "bot",
    "since": "2026-11-21T09:30:00Z",
    "already_sending": [],
}

WEBHOOK_EVENTS = {
    "items": [
        {
            "id": 4711,
            "received_at": "2026-11-21T09:00:00Z",
            "processed_at": "2026-11-21T09:00:00Z",
            "state": "done",
            "body_bytes": 742,
            "applied": 1,
            "duplicate": 0,
            "parked": 1,
            "quarantined": 0,
            "items": [
                {
                    "place": 1,
                    "kind": "message",
                    "outcome": "parked",
                    "reason": "the message has no id",
                    "phone_number_id": "106540352242922",
                }
            ],
        }
    ],
    "next_cursor": None,
}

STATUS = [
    {
        "integration_id": "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a06",
        "phone_number": "+31201234567",
        "phone_number_id": "106540352242922",
        "waba_id": "102290129340398",
        "enabled": True,
        "connected": True,
        "state": "live",
        "state_reason": None,
        "state_since": "2026-11-20T08:00:00Z",
        "late": 0,
        "late_since": None,
        "parked": 1,
        "waiting": [{"what": "pair", "messages": 2, "since": "2026-11-21T09:00:00Z"}],
        "problems": [
            {
                "code": "name_not_approved",
                "severity": "warning",
                "says": "The display name was declined at Meta: customers see the phone number instead.",
                "next_step": "Ask for another display name in WhatsApp Manager.",
                "since": "2026-11-20T08:00:00Z",
            }
        ],
        "in_words": "Connected. The display name was declined at Meta: customers see the phone number instead. Ask for "
        "another display name in WhatsApp Manager. 2 messages waiting for Meta's rate to one customer. "
        "1 webhook item could not be applied: see webhook-events.",
    }
]


def problem(status: int, code: str, detail: str, next_step: str) -> dict[str, Any]:
    """A refusal for OpenAPI."""
    example = {
        "type": f"urn:holdfast:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        "next_step": next_step,
    }
    return {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema(), "example": example}},
    }


PROBLEMS: dict[int, dict[str, Any]] = {
    401: problem(401, "unauthorized", "The request has no API key.", "Send `Authorization: Bearer hf_…`."),
    403: problem(
        403, "wrong_verify_token", "The verify token is not known here.", "Enter the app's or the number's own."
    ),
    404: problem(404, "not_found", "There is no such message.", "Check the id; lists show what exists."),
    409: problem(
        409,
        "template_required",
        "The 24-hour window of this conversation is closed: only a template may be sent.",
        "Send a template, or wait until the customer writes.",
    ),
    408: problem(408, "upload_cut", "Nothing came of the file for 60 s.", "Send the whole file again."),
    413: problem(413, "too_large", "The picture is longer than 5 MB.", "Send less: the detail names the limit."),
    415: problem(
        415,
        "file_type",
        "Content-Type: is none of the types that Meta takes: image/jpeg, image/png, …",
        "Say what the file is by Content-Type; docs/media.md lists the types.",
    ),
    422: problem(422, "invalid_request", "text.body: must not be empty.", "Correct the named field and send it again."),
    503: problem(503, "unavailable", "The database does not answer.", "Try again in a moment; see /ready."),
}


def answers(status: int, example: object, *problems: int) -> dict[int | str, dict[str, Any]]:
    """A route's answers for OpenAPI: the good one's example and the problems it may end in."""
    described: dict[int | str, dict[str, Any]] = {problem: PROBLEMS[problem] for problem in problems}
    described[status] = {"content": {"application/json": {"example": example}}}
    return described


def redirect(where: str, *problems: int) -> dict[int | str, dict[str, Any]]:
    """A route's answers for OpenAPI when it sends the browser on, and the problems it may end in."""
    location = {"description": where, "schema": {"type": "string", "format": "uri"}}
    described: dict[int | str, dict[str, Any]] = {problem: PROBLEMS[problem] for problem in problems}
    empty = {"text/plain": {"example": ""}}
    return described | {303: {"description": where, "headers": {"Location": location}, "content": empty}}
