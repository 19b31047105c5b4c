"""What one webhook body is read as, where it holds one item only."""

from datetime import UTC, datetime

from whatsapp.events import Item, Unreadable
from whatsapp.parsing import parse

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
"""The instant of `bodies.AT`."""


def only(sent: bytes) -> Item:
    """Its one item."""
    (item,) = parse(sent)
    return item


def reason(sent: bytes) -> str:
    """Why its one item cannot be read."""
    item = only(sent)
    assert isinstance(item, Unreadable)
    return item.reason
