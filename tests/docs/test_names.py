"""What the pages call by name exists: settings, routes, commands, metrics, events, files. They link to few sites."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from store.event_types import EVENT_TYPES
from tests.docs.reference import ROOT, environment, our_metrics, sections

_PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_ROOMS = ("activities", "api", "cli", "intake", "store", "whatsapp", "workflows")
_ELSEWHERE = {"POSTGRES_PASSWORD", "TEMPORAL_POSTGRES_PASSWORD", "API_PUBLISH", "TEMPORAL_UI_PUBLISH"}
"""Of docker-compose.yml, not of settings.py."""

_FIELDS = {"error.code", "error.next_step"}
"""Of an onboarding's answer: they look like events."""

_MAY_BE_LINKED = ("developers.facebook.com", "business.facebook.com", "temporal.io", "www.standardwebhooks.com")

_CODE = re.compile(r"`([^`\n]+)`")
_ROUTE = re.compile(r"(GET|POST|PUT|DELETE) (/\S+)")
_SETTING = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
_COMMAND = re.compile(r"holdfast ([a-z][a-z -]*[a-z])")
_METRIC = re.compile(r"holdfast_[a-z_]+")
_EVENT = re.compile(r"[a-z_]+\.[a-z_]+")
_FILE = re.compile(r"(?:[a-z_*]+/)*[a-z0-9_*]+\.(?:py|md|yaml|yml|mod)")
_FOLDERS = (ROOT, ROOT / "tests", ROOT / "tests" / "faults", ROOT / "docs" / "decisions")
"""Where a page's file may be; docs/reliability.md names tests by their place among the tests."""

_LINK = re.compile(r"\]\(https?://([^/)\s]+)")


def _named(page: Path, shape: re.Pattern[str]) -> set[str]:
    """What stands as code in a page, outside its blocks, and has this shape from its first character on."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return {code for code in _CODE.findall(text) if shape.match(code)}


def _groups() -> set[str]:
    return {name.split("_")[0] for name in environment()}


@cache
def _logged() -> set[str]:
    """The events that any room writes to its log."""
    found = set()
    for room in _ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Call(func=ast.Attribute(value=ast.Name("log")), args=[ast.Constant(str(event)), *_]):
                        found.add(event)
    return found


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_calls_by_name_exists(page: Path) -> None:
    assert _unknown(page) == set()


def _unknown(page: Path) -> set[str]:
    routes, commands = {_bare(route) for route in sections("api.md")}, sections("commands.md").keys()
    settings, metrics, events = environment().keys(), our_metrics(), {*EVENT_TYPES, *_logged(), *_FIELDS}
    return {
        *(name for name in _settings(page) if name not in settings),
        *(route for route in _routes(page) if _bare(route) not in routes),
        *(name for name in _commands(page) if f"holdfast {name}" not in commands),
        *(name for name in _metrics(page) if name.removesuffix("_total") not in metrics),
        *(name for name in _events(page) if name not in events),
        *(name for name in _files(page) if not any(any(folder.glob(name)) for folder in _FOLDERS)),
    }


def _settings(page: Path) -> set[str]:
    names, groups = {match[0] for code in _named(page, _SETTING) if (match := _SETTING.match(code))}, _groups()
    return {name for name in names if name.split("_")[0] in groups and name not in _ELSEWHERE}


def _routes(page: Path) -> set[str]:
    """Without their queries."""
    return {match[0].split("?")[0] for code in _named(page, _ROUTE) if (match := _ROUTE.match(code))}


def _bare(route: str) -> str:
    """Whatever the ids in it are called."""
    return re.sub(r"\{\w+\}", "{}", route)


def _commands(page: Path) -> set[str]:
    found = {match[1] for code in _named(page, _COMMAND) if (match := _COMMAND.match(code))}
    groups = {name.split()[1] for name in sections("commands.md")}
    return {name for name in found if name not in groups}


def _metrics(page: Path) -> set[str]:
    return {match[0] for code in _named(page, _METRIC) if (match := _METRIC.match(code))}


def _events(page: Path) -> set[str]:
    """Names of log events and of the business's events begin with a word that one of them begins with."""
    first = {name.split(".")[0] for name in {*EVENT_TYPES, *_logged()}}
    codes = {code for code in _named(page, _EVENT) if _EVENT.fullmatch(code)}
    return {code for code in codes if code.split(".")[0] in first and not code.endswith((".py", ".md"))}


def _files(page: Path) -> set[str]:
    return {code for code in _named(page, _FILE) if _FILE.fullmatch(code)}


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_links_to_few_places_on_the_web(page: Path) -> None:
    assert [host for host in _LINK.findall(page.read_text()) if host not in _MAY_BE_LINKED] == []


def test_names_that_do_not_exist_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "`META_APP_NAME` `GET /api/v1/nothing` `holdfast fly` `holdfast_nothing_total` `webhook.nothing` "
        "`META_APP_ID` `GET /health` `holdfast doctor` `holdfast_turns` `webhook.refused` "
        "`test_nothing.py` `store/nothing.py` `worker.py` `store/test_rates.py` `workflows/*contracts.py`"
    )
    assert _unknown(page) == {
        "META_APP_NAME", "GET /api/v1/nothing", "fly", "holdfast_nothing_total", "webhook.nothing",
        "test_nothing.py", "store/nothing.py",
    }  # fmt: skip
