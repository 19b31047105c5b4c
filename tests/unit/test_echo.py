"""The echo agent answers whatever was stored: foreign JSON of any shape."""

from typing import Any

import pytest

from store.echo import LIMIT, echo


@pytest.mark.parametrize("text", [None, "hi", [], 7, {}, {"body": None}, {"body": {"a": 1}}, {"body": " "}])
def test_a_text_without_a_body_is_answered_by_its_type(text: Any) -> None:
    assert echo([("text", {"text": text})]) == [{"text": {"body": "[text]"}}]


def test_several_messages_are_one_reply_a_line_each() -> None:
    received: list[tuple[str, dict[str, Any]]]
    received = [("text", {"text": {"body": "one"}}), ("image", {"image": {}}), ("text", {"text": {"body": "two"}})]
    assert echo(received) == [{"text": {"body": "one\n[image]\ntwo"}}]


def test_what_is_longer_than_meta_takes_becomes_several_replies() -> None:
    replies = echo([("text", {"text": {"body": "x" * (LIMIT + 1)}})])
    assert [len(reply["text"]["body"]) for reply in replies] == [LIMIT, 1]
