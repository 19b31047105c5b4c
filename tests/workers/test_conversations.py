"""What a worker's looks at conversations go by, and which queues it serves."""

from dataclasses import fields, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from settings import ConversationSettings, load
from store.turn_plan import Rules
from workers import conversations
from workers.conversations import _rules
from workflows.contracts import ACTIVITIES_QUEUE, FILES_QUEUE

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


def test_files_have_a_queue_and_those_that_the_release_before_has_queued_are_moved_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversations, "Worker", lambda _, **config: config)
    nothing = dict.fromkeys(("database", "ring", "graph", "agents", "media", "objects"))
    parts: Any = SimpleNamespace(settings=load(), runner=None, **nothing)
    temporal: Any = None
    workers: list[Any] = conversations.conversation_workers(temporal, parts).workers
    known = {one["task_queue"]: [done.__name__ for done in one["activities"]] for one in workers}
    assert known[FILES_QUEUE] == ["move_file"]
    assert "move_file" in known[ACTIVITIES_QUEUE]
