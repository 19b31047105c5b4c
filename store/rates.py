"""Meta's messages per second of a number, sent and received together: the side of what was received."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text

from store.engine import Database

_BOOK = text("""
    WITH booked AS MATERIALIZED (
      SELECT s.integration_id, b.messages
      FROM rate_slots s
      JOIN unnest(CAST(:integrations AS uuid[]), CAST(:messages AS int[])) AS b (integration_id, messages)
        USING (integration_id)
      ORDER BY s.integration_id FOR NO KEY UPDATE OF s
    )
    UPDATE rate_slots s
    SET next_at = greatest(s.next_at, clock_timestamp()) + booked.messages * interval '1 second' / s.per_second
    FROM booked WHERE s.integration_id = booked.integration_id
""")


async def book_received(database: Database, received: Mapping[UUID, int]) -> None:
    """Take one slot of its number for each message received, never waiting for a free one.

    A transaction of its own, numbers in the order of their ids: the claim of a send takes its slot last, and nobody
    holds one while waiting for something else.
    """
    integrations = sorted(received)
    async with database.statement() as connection:
        values = {"integrations": integrations, "messages": [received[key] for key in integrations]}
        await connection.execute(_BOOK, values)
