"""Every kind of message that customers write, in Meta's shape: what each needs, and what comes with some of them."""

from typing import Any

from simulator.refusals import failure

NEEDS: dict[str, tuple[str, ...]] = {
    "text": ("body",),
    "image": ("id", "mime_type", "sha256"),
    "video": ("id", "mime_type", "sha256"),
    "audio": ("id", "mime_type", "sha256"),
    "document": ("id", "mime_type", "sha256"),
    "sticker": ("id", "mime_type", "sha256"),
    "location": ("latitude", "longitude"),
    "interactive": ("type",),
    "button": ("payload", "text"),
    "reaction": ("message_id",),
    "order": ("catalog_id", "product_items"),
    "system": ("body", "type"),
    "edit": ("original_message_id", "message"),
    "revoke": ("original_message_id",),
}
"""The keys that an object of each kind has at least. `contacts` is a list; any other kind may look as it likes."""
FILE_KINDS = frozenset({"image", "video", "audio", "document", "sticker"})
_INTERACTIVE = frozenset({"button_reply", "list_reply", "nfm_reply", "call_permission_reply"})
_UNSUPPORTED = 131051
_UNREADABLE = {
    "code": 131000,
    "title": "Something went wrong",
    "message": "Something went wrong",
    "error_data": {"details": "Unsupported webhook payload"},
}


def misshapen(kind: str, content: Any) -> str | None:
    """What keeps a content from being one that Meta would deliver under this type; None if nothing does.

    An interactive message may lack its object: Meta sends it so, with an error beside it.
    """
    if kind == "contacts":
        return None if isinstance(content, list) and content else "contacts is a list of at least one contact"
    needed = NEEDS.get(kind)
    if needed is None or (kind == "interactive" and content is None):
        return None
    if not isinstance(content, dict) or (missing := [name for name in needed if name not in content]):
        return f"{kind} needs {', '.join(needed if not isinstance(content, dict) else missing)}"
    return _inside(kind, content)


def _inside(kind: str, content: dict[str, Any]) -> str | None:
    if kind == "interactive" and content["type"] in _INTERACTIVE and content["type"] not in content:
        return f"interactive lacks {content['type']}"
    if kind == "edit" and (not isinstance(content["message"], dict) or "type" not in content["message"]):
        return "edit.message lacks type"
    return None


def company(kind: str) -> dict[str, Any]:
    """Keys that Meta puts beside the content of a message: the reason why it cannot be shown."""
    return {"errors": [failure(_UNSUPPORTED)]} if kind in {"unsupported", "unknown"} else {}


def errors_of_value(kind: str, content: Any) -> list[dict[str, Any]]:
    """Errors that stand beside the messages: of an interactive message without its object."""
    return [_UNREADABLE] if kind == "interactive" and content is None else []
