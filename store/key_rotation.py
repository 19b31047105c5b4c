"""Rotation of keys: sealed values move to the ring's first key, API keys are revoked, while everything goes on."""

from sqlalchemy import func, select, update

from store.engine import Database
from store.errors import NotFoundError
from store.sealing import KeyRing, sealed_with
from store.tables import api_keys, metadata

SEALED_COLUMNS = [
    column for table in metadata.sorted_tables for column in table.columns if column.name.endswith("_sealed")
]
"""Found by their name, so that a new one cannot be forgotten."""


async def reseal(database: Database, ring: KeyRing) -> int:
    """Wrap every sealed value under the ring's first key; answers how many were not yet. Then old keys may go.

    A value that is replaced meanwhile keeps what replaced it: it was sealed with the first key anyway.

    Raises:
        SealingError: a value's key is not in the ring; what was rewrapped so far stays.
    """
    moved = 0
    for column in SEALED_COLUMNS:
        table, row_id = column.table, column.table.columns["id"]
        async with database.transaction() as connection:
            rows = (await connection.execute(select(row_id, column).where(column.is_not(None)))).all()
            for row, sealed in rows:
                if sealed_with(sealed) == ring.sealing_key_id:
                    continue
                value = ring.rewrap(sealed, table=table.name, column=column.name, row=row)
                change = update(table).where(row_id == row, column == sealed).values({column.name: value})
                moved += (await connection.execute(change)).rowcount
    return moved


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
