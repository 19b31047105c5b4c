"""The maps of routes and commands name what there is, no more and no less."""

from typing import Any

import typer

from api.app import create_app
from cli import main as command_line
from store.engine import Database
from tests.api.edge import settings_for
from tests.docs.reference import sections

_NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"


def test_every_route_has_a_heading() -> None:
    paths: dict[str, Any] = create_app(settings_for(_NOWHERE), database=Database.connect(_NOWHERE)).openapi()["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert set(sections("api.md")) == routes


def test_every_command_has_a_heading() -> None:
    command_line._add_groups()
    assert set(sections("commands.md")) == set(_commands(command_line.app, "holdfast"))


def _commands(app: typer.Typer, prefix: str) -> list[str]:
    names = [f"{prefix} {command.name or _named(command.callback)}" for command in app.registered_commands]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        names += _commands(group.typer_instance, f"{prefix} {group.name}")
    return names


def _named(callback: Any) -> str:
    return str(callback.__name__).replace("_", "-")
