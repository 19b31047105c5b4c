"""A conversation as a page shows it: who wrote what, what can be tapped, and who reacted with what."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from simulator.customers import Conversation, Reply, Said
from simulator.kinds_in import FILE_KINDS

_TAPPED_AS = {"button": "button_reply", "list": "list_reply"}


@dataclass(frozen=True, slots=True)
class Tap:
    """A button or a row that a customer can choose."""

    title: str
    type: str
    """What comes back: interactive or button."""
    content: dict[str, Any]
    description: str = ""


@dataclass(slots=True)
class Line:
    """One message."""

    author: str
    """customer, business or app."""
    wamid: str
    kind: str
    at: datetime
    words: str
    quote: str = ""
    """What it replies to."""
    file_id: str = ""
    link: str = ""
    taps: list[Tap] = field(default_factory=list)
    reactions: dict[str, str] = field(default_factory=dict)
    """Emoji by author."""


def tap_of(conversation: Conversation, wamid: str, place: int) -> Tap:
    """What a customer taps in a message.

    Raises:
        LookupError: there is no such button.
    """
    found = [line.taps for line in lines_of(conversation) if line.wamid == wamid and place >= 0]
    return found[0][place]


def lines_of(conversation: Conversation) -> list[Line]:
    """The messages in the order they were written; a reaction stands at what it is to."""
    lines: dict[str, Line] = {}
    for author, message in sorted(_messages(conversation), key=lambda one: _moment(one[1])):
        if message.type == "reaction":
            target = lines.get(str(message.content.get("message_id")))
            if target is not None:
                target.reactions[author] = str(message.content.get("emoji") or "")
            continue
        line = lines[message.wamid] = _line(author, message)
        replied = lines.get(message.reply_to or "") if isinstance(message, Reply) else None
        line.quote = replied.words if replied is not None else ""
    return list(lines.values())


def _messages(conversation: Conversation) -> Iterator[tuple[str, Said | Reply]]:
    yield from (("customer", said) for said in conversation.said)
    yield from (("business", reply) for reply in conversation.replies)
    yield from (("app", said) for said in conversation.echoes)


def _moment(message: Said | Reply) -> float:
    return message.said_at if isinstance(message, Said) else message.received_at


def _line(author: str, message: Said | Reply) -> Line:
    content = message.content if isinstance(message.content, dict) else {}
    return Line(
        author=author,
        wamid=message.wamid,
        kind=message.type,
        at=datetime.fromtimestamp(_moment(message), UTC),
        words=_words(message.type, message.content),
        file_id=str(content.get("id", "")) if message.type in FILE_KINDS else "",
        link=str(content.get("link", "")) if message.type in FILE_KINDS else "",
        taps=list(_taps(message.type, content)) if author != "customer" else [],
    )


def _words(kind: str, content: Any) -> str:
    """What a message says, in a line; of what has no words, all of it."""
    if kind == "contacts" and isinstance(content, list):
        return ", ".join(str(card.get("name", {}).get("formatted_name", "somebody")) for card in content)
    if not isinstance(content, dict):
        return ""
    if kind in FILE_KINDS:
        return " ".join(str(content[name]) for name in ("filename", "caption") if content.get(name))
    return _said(kind, content) or orjson.dumps(content).decode()


def _said(kind: str, content: dict[str, Any]) -> str:
    found = ""
    match kind, content:
        case "text", {"body": str(body)}:
            found = body
        case "location", {"latitude": latitude, "longitude": longitude}:
            found = f"{latitude}, {longitude} {content.get('name') or ''}".strip()
        case "interactive", {"body": {"text": str(text)}}:
            found = text
        case "interactive", {"type": str(name)} if isinstance(content.get(name), dict):
            found = str(content[name].get("title") or content[name].get("body") or "")
        case "button", {"text": str(text)}:
            found = text
        case "template", {"name": str(name)}:
            found = f"Template {name}"
    return found


def _taps(kind: str, content: dict[str, Any]) -> Iterator[Tap]:
    """What can be chosen: reply buttons, rows of a list, and a template's quick replies."""
    if kind == "template":
        for component in content.get("components") or []:
            if component.get("sub_type") == "quick_reply":
                payload = str((component.get("parameters") or [{}])[0].get("payload", ""))
                yield Tap(payload or "Quick reply", "button", {"payload": payload, "text": payload})
        return
    name = _TAPPED_AS.get(str(content.get("type"))) if kind == "interactive" else None
    if name is None:
        return
    action = content["action"]
    replies = [button["reply"] for button in action.get("buttons", [])]
    for reply in replies + [row for section in action.get("sections", []) for row in section["rows"]]:
        chosen = {key: reply[key] for key in ("id", "title", "description") if key in reply}
        tapped = {"type": name, name: chosen}
        yield Tap(reply["title"], "interactive", tapped, str(reply.get("description", "")))
