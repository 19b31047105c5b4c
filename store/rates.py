"""Meta's messages per second of a number, sent and received together (section 8.1, docs/decisions/0080).

GCRA on one row per number. What leaves takes the next slot, if that is near; else it is told when to come back, each
one pace after the one before it, and takes a slot then. So a slot is only given to what leaves at once, and what comes
in meanwhile is counted before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.engine import Database

PACE = 0.97
"""Of Meta's rate, what is used: Meta counts when a message arrives, not when it was let go (see `ARRIVES_WITHIN`)."""
ARRIVES_WITHIN = timedelta(milliseconds=70)
"""After its slot, or it needs another one: at 97 % of 80/s, two at once and this spread, no second holds over 85."""
SLOT_SLEEP = timedelta(milliseconds=300)
"""A slot this near is slept for after the commit; a later one is not taken."""
SLOWED_FOR = timedelta(seconds=1)
"""After a refusal for the rate (130429) the number is silent this long; each further refusal begins it anew."""

_BOOK = text("""
    WITH booked AS MATERIALIZED (
      SELECT s.integration_id, b.messages
      FROM rate_slots s
      JOIN unnest(CAST(:integrations AS uuid[]), CAST(:messages AS int[])) AS b (integration_id, messages)
        USING (integration_id)
      ORDER BY s.integration_id FOR NO KEY UPDATE OF s
    )
    UPDATE rate_slots s
    SET next_at = greatest(s.next_at, clock_timestamp())
                  + booked.messages * interval '1 second' / (s.per_second * CAST(:pace AS double precision))
    FROM booked WHERE s.integration_id = booked.integration_id
""")

# The row is locked before its clock is read. Those who wait come back a little faster than slots get free, so that none
# stays empty; whoever finds none then goes to the end of the queue, which what comes in has made longer.
_TAKE = text("""
    WITH slot AS MATERIALIZED (
      SELECT integration_id, next_at, queue_until, burst, interval '1 second' / per_second AS turn,
             interval '1 second' / (per_second * CAST(:pace AS double precision)) AS step, clock_timestamp() AS now
      FROM rate_slots WHERE integration_id = :integration_id FOR NO KEY UPDATE
    ), free AS (
      SELECT *, greatest(greatest(next_at, now) + (1 - burst) * step, now) AS free_at FROM slot
    ), decided AS (
      SELECT *, free_at <= now + CAST(:near AS interval)
                AND (CAST(:in_turn AS boolean) OR queue_until <= now + CAST(:near AS interval)) AS taken,
             greatest(queue_until, free_at) + turn AS turn_at
      FROM free
    )
    UPDATE rate_slots s
    SET next_at = CASE WHEN d.taken THEN greatest(d.next_at, d.now) + d.step ELSE d.next_at END,
        queue_until = CASE WHEN d.taken THEN d.queue_until ELSE d.turn_at END
    FROM decided d WHERE s.integration_id = d.integration_id
    RETURNING d.taken, CASE WHEN d.taken THEN d.free_at ELSE d.turn_at END AS at, d.now
""")

# The next slot is at the pause's end, and no burst follows it: `next_at` is a burst ahead of it.
_SLOW = text("""
    UPDATE rate_slots
    SET next_at = greatest(next_at,
      clock_timestamp() + CAST(:pause AS interval)
      + (burst - 1) * interval '1 second' / (per_second * CAST(:pace AS double precision)))
    WHERE integration_id = :integration_id
""")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the number's seconds, or the moment to ask for one again."""

    taken: bool
    at: datetime
    """When it may leave; of one that was not taken, when it is its turn to ask again. By Postgres's clock."""
    wait: timedelta
    """The same from now."""


async def take_slot(connection: AsyncConnection, integration_id: UUID, *, in_turn: bool = False) -> Slot:
    """Take the number's next slot if it is near; else a place in its queue. The last thing that a transaction locks.

    `in_turn`: it has waited in the queue and is not behind those who still do.
    """
    values = {"integration_id": integration_id, "in_turn": in_turn, "near": SLOT_SLEEP, "pace": PACE}
    taken, at, now = (await connection.execute(_TAKE, values)).one()
    return Slot(taken, at, at - now)


async def take_slot_again(database: Database, integration_id: UUID) -> Slot:
    """For a claimed row that missed its slot, since the process was busy or paused."""
    async with database.statement() as connection:
        return await take_slot(connection, integration_id, in_turn=True)


async def slow(connection: AsyncConnection, integration_id: UUID) -> None:
    """Meta found the number too fast: nothing of it leaves for `SLOWED_FOR`; other numbers are not touched.

    Its next free slot moves behind the pause. Somebody else sends on this number too, or Meta's limit is lower than we
    know; the next check reads what it is.
    """
    await connection.execute(_SLOW, {"integration_id": integration_id, "pause": SLOWED_FOR, "pace": PACE})


async def book_received(database: Database, received: Mapping[UUID, int]) -> None:
    """Take one slot of its number for each message received, never waiting for a free one.

    A transaction of its own, numbers in the order of their ids: the claim of a send takes its slot last, and nobody
    holds one while waiting for something else.
    """
    integrations = sorted(received)
    async with database.statement() as connection:
        values = {"integrations": integrations, "messages": [received[key] for key in integrations], "pace": PACE}
        await connection.execute(_BOOK, values)
