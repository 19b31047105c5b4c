"""The log of webhook bodies: what Meta gets its 200 for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from store.engine import Database
from store.errors import UnavailableError

# One statement is one transaction and one round trip: SQLAlchemy's BEGIN, INSERT, COMMIT would be three, and its
# compiled multi-row VALUES costs more than the rest of the acknowledgement (docs/decisions/0010-group-commit.md).
_APPEND = """
WITH stored AS (
    INSERT INTO webhook_events (body, received_at)
    SELECT body, received_at FROM unnest($1::bytea[], $2::timestamptz[]) AS came (body, received_at)
    RETURNING id
)
SELECT array_agg(id), pg_notify('webhook_events', '') FROM stored
"""
# A statement that Postgres has not answered by now is given up with its connection; its rows may still appear.
_TIMEOUT_SECONDS = 10.0


async def append(database: Database, bodies: Sequence[tuple[bytes, datetime]]) -> list[int]:
    """Store bodies with the instants they came at, all or none, and wake intake. Returns their ids, in order.

    Returns only after the commit is on disk. Appending a body twice is harmless: intake finds its items applied.

    Raises:
        UnavailableError: Postgres did not confirm. The rows are most likely not there, but a commit may have happened
            whose confirmation was lost.
    """
    try:
        async with database.engine.connect() as connection:
            try:
                return await _insert(await _driver(connection), bodies)
            except BaseException:
                # Whatever it was doing, this connection's state is not known.
                await connection.invalidate()
                raise
    except (asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError, OSError) as error:
        raise UnavailableError(f"webhooks could not be stored: {type(error).__name__}") from error


async def _driver(connection: AsyncConnection) -> Any:
    raw = await connection.get_raw_connection()
    return raw.driver_connection


async def _insert(driver: Any, bodies: Sequence[tuple[bytes, datetime]]) -> list[int]:
    columns = [body for body, _ in bodies], [received_at for _, received_at in bodies]
    ids: list[int] = await driver.fetchval(_APPEND, *columns, timeout=_TIMEOUT_SECONDS)
    return ids
