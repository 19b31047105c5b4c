"""Items that were parked or quarantined, to be looked at again: on demand, or because a number has appeared."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import webhook_events
from store.engine import Database
from store.webhook_events import ItemResult, Outcome

BATCH = 100
Key = tuple[int, int]
"""Webhook event and place."""
FIRST: Key = (0, -1)


@dataclass(frozen=True, slots=True)
class KeptItem:
    """An item that was not applied, with the body it stands in."""

    event_id: int
    place: int
    outcome: Outcome
    organization_id: UUID | None
    body: bytes

    @property
    def key(self) -> Key:
        """What tells it from every other item."""
        return (self.event_id, self.place)


@dataclass(frozen=True, slots=True)
class Reclaim:
    """Items that are ours until the transaction ends."""

    connection: AsyncConnection
    items: list[KeptItem]


# A quarantined item is worth another look once its number, or for an account's its WABA, is ours; a finished signup's
# each time that an onboarding ended without a number: its code may be the one that was lost. (Each look makes the row
# anew; what is committed a little later than its moment is seen too.)
_RECLAIM = text("""
    SELECT i.webhook_event_id, i.place, i.outcome, i.organization_id, e.body
    FROM webhook_items i JOIN webhook_events e ON e.id = i.webhook_event_id
    WHERE i.outcome = :outcome AND (i.webhook_event_id, i.place) > (:event_id, :place)
      AND (CAST(:phone_number_id AS text) IS NULL OR i.phone_number_id = :phone_number_id)
      AND (i.outcome = 'parked'
           OR EXISTS (SELECT FROM integrations n
                      WHERE n.phone_number_id = i.phone_number_id AND n.waba_id = i.waba_id
                        AND n.state <> 'disconnected')
           OR (i.phone_number_id IS NULL AND EXISTS (SELECT FROM wabas w WHERE w.waba_id = i.waba_id))
           OR (i.kind = 'account_update.PARTNER_APP_INSTALLED'
               AND EXISTS (SELECT FROM onboardings o WHERE o.state IN ('failed', 'cancelled')
                             AND o.ended_at > i.created_at - interval '10 seconds')))
    ORDER BY i.webhook_event_id, i.place LIMIT :limit FOR UPDATE OF i SKIP LOCKED
""")

_FORGET = text("""
    DELETE FROM webhook_items i
    USING unnest(CAST(:events AS bigint[]), CAST(:places AS int[])) AS k (webhook_event_id, place)
    WHERE i.webhook_event_id = k.webhook_event_id AND i.place = k.place
""")

_RECOUNT = text("""
    UPDATE webhook_events
    SET applied = applied + :applied, duplicate = duplicate + :duplicate, parked = parked + :parked,
        quarantined = quarantined + :quarantined
    WHERE id = :event_id
""")

_RECOUNT_OWNED = text("""
    INSERT INTO webhook_event_organizations AS o (organization_id, webhook_event_id, applied, duplicate, parked)
    VALUES (:organization_id, :event_id, greatest(:applied, 0), greatest(:duplicate, 0), greatest(:parked, 0))
    ON CONFLICT (organization_id, webhook_event_id) DO UPDATE
    SET applied = o.applied + :applied, duplicate = o.duplicate + :duplicate, parked = o.parked + :parked
""")


@asynccontextmanager
async def reclaim(
    database: Database,
    *,
    outcome: Literal[Outcome.PARKED, Outcome.QUARANTINED],
    after: Key = FIRST,
    phone_number_id: str | None = None,
) -> AsyncIterator[Reclaim]:
    """The next items behind `after` that are worth another look, in one transaction with what the block does."""
    async with database.transaction() as connection:
        rows = await connection.execute(
            _RECLAIM,
            {
                "outcome": outcome.value,
                "event_id": after[0],
                "place": after[1],
                "phone_number_id": phone_number_id,
                "limit": BATCH,
            },
        )
        items = [KeptItem(event_id, place, Outcome(was), owner, body) for event_id, place, was, owner, body in rows]
        yield Reclaim(connection, items)


async def refile(connection: AsyncConnection, items: Sequence[KeptItem], results: Sequence[ItemResult]) -> None:
    """Put down what became of reclaimed items; `results` has one for each, in the same order."""
    if not items:
        return
    values = {"events": [item.event_id for item in items], "places": [item.place for item in items]}
    await connection.execute(_FORGET, values)
    await webhook_events.keep_items(connection, results)
    for item, result in zip(items, results, strict=True):
        change = {outcome.value: (result.outcome is outcome) - (item.outcome is outcome) for outcome in Outcome}
        await connection.execute(_RECOUNT, change | {"event_id": item.event_id})
        await _recount_owned(connection, item, result)


async def _recount_owned(connection: AsyncConnection, item: KeptItem, result: ItemResult) -> None:
    owners = {owner for owner in (*result.organization_ids, item.organization_id) if owner is not None}
    for owner in sorted(owners):
        change = {
            outcome.value: (owner in result.organization_ids and result.outcome is outcome)
            - (owner == item.organization_id and item.outcome is outcome)
            for outcome in (Outcome.APPLIED, Outcome.DUPLICATE, Outcome.PARKED)
        }
        values = change | {"organization_id": owner, "event_id": item.event_id}
        await connection.execute(_RECOUNT_OWNED, values)
