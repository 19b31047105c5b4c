"""Whether a message has the shape that Graph takes."""

from typing import Any

from simulator.refusals import RefusedError

_OBJECT_TYPES = frozenset(
    {
        "text",
        "image",
        "audio",
        "video",
        "document",
        "sticker",
        "location",
        "interactive",
        "reaction",
        "template",
    }
)
_LONGEST_TEXT = 4096
_LONGEST_CALLBACK_DATA = 512


def problem(payload: dict[str, Any]) -> RefusedError | None:
    """What Graph would refuse a message for; None if it would take it."""
    if payload.get("recipient_type", "individual") != "individual":
        return RefusedError(100, details="recipient_type must be individual")
    if not _is_text(payload.get("to")) and not _is_text(payload.get("recipient")):
        return RefusedError(100, details="The parameter to is required")
    if payload.get("category") is not None:
        return RefusedError(100, details="Direct Send is not enabled for this account")
    callback_data = payload.get("biz_opaque_callback_data", "")
    if not isinstance(callback_data, str) or len(callback_data) > _LONGEST_CALLBACK_DATA:
        return RefusedError(100, details="biz_opaque_callback_data must be at most 512 characters long")
    context = payload.get("context")
    if context is not None and not (isinstance(context, dict) and _is_text(context.get("message_id"))):
        return RefusedError(131009, details="context.message_id must be a message id")
    payload.setdefault("type", "text")
    return _content_problem(payload["type"], payload)


def _content_problem(kind: Any, payload: dict[str, Any]) -> RefusedError | None:
    if kind == "contacts":
        is_shaped = isinstance(payload.get("contacts"), list) and bool(payload["contacts"])
    elif kind in _OBJECT_TYPES:
        is_shaped = isinstance(payload.get(kind), dict)
    else:
        return RefusedError(131051, details=f"Message type {kind!r} is not supported")
    if not is_shaped:
        return RefusedError(131008, details=f"Parameter {kind} is required")
    return _text_problem(payload["text"]) if kind == "text" else None


def _text_problem(text: dict[str, Any]) -> RefusedError | None:
    body = text.get("body")
    if not _is_text(body):
        return RefusedError(131008, details="Parameter text.body is required")
    if len(body or "") > _LONGEST_TEXT:
        return RefusedError(100, details="Param text['body'] must be at most 4096 characters long.")
    return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
