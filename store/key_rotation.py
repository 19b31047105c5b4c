"""Rotation of keys: sealed values move to the ring's first key, API keys are revoked, while everything goes on."""

from typing import Any
from uuid import UUID

from sqlalchemy import Column, func, select, update

from store.engine import Database
from store.errors import NotFoundError
from store.sealing import KeyRing, sealed_with
from store.tables import api_keys, metadata

_AT_ONCE = 100

SEALED_COLUMNS = [
    column for table in metadata.sorted_tables for column in table.columns if column.name.endswith("_sealed")
]
"""Found by their name, so that a new one cannot be forgotten."""


async def reseal(database: Database, ring: KeyRing) -> int:
    """Wrap every sealed value under the ring's first key; answers how many were not yet. Then old keys may go.

    Values stay readable all the while. One that is replaced meanwhile keeps what replaced it: it was sealed with the
    first key anyway.

    Raises:
        SealingError: a value's key is not in the ring; what was rewrapped so far stays.
    """
    moved = 0
    for column in SEALED_COLUMNS:
        last: UUID | None = None
        while True:
            last, of_these = await _reseal_some(database, ring, column, after=last)
            moved += of_these
            if last is None:
                break
    return moved


async def _reseal_some(
    database: Database, ring: KeyRing, column: Column[Any], *, after: UUID | None
) -> tuple[UUID | None, int]:
    """Rewrap some values in the order of their rows; the last row (None: there are no more) and how many had to be.

    A few in one transaction: somebody may be about to hold a number, or to give it a new token.
    """
    table, row_id = column.table, column.table.columns["id"]
    query = select(row_id, column).where(column.is_not(None)).order_by(row_id).limit(_AT_ONCE)
    if after is not None:
        query = query.where(row_id > after)
    moved, last = 0, None
    async with database.transaction() as connection:
        for last, sealed in (await connection.execute(query)).all():
            if sealed_with(sealed) == ring.sealing_key_id:
                continue
            value = ring.rewrap(sealed, table=table.name, column=column.name, row=last)
            change = update(table).where(row_id == last, column == sealed).values({column.name: value})
            moved += (await connection.execute(change)).rowcount
    return last, moved


async def revoke_api_key(database: Database, prefix: str) -> None:
    """Take a key's power; `prefix` is the part between its first two underscores. Revoked again, nothing changes.

    Raises:
        NotFoundError: no key has this prefix.
    """
    change = update(api_keys).where(api_keys.c.prefix == prefix)
    values = {"revoked_at": func.coalesce(api_keys.c.revoked_at, func.now())}
    async with database.transaction() as connection:
        if (await connection.execute(change.values(values))).rowcount == 0:
            raise NotFoundError("No API key has this prefix.")
