"""Collected bodies of the real platform, where their folder is (`--payloads DIR`)."""

from pathlib import Path

from whatsapp.events import Unreadable
from whatsapp.parsing import parse


def test_every_collected_body_is_read_to_its_last_item(payloads: Path) -> None:
    bodies = sorted(payloads.glob("*.json"))
    assert bodies
    unread = {path.name: item for path in bodies for item in parse(path.read_bytes()) if isinstance(item, Unreadable)}
    assert unread == {}
