"""What fault tests measured, as a table at the end of a run, and the seed that repeats it."""

from collections.abc import Iterator

import pytest

_WIDTH = 80


def write_figures(reporter: pytest.TerminalReporter, *, seed: int, everything: bool) -> None:
    """Write the figures of all tests that recorded some, or, not `everything`, the seed alone if one of them failed."""
    if everything:
        reporter.section(f"figures (seed {seed})")
        for line in _table(reporter):
            reporter.write_line(line)
    elif any(dict(report.user_properties).get("seed") is not None for report in _ended(reporter, "failed")):
        reporter.write_line(f"seed of the random choices: {seed} (--seed {seed} makes the same ones)")


def _table(reporter: pytest.TerminalReporter) -> Iterator[str]:
    for report in [*_ended(reporter, "passed"), *_ended(reporter, "failed")]:
        figures: dict[str, list[str]] = {}
        for name, value in report.user_properties:
            if name != "seed":
                figures.setdefault(name, []).append(str(value))
        if figures:
            words = report.nodeid.partition("::")[2].removeprefix("test_").replace("_", " ")
            yield f"{words}{'' if report.passed else ' (FAILED)'}"
            yield from (f"  {name:<{_WIDTH}} {', '.join(values)}" for name, values in figures.items())


def _ended(reporter: pytest.TerminalReporter, outcome: str) -> list[pytest.TestReport]:
    reports: list[pytest.TestReport] = reporter.getreports(outcome)
    return [report for report in reports if report.when == "call"]
