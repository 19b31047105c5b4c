"""Who has been listening to Meta: a heartbeat row per API process, and the gaps in which one may have been missed.

Silence about a message is evidence only if nothing could have hidden its status (store/evidence.py), so every doubt is
written down as a gap: a process that died or stood still, a time when nobody listened, a request that was refused
though it was rightly signed. All instants are Postgres's own clock.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

import telemetry
from store.engine import DATABASE_ERRORS, Database
from store.ids import new_id
from store.tables import webhook_gaps

log = structlog.get_logger(__name__)

BEAT_EVERY = timedelta(seconds=1)
LATE = timedelta(seconds=5)
"""A beat later than this is a gap: the process, its connection or the machine stood still."""

# Starts and the search for the dead take turns, so that each gap is recorded once.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('api_processes'))")

_NOBODY_LISTENED = text("""
    SELECT max(coalesce(stopped_at, beat_at)) AS began_at, clock_timestamp() AS ended_at FROM api_processes
    HAVING max(coalesce(stopped_at, beat_at)) IS NOT NULL AND bool_and(stopped_at IS NOT NULL)
""")

_START = text("""
    INSERT INTO api_processes (id, started_at, beat_at) VALUES (:id, clock_timestamp(), clock_timestamp())
""")

_BEAT = text("""
    WITH before AS (SELECT id, beat_at FROM api_processes WHERE id = :id FOR UPDATE)
    UPDATE api_processes p SET beat_at = clock_timestamp(), stopped_at = NULL FROM before WHERE p.id = before.id
    RETURNING before.beat_at AS began_at, p.beat_at AS ended_at,
        p.beat_at - before.beat_at > CAST(:late AS interval) AS late,
        EXISTS (
            SELECT FROM api_processes o
            WHERE o.id <> :id AND o.stopped_at IS NULL AND o.beat_at < clock_timestamp() - CAST(:late AS interval)
        ) AS somebody_died
""")

_STOP = text("UPDATE api_processes SET stopped_at = clock_timestamp() WHERE id = :id")

_BURY = text("""
    UPDATE api_processes SET stopped_at = beat_at
    WHERE stopped_at IS NULL AND beat_at < clock_timestamp() - CAST(:late AS interval)
    RETURNING beat_at AS began_at, clock_timestamp() AS ended_at
""")

_GAPS = text("""
    SELECT EXISTS (SELECT FROM webhook_gaps WHERE ended_at >= :since)
        OR EXISTS (
            SELECT FROM api_processes
            WHERE stopped_at IS NULL AND beat_at < clock_timestamp() - CAST(:late AS interval))
""")

_LISTENED = text("""
    SELECT EXISTS (SELECT FROM api_processes WHERE started_at <= :since)
       AND EXISTS (
            SELECT FROM api_processes
            WHERE stopped_at IS NULL AND beat_at >= clock_timestamp() - CAST(:late AS interval))
""")


async def start(database: Database, process_id: UUID) -> None:
    """An API process begins to listen. Records since when nobody did, and who died meanwhile."""
    async with database.transaction() as connection:
        await connection.execute(_LOCK)
        await _bury_the_dead(connection)
        alone = (await connection.execute(_NOBODY_LISTENED)).one_or_none()
        if alone is not None:
            await _insert_gap(connection, alone.began_at, alone.ended_at, "nobody_listened")
        await connection.execute(_START, {"id": process_id})


async def beat(database: Database, process_id: UUID) -> None:
    """It is still listening; called every `BEAT_EVERY`. Records its own lateness and the death of others."""
    async with database.transaction() as connection:
        row = (await connection.execute(_BEAT, {"id": process_id, "late": LATE})).one_or_none()
        if row is None:
            return
        if row.late:
            await _insert_gap(connection, row.began_at, row.ended_at, "late_beat")
    if row.somebody_died:
        async with database.transaction() as connection:
            await connection.execute(_LOCK)
            await _bury_the_dead(connection)


async def stop(database: Database, process_id: UUID) -> None:
    """It has answered its last request and listens no more."""
    async with database.transaction() as connection:
        await connection.execute(_STOP, {"id": process_id})


@asynccontextmanager
async def listening(database: Database) -> AsyncIterator[UUID]:
    """Keep the heartbeat of this API process while the block runs; Postgres being away only makes a beat late."""
    process_id = new_id()
    await start(database, process_id)
    beating = asyncio.create_task(_keep_beating(database, process_id), name="heartbeat")
    try:
        yield process_id
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
        with suppress(*DATABASE_ERRORS):
            await stop(database, process_id)


async def record_gap(database: Database, *, began_at: datetime, ended_at: datetime, reason: str) -> None:
    """Keep that rightly signed webhooks may have been refused in this time; `reason` is one word."""
    async with database.transaction() as connection:
        await _insert_gap(connection, began_at, ended_at, reason)


async def gaps_between(connection: AsyncConnection, since: datetime) -> bool:
    """Whether there is a gap between then and now, one included that is only about to be noticed."""
    found: bool = (await connection.execute(_GAPS, {"since": since, "late": LATE})).scalar_one()
    return found


async def missed_between(connection: AsyncConnection, since: datetime) -> bool:
    """Whether a webhook may have been missed between then and now: a gap, or nobody to hear it all that time."""
    if await gaps_between(connection, since):
        return True
    # Without a gap between them, one who began before and one who lives now mean that somebody always listened.
    listened: bool = (await connection.execute(_LISTENED, {"since": since, "late": LATE})).scalar_one()
    return not listened


async def _keep_beating(database: Database, process_id: UUID) -> None:
    while True:
        await asyncio.sleep(BEAT_EVERY.total_seconds())
        try:
            await beat(database, process_id)
        except DATABASE_ERRORS as error:
            log.warning("heartbeat.missed", process_id=process_id, error=error)


async def _bury_the_dead(connection: AsyncConnection) -> None:
    for dead in await connection.execute(_BURY, {"late": LATE}):
        await _insert_gap(connection, dead.began_at, dead.ended_at, "process_died")


async def _insert_gap(connection: AsyncConnection, began_at: datetime, ended_at: datetime, reason: str) -> None:
    telemetry.webhook_gaps.labels(reason=reason).inc()
    log.warning("webhook.gap", began_at=began_at, ended_at=ended_at, reason=reason)
    await connection.execute(insert(webhook_gaps).values(began_at=began_at, ended_at=ended_at, reason=reason))
