"""docker-compose.yml as tests read it: variables filled in, each service's own part."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>[A-Z_]+)(?:(?P<how>:[-?])(?P<rest>[^}]*))?\}")


class UnsetError(Exception):
    """A variable that compose demands is empty."""


def load(variables: Mapping[str, str]) -> dict[str, Any]:
    """The file with `${NAME}`, `${NAME:-default}`, `${NAME:?message}` and `$$` resolved as compose does it.

    Raises:
        UnsetError: a demanded variable is empty.
    """
    resolved: dict[str, Any] = _resolve(yaml.safe_load((ROOT / "docker-compose.yml").read_text()), variables)
    return resolved


def demanded() -> tuple[set[str], set[str]]:
    """The variables that compose cannot do without, and those that it can."""
    found = list(_VARIABLE.finditer((ROOT / "docker-compose.yml").read_text()))
    needed = {match["name"] for match in found if match["how"] == ":?"}
    return needed, {match["name"] for match in found if match["name"]} - needed


def _resolve(value: Any, variables: Mapping[str, str]) -> Any:
    match value:
        case str():
            return _VARIABLE.sub(lambda match: _fill(match, variables), value)
        case dict():
            return {key: _resolve(inner, variables) for key, inner in value.items()}
        case list():
            return [_resolve(inner, variables) for inner in value]
    return value


def _fill(match: re.Match[str], variables: Mapping[str, str]) -> str:
    if match[0] == "$$":
        return "$"
    given = variables.get(match["name"], "")
    if not given and match["how"] == ":?":
        raise UnsetError(match["name"])
    return given or (match["rest"] or "" if match["how"] == ":-" else "")


@dataclass(frozen=True, slots=True)
class Role:
    """One of our own services, as processes: its command, its health check, its settings."""

    name: str
    command: tuple[str, ...]
    health: tuple[str, ...]
    environment: dict[str, str]
    grace: float

    @classmethod
    def of(cls, compose: Mapping[str, Any], name: str) -> "Role":
        """The service of this name."""
        service = compose["services"][name]
        command = (sys.executable, "-m", "cli.main", *service["command"])
        kind, _, *health = service.get("healthcheck", {}).get("test", ["NONE", ""])
        assert kind in {"CMD", "NONE"}
        environment = {name: str(value) for name, value in service["environment"].items()}
        grace = float(service["stop_grace_period"].removesuffix("s"))
        return cls(name, command, (sys.executable, *health), environment, grace)

    def at_port(self, port: int) -> "Role":
        """The same with its one port, which its settings and its health check have to agree about, moved."""
        [(setting, old)] = [(key, value) for key, value in self.environment.items() if key.endswith("_PORT")]
        health = tuple(word.replace(f":{old}/", f":{port}/") for word in self.health)
        assert health != self.health, "the health check asks at another port than the role listens on"
        return Role(self.name, self.command, health, self.environment | {setting: str(port)}, self.grace)
