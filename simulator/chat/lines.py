"""A conversation as a page shows it: who wrote what, what can be tapped, and who reacted with what."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from simulator.chat.words import FindTemplate, Words, an_object, objects, parameters_of, template_of, words_of
from simulator.customers import Conversation, Reply, Said
from simulator.figures import whole
from simulator.kinds_in import FILE_KINDS
from simulator.templates import Template

_ABOUT_ANOTHER = {"reaction": "message_id", "edit": "original_message_id", "revoke": "original_message_id"}
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
    words: Words
    note: str = ""
    """What has become of it since."""
    quote: str = ""
    """What it replies to."""
    file_id: str = ""
    link: str = ""
    taps: list[Tap] = field(default_factory=list)
    reactions: dict[str, str] = field(default_factory=dict)
    """Emoji by author."""


def tap_of(conversation: Conversation, wamid: str, place: int, *, find: FindTemplate) -> Tap:
    """What a customer taps in a message.

    Raises:
        LookupError: there is no such button.
    """
    found = [line.taps for line in lines_of(conversation, find) if line.wamid == wamid and place >= 0]
    return found[0][place]


def lines_of(conversation: Conversation, find: FindTemplate) -> list[Line]:
    """The messages in the order they were written; what is about another stands at that one."""
    lines: dict[str, Line] = {}
    for author, message in sorted(_messages(conversation), key=lambda one: _moment(one[1])):
        if message.type in _ABOUT_ANOTHER:
            content = an_object(message.content)
            target = lines.get(str(content.get(_ABOUT_ANOTHER[message.type])))
            if target is not None:
                _change(target, author, message.type, content)
            if target is not None or message.type == "reaction":
                continue
        line = lines[message.wamid] = _line(author, message, find)
        replied = lines.get(message.reply_to or "") if isinstance(message, Reply) else None
        line.quote = replied.words.text if replied is not None else ""
    return list(lines.values())


def _messages(conversation: Conversation) -> Iterator[tuple[str, Said | Reply]]:
    yield from (("customer", said) for said in conversation.said)
    yield from (("business", reply) for reply in conversation.replies)
    yield from (("app", said) for said in conversation.echoes)


def _moment(message: Said | Reply) -> float:
    return message.said_at if isinstance(message, Said) else message.received_at


def _change(target: Line, author: str, kind: str, content: dict[str, Any]) -> None:
    if kind == "reaction":
        target.reactions[author] = str(content.get("emoji") or "")
    elif kind == "edit":
        written = an_object(content.get("message"))
        target.words = words_of(target.kind, written.get(target.kind), lambda _name, _language: None)
        target.note = "edited"
    else:
        target.words, target.file_id, target.link = Words(), "", ""
        target.note = "taken back"


def _line(author: str, message: Said | Reply, find: FindTemplate) -> Line:
    content = an_object(message.content)
    return Line(
        author=author,
        wamid=message.wamid,
        kind=message.type,
        at=datetime.fromtimestamp(_moment(message), UTC),
        words=words_of(message.type, message.content, find),
        file_id=str(content.get("id", "")) if message.type in FILE_KINDS else "",
        link=str(content.get("link", "")) if message.type in FILE_KINDS else "",
        taps=list(_taps(message.type, content, find)) if author != "customer" else [],
    )


def _taps(kind: str, content: dict[str, Any], find: FindTemplate) -> Iterator[Tap]:
    """What can be chosen: reply buttons, rows of a list, and a template's quick replies."""
    if kind == "template":
        yield from _quick_replies(content, template_of(content, find))
        return
    name = _TAPPED_AS.get(str(content.get("type"))) if kind == "interactive" else None
    if name is None:
        return
    action = an_object(content.get("action"))
    replies = [an_object(button.get("reply")) for button in objects(action.get("buttons"))]
    for reply in replies + [row for section in objects(action.get("sections")) for row in objects(section.get("rows"))]:
        chosen = {key: reply[key] for key in ("id", "title", "description") if key in reply}
        tapped = {"type": name, name: chosen}
        yield Tap(str(reply.get("title", "")), "interactive", tapped, str(reply.get("description", "")))


def _quick_replies(content: dict[str, Any], known: Template | None) -> Iterator[Tap]:
    if known is None:
        given = [one for one in objects(content.get("components")) if one.get("sub_type") == "quick_reply"]
        titles = {whole(one.get("index")) or 0: "" for one in given}
    else:
        buttons = enumerate(known.buttons)
        titles = {place: str(one.get("text")) for place, one in buttons if one.get("type") == "QUICK_REPLY"}
    for place, title in titles.items():
        parameters = parameters_of(content, "button", place)
        payload = str(parameters[0].get("payload", "")) if parameters else title
        yield Tap(title or payload or "Quick reply", "button", {"payload": payload, "text": title or payload})
