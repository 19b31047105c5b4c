"""The 24-hour window: for a day after a user's last message or call a business may answer freely (section 7)."""

from datetime import datetime, timedelta

WINDOW = timedelta(hours=24)


def closes_at(opened_at: datetime) -> datetime:
    """The end of the window that a message or call with this timestamp of Meta's opened."""
    return opened_at + WINDOW


def is_open(opened_at: datetime | None, now: datetime) -> bool:
    """Whether free-form messages may leave; never where no user message or call is known."""
    return opened_at is not None and now < closes_at(opened_at)
