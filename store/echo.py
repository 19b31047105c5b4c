"""The `echo` agent: answers a turn with what the customer wrote. It shows that the whole way works."""

from typing import Any

LIMIT = 4096
"""Meta's limit of a text's body, in characters."""
MOST = 20
"""Replies of one turn; a look sends no more rows than this."""


def echo(received: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """One text with a line per message received, cut where Meta's limit cuts; contents of type `text`."""
    lines = "\n".join(_said(kind, content) for kind, content in received)
    parts = [lines[start : start + LIMIT] for start in range(0, len(lines), LIMIT)][:MOST]
    return [{"text": {"body": part}} for part in parts if part.strip()]


def _said(kind: str, content: dict[str, Any]) -> str:
    """What stands for a message in a line: its text, or its type in brackets."""
    said = content.get("text") if kind == "text" else None  # stored as it came: it may be of any shape
    body = said.get("body") if isinstance(said, dict) else None
    return body if isinstance(body, str) and body.strip() else f"[{kind}]"
