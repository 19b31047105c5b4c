"""Who may import whom, for the files beside the rooms, which import-linter cannot take as roots."""

import ast
import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_ROOMS = {path.parent.name for path in _ROOT.glob("*/__init__.py")}
_FILES = {path.stem for path in _ROOT.glob("*.py")}
_MAY = {
    "worker": {"workers", "workflows", "settings", "telemetry"},
    "settings": set(),
    "telemetry": set(),
    "egress": set(),
}


def _imported(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names & (_ROOMS | _FILES)


def test_every_file_beside_the_rooms_has_its_rule() -> None:
    assert set(_MAY) == _FILES


@pytest.mark.parametrize("name", _MAY)
def test_a_file_beside_the_rooms_imports_what_it_may(name: str) -> None:
    assert _imported(_ROOT / f"{name}.py") <= _MAY[name]


def test_only_workflows_client_connects_to_temporal() -> None:
    rooms = ("activities", "api", "intake", "store", "whatsapp", "workflows")
    connects = re.compile(
        r"^\s*(from temporalio\.client|import temporalio\.client|from temporalio import client)", re.MULTILINE
    )
    files = [file for room in rooms for file in (_ROOT / room).rglob("*.py") if connects.search(file.read_text())]
    assert {file.parent.relative_to(_ROOT).as_posix() for file in files} == {"workflows/client"}
