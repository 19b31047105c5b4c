from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from api.webhook import PATHS
from settings import CheckSettings, load
from workers import control
from workers.control import CALLBACK_PATHS


def test_the_checks_know_every_path_that_a_webhook_may_arrive_at() -> None:
    assert set(CALLBACK_PATHS) == set(PATHS)


def test_numbers_are_checked_as_often_as_the_settings_say() -> None:
    often = CheckSettings(every=timedelta(hours=2), every_stopped=timedelta(minutes=3))
    parts: Any = SimpleNamespace(
        settings=replace(load(), check=often),
        database=None,
        ring=None,
        accounts=SimpleNamespace(unhurried=lambda: None),
    )
    schedules: Any = None
    checks = control._checks(parts, schedules)
    assert (checks.every, checks.every_unwell) == (often.every, often.every_stopped)
    usual = CheckSettings()
    assert (usual.every, usual.every_stopped) == (timedelta(days=1), timedelta(minutes=15))
