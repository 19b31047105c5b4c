"""What a page shows of a message's own words, whatever its type."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from api.console.message_words import short
from store.reading.messages import Message

_AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
_MESSAGE = Message(
    id=UUID(int=1),
    conversation_id=UUID(int=2),
    direction="out",
    author="api",
    wamid=None,
    type="text",
    content={},
    state="unknown",
    delivery="none",
    why=None,
    hold=None,
    hold_until=None,
    at=_AT,
    created_at=_AT,
)


def _message(said: str) -> Message:
    return replace(_MESSAGE, content={"text": {"body": said}}, in_words=said)


def test_a_list_shows_the_beginning_on_one_line_and_ends_with_a_whole_word() -> None:
    assert short(_message("one\n\ntwo   three")) == "one two three"
    cut = short(_message("breadrolls " * 20))
    assert cut == "breadrolls " * 7 + "…"
    endless = short(_message("x" * 200))
    assert endless == "x" * 79 + " …"
