"""Every link in our pages leads somewhere: files, and headings within them. Addresses on the web are not asked."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").rglob("*.md"))]
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    headings = _HEADING.findall(re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _problem(page: Path, link: str) -> str | None:
    if re.match(r"(https?|mailto):", link):
        return None
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.is_relative_to(_ROOT) or not target.exists():
        return f"{link}: no such file"
    if anchor and target.suffix == ".md" and anchor not in _anchors(target):
        return f"{link}: no such heading"
    return None


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = _LINK.findall(_CODE.sub("", page.read_text()))
    assert [problem for link in links if (problem := _problem(page, link))] == []


def test_a_dead_link_is_found() -> None:
    assert _problem(_ROOT / "README.md", "docs/nowhere.md") == "docs/nowhere.md: no such file"
    assert _problem(_ROOT / "README.md", "README.md#nothing") == "README.md#nothing: no such heading"
    assert _problem(_ROOT / "README.md", "README.md#holdfast") is None
