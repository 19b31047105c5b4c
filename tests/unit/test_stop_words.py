"""Which messages stop marketing: a word and nothing else, however it is written."""
# ruff: noqa: RUF001 - words of other alphabets

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatsapp.stop_words import DEFAULT, bare, heard, problems

_PAGE = Path(__file__).parents[2] / "docs" / "consent.md"


def _text(words: str) -> str | None:
    return heard("text", {"text": {"body": words}}, None)


@pytest.mark.parametrize(
    "words",
    [
        "STOP", "stop", " Stop ", "Stop!", "*STOP*", "«stop»", "stop 🛑", "ＳＴＯＰ", "stop\n", "opt-out", "Opt  out.",
        "unsubscribe", "STOPP", "Abmelden", "arrêt", "arre\u0302t", "ARRET", "baja", "darme de baja", "Cancelar",
        "SAIR", "стоп", "停止", "停止。", "إلغاء الاشتراك", "रोकें", "abonelikten çık", "ABONELİKTEN ÇIK", "수신 거부",
    ],
)  # fmt: skip
def test_a_word_that_stops_marketing_is_known_however_it_is_written(words: str) -> None:
    assert _text(words) == "stop"


@pytest.mark.parametrize("words", ["START", "unstop", "Alta", "s’abonner", "S'ABONNER", "订阅"])
def test_a_word_that_lets_it_come_again_is_known_too(words: str) -> None:
    assert _text(words) == "resume"


@pytest.mark.parametrize(
    "words",
    ["", " ", "!", "please stop", "don't stop", "stop it", "nonstop", "stops", "s t o p", "start now", "yes", "cancel",
     "no", "I want to unsubscribe", "stop" * 100, "!" * 500 + "stop"],
)  # fmt: skip
def test_a_word_inside_other_words_is_none(words: str) -> None:
    assert _text(words) is None


@pytest.mark.parametrize(
    ("kind", "content", "means"),
    [
        ("button", {"button": {"payload": "STOP", "text": "No more offers"}}, "stop"),
        ("button", {"button": {"payload": "7", "text": "Stop"}}, "stop"),
        ("button", {"button": {"text": "No more offers"}}, None),
        ("button", {"button": {"payload": "START", "text": "STOP"}}, "stop"),
        ("interactive", {"interactive": {"button_reply": {"id": "stop", "title": "Bye"}}}, "stop"),
        ("interactive", {"interactive": {"button_reply": {"id": "1", "title": "START"}}}, "resume"),
        ("interactive", {"interactive": {"type": "list_reply", "list_reply": {"id": "stop", "title": "Bye"}}}, None),
        ("interactive", {"errors": []}, None),
        ("interactive", {"interactive": "stop"}, None),
        ("button", {"button": ["stop"]}, None),
        ("text", {"text": {"body": None}}, None),
        ("text", {}, None),
        ("image", {"image": {"caption": "stop"}}, None),
        ("reaction", {"reaction": {"emoji": "🛑"}}, None),
        ("edit", {"edit": {"message": {"type": "text", "text": {"body": "stop"}}}}, None),
    ],
)  # fmt: skip
def test_a_button_counts_by_its_text_and_by_what_it_carries_and_nothing_else_does(
    kind: str, content: dict[str, Any], means: str | None
) -> None:
    assert heard(kind, content, None) == means


def test_a_numbers_own_words_take_the_place_of_the_known_ones() -> None:
    own = json.dumps({"nl": {"stop": ["Geen reclame"], "start": ["Toch wel"]}, "en": {"stop": ["Enough"]}})
    said = {words: heard("text", {"text": {"body": words}}, own) for words in ("GEEN RECLAME!", "toch wel", "STOP")}
    assert said == {"GEEN RECLAME!": "stop", "toch wel": "resume", "STOP": None}
    assert heard("text", {"text": {"body": "STOP"}}, "{}") is None


def test_what_makes_no_sense_as_a_list_is_named_by_its_place_and_not_repeated() -> None:
    assert problems(DEFAULT) == []
    assert problems({}) == []
    found = problems(
        {
            "en": {"stop": ["stop", "!!", "x" * 61, "a\x00b"], "start": ["Stop!"]},
            "de": {"stop": [f"wort {n}" for n in range(51)], "start": ["start"]},
        }
    )
    assert found == [
        "en.stop.1: must have letters or digits, 60 characters at most and no NUL",
        "en.stop.2: must have letters or digits, 60 characters at most and no NUL",
        "en.stop.3: must have letters or digits, 60 characters at most and no NUL",
        "en.start.0: cannot both stop and start",
        "de.stop: has 51 words, 50 at most",
    ]
    assert problems({f"l{n}": {} for n in range(41)}) == ["has 41 languages, 40 at most"]


@given(st.text(max_size=80))
def test_what_is_compared_is_the_same_when_it_is_compared_again(words: str) -> None:
    once = bare(words)
    assert bare(once) == once
    assert bare(words.strip() + "!") == once


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=80))
def test_plain_letters_are_compared_as_all_others_are(words: str) -> None:
    assert f"{bare(words)} ü".split() == bare(f"{words} ü").split()


@given(st.sampled_from(sorted(word for lists in DEFAULT.values() for word in lists["stop"])), st.text(max_size=20))
def test_every_known_word_stops_and_with_another_word_beside_it_none_does(word: str, more: str) -> None:
    assert _text(word) == "stop"
    longer = f"{word} xyz{bare(more)}"
    assert _text(longer) is None


def test_the_page_lists_the_words_that_are_known() -> None:
    listed = re.findall(r"^\| ([a-z]{2}) \| (.+?) \| (.+?) \|$", _PAGE.read_text(), flags=re.MULTILINE)
    told = {language: {"stop": stop.split(" · "), "start": start.split(" · ")} for language, stop, start in listed}
    assert told == dict(DEFAULT)
