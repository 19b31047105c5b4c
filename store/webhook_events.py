"""Stored webhook bodies on their way to being applied: claimed in order, done in the transaction that applied them.

A body whose items were applied but whose mark was lost is applied again, which changes nothing: each kind of item has
its own key (wamid; wamid, status and timestamp).
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.engine import Database


class Outcome(StrEnum):
    """What became of an item of a body."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    PARKED = "parked"
    """It could not be read or applied."""
    QUARANTINED = "quarantined"
    """It is not ours."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One POST body as it came."""

    id: int
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one item, for the counts and, where it was not applied, for whoever asks why."""

    event_id: int
    place: int
    kind: str
    outcome: Outcome
    organization_ids: tuple[UUID, ...] = ()
    """Whose it is: none when it is not ours, several when a WABA has numbers in more than one organization."""
    reason: str = ""
    waba_id: str | None = None
    phone_number_id: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Bodies that are ours until the transaction ends."""

    connection: AsyncConnection
    events: list[StoredEvent]


_CLAIM = text("""
    SELECT id, body, received_at FROM webhook_events
    WHERE state = 'pending' ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
""")

_DONE = text("""
    WITH done AS (
      UPDATE webhook_events e
      SET state = 'done', processed_at = clock_timestamp(), applied = t.applied, duplicate = t.duplicate,
          parked = t.parked, quarantined = t.quarantined
      FROM unnest(CAST(:ids AS bigint[]), CAST(:applied AS int[]), CAST(:duplicate AS int[]), CAST(:parked AS int[]),
                  CAST(:quarantined AS int[])) AS t (id, applied, duplicate, parked, quarantined)
      WHERE e.id = t.id
    )
    INSERT INTO webhook_event_organizations (organization_id, webhook_event_id, applied, duplicate, parked)
    SELECT * FROM unnest(CAST(:owners AS uuid[]), CAST(:owned AS bigint[]), CAST(:their_applied AS int[]),
                         CAST(:their_duplicate AS int[]), CAST(:their_parked AS int[]))
""")

_ITEMS = text("""
    INSERT INTO webhook_items
      (webhook_event_id, place, kind, outcome, reason, waba_id, phone_number_id, organization_id)
    SELECT * FROM unnest(CAST(:events AS bigint[]), CAST(:places AS int[]), CAST(:kinds AS text[]),
                         CAST(:outcomes AS text[]), CAST(:reasons AS text[]), CAST(:wabas AS text[]),
                         CAST(:numbers AS text[]), CAST(:organizations AS uuid[]))
""")


_LAG = text("""
    SELECT coalesce(statement_timestamp() - min(received_at), interval '0') FROM webhook_events WHERE state = 'pending'
""")


@asynccontextmanager
async def claim(database: Database, *, limit: int) -> AsyncIterator[Claim]:
    """The oldest pending bodies that nobody else holds, in one transaction with what the block does."""
    async with database.transaction() as connection:
        rows = await connection.execute(_CLAIM, {"limit": limit})
        yield Claim(connection, [StoredEvent(*row) for row in rows])


async def finish(connection: AsyncConnection, events: Sequence[StoredEvent], results: Sequence[ItemResult]) -> None:
    """Mark claimed bodies done, with their counts and a row for each item that was not applied."""
    counts = Counter((result.event_id, result.outcome) for result in results)
    owned = Counter((owner, result.event_id, result.outcome) for result in results for owner in result.organization_ids)
    owners = sorted({(owner, event_id) for owner, event_id, _ in owned})
    values = {
        "ids": [event.id for event in events],
        "owners": [owner for owner, _ in owners],
        "owned": [event_id for _, event_id in owners],
    }
    for outcome in Outcome:
        values[outcome.value] = [counts[event.id, outcome] for event in events]
        values[f"their_{outcome.value}"] = [owned[owner, event_id, outcome] for owner, event_id in owners]
    del values["their_quarantined"]
    await connection.execute(_DONE, values)
    await keep_items(connection, results)


async def keep_items(connection: AsyncConnection, results: Iterable[ItemResult]) -> None:
    """A row for each item that was parked or quarantined, so that it can be shown and looked at again."""
    kept = [result for result in results if result.outcome in (Outcome.PARKED, Outcome.QUARANTINED)]
    if not kept:
        return
    await connection.execute(
        _ITEMS,
        {
            "events": [result.event_id for result in kept],
            "places": [result.place for result in kept],
            "kinds": [result.kind for result in kept],
            "outcomes": [result.outcome.value for result in kept],
            "reasons": [result.reason for result in kept],
            "wabas": [result.waba_id for result in kept],
            "numbers": [result.phone_number_id for result in kept],
            "organizations": [next(iter(result.organization_ids), None) for result in kept],
        },
    )


async def lag(database: Database) -> timedelta:
    """How long the oldest pending body has waited."""
    async with database.statement() as connection:
        age: timedelta = (await connection.execute(_LAG)).scalar_one()
        return age
