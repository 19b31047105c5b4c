"""Every limit of every kind: a value at it, one over it, none at all; and nothing that was given in the words."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.limits import PLACES, Path, Schema, all_limits, at, full, over, with_value, written
from tests.outgoing import OUTGOING, Sent
from whatsapp.messages import validate_content

TEXTS = [place for place in PLACES if "maxLength" in place[3]]
LISTS = [place for place in PLACES if "maxItems" in place[3]]


def test_every_limit_is_in_one_of_the_messages() -> None:
    assert {limit for *_, limit in PLACES} == set(all_limits())


@pytest.mark.parametrize(("name", "sent", "path", "field", "limit"), TEXTS, ids=lambda it: str(it)[:40])
def test_a_text_may_have_as_many_characters_as_its_limit_and_not_one_more(
    name: str, sent: Sent, path: Path, field: Schema, limit: str
) -> None:
    most = field["maxLength"]
    assert validate_content(*full(sent, path, field)) == []
    assert validate_content(*over(sent, path, field)) == [
        f"{written(path)}: has {most + 1} characters, {most} at most"
    ], (name, limit)


@pytest.mark.parametrize(("name", "sent", "path", "field", "limit"), LISTS, ids=lambda it: str(it)[:40])
def test_a_list_may_have_as_many_entries_as_its_limit_and_not_one_more(
    name: str, sent: Sent, path: Path, field: Schema, limit: str
) -> None:
    most, given = field["maxItems"], at(sent[1], path)
    assert validate_content(*over(sent, path, field)) == [f"{written(path)}: has {most + 1} entries, {most} at most"], (
        name,
        limit,
    )
    files = ("image", "video", "document")
    several_sections = path[-1] == "rows" and len(at(sent[1], path[:-2])) > 1
    if not several_sections and given[-1].get("type") not in files:
        assert validate_content(*full(sent, path, field)) == []


@pytest.mark.parametrize(("name", "sent", "path", "field", "limit"), TEXTS, ids=lambda it: str(it)[:40])
def test_a_text_that_says_nothing_is_refused_but_for_the_emoji_that_is_taken_away(
    name: str, sent: Sent, path: Path, field: Schema, limit: str
) -> None:
    for nothing in ("", " \n"):
        problems = validate_content(*with_value(sent, path, nothing))
        if limit == "ReactionPart.emoji" and not nothing:
            assert problems == []
        else:
            assert [problem.partition(":")[0] for problem in problems] == [written(path)], (name, field)


def _everywhere(value: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in inner:
        yield from _everywhere(one, (*path, step))


@pytest.mark.parametrize("name", OUTGOING)
def test_whatever_is_wrong_nothing_that_was_given_is_repeated(name: str) -> None:
    kind, content = OUTGOING[name]
    wrong = ["canary " * 1000, ["canary"], {"canary": "canary"}, {"type": "canary"}, 17.5, True]
    for path in filter(None, _everywhere(content)):
        inside = at(content, path)
        for value in [*wrong, {**inside, "canary": 1} if isinstance(inside, dict) else "canary"]:
            problems = validate_content(*with_value((kind, content), path, value))
            assert "canary" not in " ".join(problems), path


@pytest.mark.parametrize("name", OUTGOING)
def test_neither_nul_nor_null_goes_anywhere(name: str) -> None:
    kind, content = OUTGOING[name]
    for path in filter(None, _everywhere(content)):
        assert validate_content(*with_value((kind, content), path, "\x00")), path
        # What the business's own software put there, it reads again.
        of_others = "data" in path[:-1] or (kind == "template" and "action" in path[:-1])
        assert validate_content(*with_value((kind, content), path, None)) or of_others, path
