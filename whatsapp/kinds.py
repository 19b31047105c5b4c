"""What a message's type and content tell beyond their words: what it is about, what it answers, the file it carries.

Read without trust: what makes no sense tells nothing, and the message is kept all the same. Source: section 4.4.
"""

from dataclasses import dataclass
from typing import Any

from whatsapp.events import Json
from whatsapp.file_facts import digest
from whatsapp.foreign import UnreadableError, identifier, mapping, text

FILES = ("image", "audio", "video", "document", "sticker")
"""The types that carry a file."""

_ABOUT = {"reaction": "message_id", "edit": "original_message_id", "revoke": "original_message_id"}


@dataclass(frozen=True, slots=True)
class File:
    """A file as Meta tells of it; Meta keeps it for seven days under its id."""

    kind: str
    media_id: str
    mime_type: str | None
    filename: str | None
    """As the sender named it: never a path."""
    sha256: bytes | None


def about(kind: str, content: Json) -> str | None:
    """The wamid of the message that a reaction, an edit or a revoke is about."""
    key = _ABOUT.get(kind)
    return None if key is None else _id(mapping(content.get(kind)).get(key))


def replies_to(content: Json) -> str | None:
    """The wamid of the message that this one answers: `id` in what came in, `message_id` in what went out."""
    context = mapping(content.get("context"))
    return _id(context.get("id")) or _id(context.get("message_id"))


def emoji(content: Json) -> str | None:
    """What a reaction shows; None when it takes an earlier one back, by an empty emoji or without one."""
    return text(mapping(content.get("reaction")).get("emoji")) or None


def present(content: Json) -> tuple[str, Json] | None:
    """What an edit makes of its message: type and content; None when it does not tell."""
    edited = mapping(mapping(content.get("edit")).get("message"))
    kind = text(edited.get("type"))
    if not kind:
        return None
    # Its context is not the message's: Meta's example names a message that does not exist.
    return kind, {key: inner for key, inner in edited.items() if key not in ("type", "context")}


def file_of(kind: str, content: Json) -> File | None:
    """The file that a message carries, also one that an edit gives to its message."""
    if kind == "edit":
        edited = present(content)
        return None if edited is None or edited[0] == "edit" else file_of(*edited)
    part = mapping(content.get(kind))
    media_id = _id(part.get("id"))
    if kind not in FILES or media_id is None:
        return None
    sha256 = digest(text(part.get("sha256")))
    return File(kind, media_id, text(part.get("mime_type")), text(part.get("filename")), sha256)


def _id(value: Any) -> str | None:
    try:
        return identifier(value)
    except UnreadableError:
        return None
