"""The reference pages name what the code has, no more and no less."""

import re

import pytest

from tests.docs.reference import ROOT, environment, error_codes, our_metrics, sections


def test_every_setting_has_a_heading_and_every_heading_a_setting() -> None:
    assert sections("settings.md").keys() == environment().keys()


@pytest.mark.parametrize(("name", "default"), environment().items())
def test_the_page_of_settings_tells_what_each_is_for_and_its_default(name: str, default: str) -> None:
    text = sections("settings.md")[name]
    assert (f"Default: `{default}`" if default else "Default: empty.") in text
    assert len(text.split("Default:")[0].split()) >= 3


def test_the_example_environment_lists_every_setting_with_its_default() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    listed = dict(line.removeprefix("#").split("=", 1) for line in lines if re.match(r"#?[A-Z_]+=", line))
    for name, default in environment().items():
        assert listed[name] == default


def test_every_error_code_has_a_heading_and_every_heading_an_error_code() -> None:
    assert sections("errors.md").keys() == error_codes()


def test_every_metric_has_a_heading_and_every_heading_a_metric() -> None:
    assert sections("metrics.md").keys() == our_metrics()
