"""One batch of stored bodies: applied together, or, when that fails, each alone, so that only the culprit is parked."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

import telemetry
from intake.apply import Applied, Found, apply, kind_of, owners_of
from store import error_reports, outages, webhook_events
from store.engine import Database
from store.webhook_events import Claim, ItemResult, Outcome, StoredEvent
from whatsapp.events import Origin, Unreadable
from whatsapp.parsing import parse

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Processed:
    """What one round of intake did."""

    events: int = 0
    received: Counter[UUID] = field(default_factory=Counter)
    """New messages by integration, to be booked on their numbers' rates."""
    unmatched_status_ids: list[int] = field(default_factory=list)
    due: bool = False
    """Some conversation has something to do now."""

    def add(self, events: int, applied: Applied) -> None:
        """Count what was committed."""
        self.events += events
        self.received += applied.received
        self.unmatched_status_ids += applied.unmatched_status_ids
        self.due |= applied.due
        for outcome, count in Counter(result.outcome for result in applied.results).items():
            telemetry.intake_items.labels(outcome=outcome.value).inc(count)


async def process(database: Database, *, limit: int) -> Processed:
    """Claim up to `limit` bodies and apply them.

    Raises:
        Exception: only what passes by itself (`store.outages`); nothing is done then, and everything stays pending.
    """
    done = Processed()
    claimed = 0
    try:
        async with webhook_events.claim(database, limit=limit) as claim:
            claimed = len(claim.events)
            if not claimed:
                return done
            applied = await _together(claim)
    except Exception as error:  # intake's item: below it is looked for
        if not claimed or outages.passes(error):
            raise
        log.warning("intake.batch_failed", events=claimed, error=type(error).__name__)
    else:
        done.add(claimed, applied)
        return done
    for _ in range(claimed):
        await _process_one(database, done)
    return done


async def _together(claim: Claim) -> Applied:
    found = [Found(event.id, item) for event in claim.events for item in parse(event.body)]
    applied = await apply(claim.connection, found)
    await webhook_events.finish(claim.connection, claim.events, applied.results)
    return applied


async def _process_one(database: Database, done: Processed) -> None:
    """The oldest body alone; if it fails as a whole, each of its items alone."""
    try:
        async with webhook_events.claim(database, limit=1) as claim:
            if not claim.events:
                return
            applied = await _together(claim)
    except Exception as error:
        if outages.passes(error):
            raise
    else:
        done.add(1, applied)
        return
    async with webhook_events.claim(database, limit=1) as claim:
        for event in claim.events:
            applied = await _item_by_item(database, claim.connection, event)
            await webhook_events.finish(claim.connection, claim.events, applied.results)
            done.add(1, applied)


async def _item_by_item(database: Database, connection: AsyncConnection, event: StoredEvent) -> Applied:
    together = Applied()
    for found in await _read(database, event):
        one = await apply_alone(database, connection, found)
        together.results += one.results
        together.received += one.received
        together.unmatched_status_ids += one.unmatched_status_ids
        together.due |= one.due
    return together


async def _read(database: Database, event: StoredEvent) -> list[Found]:
    try:
        return [Found(event.id, item) for item in parse(event.body)]
    except Exception as error:  # noqa: BLE001 - intake's item: a body the parser fails at is parked, not lost
        error_id = await error_reports.record(database, where="intake.parse", error=error)
        unreadable = Unreadable(Origin(0, "", "", None), "envelope", f"It could not be read (error {error_id}).")
        return [Found(event.id, unreadable)]


async def apply_alone(database: Database, connection: AsyncConnection, found: Found) -> Applied:
    """One item in a savepoint of its own: it is applied, or parked with the id of its error.

    Raises:
        Exception: only what passes by itself; the item is not to blame for that.
    """
    try:
        async with connection.begin_nested():
            return await apply(connection, [found])
    except Exception as error:
        if outages.passes(error):
            raise
        error_id = await error_reports.record(database, where="intake.item", error=error)
    return Applied([await _parked(connection, found, f"It could not be applied (error {error_id}).")])


async def _parked(connection: AsyncConnection, found: Found, reason: str) -> ItemResult:
    origin = found.item.origin
    return ItemResult(
        event_id=found.event_id,
        place=origin.place,
        kind=kind_of(found.item),
        outcome=Outcome.PARKED,
        organization_ids=await owners_of(connection, found),
        reason=reason,
        waba_id=origin.waba_id or None,
        phone_number_id=origin.phone_number_id,
    )
