from datetime import UTC, datetime, timedelta

import pytest

from whatsapp.window import closes_at, is_open

OPENED = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "open_then"),
    [
        (timedelta(0), True),
        (timedelta(hours=23, minutes=59, seconds=58), True),
        (timedelta(hours=24), False),
        (timedelta(hours=24, seconds=2), False),
        (timedelta(seconds=-2), True),
    ],
)
def test_the_window_is_open_for_24_hours_from_metas_timestamp(after: timedelta, *, open_then: bool) -> None:
    assert is_open(OPENED, OPENED + after) is open_then


def test_the_window_is_closed_where_the_customer_never_wrote() -> None:
    assert not is_open(None, OPENED)


def test_the_window_closes_a_day_after_it_opened() -> None:
    assert closes_at(OPENED) == datetime(2026, 11, 22, 12, tzinfo=UTC)
