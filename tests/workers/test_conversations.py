"""What a worker's looks at conversations go by."""

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

from settings import ConversationSettings, load
from store.turn_plan import Rules
from workers.conversations import _rules

_NAMED = {"answer_stale_after": "bot_answer_stale_after"}


def test_each_figure_of_a_look_is_the_one_that_its_setting_says() -> None:
    others: dict[str, Any] = {}
    for n, figure in enumerate(fields(Rules), start=1):
        usual = figure.default
        other = not usual if isinstance(usual, bool) else n if isinstance(usual, int) else timedelta(seconds=n)
        others[figure.name] = other
    settings = {_NAMED.get(name, name): value for name, value in others.items()}

    assert _rules(replace(load(), conversation=ConversationSettings(**settings))) == Rules(**others)


def test_what_tests_of_looks_go_by_is_what_workers_go_by() -> None:
    assert _rules(replace(load(), conversation=ConversationSettings())) == Rules()
