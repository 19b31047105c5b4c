"""Pages of docs/ of which a part is made by a module: it stands between that module's mark and the next end."""

from pathlib import Path

_END = "<!-- to here -->\n"


def with_part(page: Path, module: str, made: str) -> str:
    """The whole page, with that part as made now."""
    begin = f"<!-- from here made by: python -m {module} -->\n"
    before, _, rest = page.read_text().partition(begin)
    return f"{before}{begin}\n{made}\n{_END}{rest.partition(_END)[2]}"
