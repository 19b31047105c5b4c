"""Every finding has its heading in docs/checks.md, and every heading a finding."""

import ast
from collections.abc import Iterator
from pathlib import Path

from activities.checks import health
from store import number_states
from store.account_meaning import CODES
from tests.docs.reference import sections

_ROOT = Path(__file__).parents[2]


def _written_out(file: Path) -> Iterator[str]:
    """The second argument of each `Found(…)`."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Found":
            code = node.args[1]
            if isinstance(code, ast.Constant):
                yield str(code.value)


def test_every_finding_has_a_heading_and_every_heading_a_finding() -> None:
    found = set(_written_out(_ROOT / "activities" / "checks" / "judging.py")) | CODES
    found |= set(_written_out(_ROOT / "store" / "consequences.py")) | {number_states.BY_SENDING}
    found |= {f"health_{code}" for code in health.KNOWN} | {f"health_{kind.lower()}" for kind in health.WHOSE}
    assert set(sections("checks.md")) == found
