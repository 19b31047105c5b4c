"""What a page shows of a message's own words, whatever its type."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from api.console.message_words import content_of, short
from store.reading_messages import Message

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


def _message(kind: str, part: object) -> Message:
    return replace(_MESSAGE, type=kind, content={kind: part})


@pytest.mark.parametrize(
    ("kind", "part", "shown"),
    [
        ("text", {"body": "It has left.\nSee you"}, "It has left.\nSee you"),
        ("template", {"name": "order_shipped", "language": {"code": "de"}}, "Template order_shipped"),
        ("image", {"id": "1", "caption": "Your cake"}, "Your cake"),
        ("sticker", {"id": "1"}, "(sticker)"),
        ("text", {"body": ""}, "(text)"),
        ("text", {"body": 1}, "(text)"),
        ("location_request", None, "(location request)"),
    ],
)
def test_a_message_is_shown_in_its_own_words_or_by_its_type(kind: str, part: Any, shown: str) -> None:
    assert content_of(_message(kind, part)) == shown


def test_a_list_shows_the_beginning_on_one_line_and_ends_with_a_whole_word() -> None:
    assert short(_message("text", {"body": "one\n\ntwo   three"})) == "one two three"
    cut = short(_message("text", {"body": "breadrolls " * 20}))
    assert cut == "breadrolls " * 7 + "…"
    endless = short(_message("text", {"body": "x" * 200}))
    assert endless == "x" * 79 + " …"
