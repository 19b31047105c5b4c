"""Writes to a table held up, so that a test knows at which step of its work a process is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from tests.faults.house import House

_BLOCKED = """
    SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%' || :statement || '%'
"""


@asynccontextmanager
async def held_up(house: House, table: str) -> AsyncIterator[None]:
    """Nobody can write to the table during the block; reading goes on."""
    async with house.database.transaction() as connection:
        await connection.execute(text(f"LOCK TABLE {table} IN SHARE MODE"))
        yield


async def blocked(house: House, statement: str) -> int:
    """How many statements that have these words among their first thousand characters wait for a lock."""
    return len(await house.rows(_BLOCKED, statement=statement))
