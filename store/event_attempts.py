"""The record of a delivery's attempts: begun, refused, taken, given up. One event to one endpoint.

While a delivery is pending its due mark stands a little after the next attempt: should its run be lost, intake starts
another. Ended, it has none.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import audit
from store.engine import Database
from store.tables import event_deliveries, event_endpoints, events, integrations

_BACKSTOP = timedelta(minutes=2)
"""After the moment at which an attempt should have been made or ended."""
_NOW = func.clock_timestamp()


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is to be posted, and where to."""

    delivery_id: UUID
    endpoint_id: UUID
    url: str
    secret_sealed: bytes
    event_id: UUID
    type: str
    integration_id: UUID | None
    phone_number: str | None
    """The number it is about, if it is about one."""
    data: dict[str, Any]
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class Over:
    """A delivery that needs no further attempt."""

    state: Literal["delivered", "failed"]
    says: str


async def begin(database: Database, delivery_id: UUID) -> Attempt | Over:
    """Count an attempt and answer what to post; or that there is nothing to do, also since nobody wants it any more."""
    async with database.transaction() as connection:
        row = await _lock(connection, delivery_id)
        if row is None:
            return Over("failed", "There is no such delivery.")
        if row.state != "pending":
            return Over(row.state, "It had ended before.")
        if not row.enabled:
            says = "The endpoint was switched off or deleted."
            await _end(connection, delivery_id, state="failed", error=says)
            return Over("failed", says)
        begun = {"attempts": event_deliveries.c.attempts + 1, "next_attempt_at": None, "due_at": _NOW + _BACKSTOP}
        await connection.execute(update(event_deliveries).where(event_deliveries.c.id == delivery_id).values(begun))
        return Attempt(
            delivery_id,
            row.endpoint_id,
            row.url,
            row.secret_sealed,
            row.event_id,
            row.type,
            row.integration_id,
            row.phone_number,
            row.data,
            row.created_at,
        )


async def refused(database: Database, delivery_id: UUID, *, status: int | None, error: str, next_in: timedelta) -> None:
    """The endpoint did not take it: with which HTTP status, if any came, and when it is tried again."""
    values = {
        "last_status": status,
        "last_error": error,
        "next_attempt_at": _NOW + next_in,
        "due_at": _NOW + (next_in + _BACKSTOP),
    }
    pending = (event_deliveries.c.id == delivery_id) & (event_deliveries.c.state == "pending")
    async with database.transaction() as connection:
        await connection.execute(update(event_deliveries).where(pending).values(values))


async def taken(database: Database, delivery_id: UUID, *, status: int) -> None:
    """The endpoint answered 2xx. That counts also where the delivery was given up meanwhile."""
    async with database.transaction() as connection:
        await _end(connection, delivery_id, state="delivered", status=status)


async def gone(database: Database, delivery_id: UUID, *, status: int) -> None:
    """The endpoint says that it is gone: it is switched off at once."""
    says = "The endpoint answered 410 Gone."
    await _fail_and_switch_off(database, delivery_id, reason=says, error=says, status=status)


async def give_up(database: Database, delivery_id: UUID, *, detail: str) -> Over:
    """Nothing came of it in time: the delivery fails, and the endpoint is switched off with notice. Safe to repeat."""
    reason = f"It took an event in no attempt over the whole time allowed. The last one: {detail}"
    return await _fail_and_switch_off(database, delivery_id, reason=reason, error=detail)


async def _fail_and_switch_off(
    database: Database, delivery_id: UUID, *, reason: str, error: str, status: int | None = None
) -> Over:
    async with database.transaction() as connection:
        row = await _lock(connection, delivery_id)
        if row is None:
            return Over("failed", "There is no such delivery.")
        if row.state != "pending":
            return Over(row.state, "It had ended before.")
        await _end(connection, delivery_id, state="failed", status=status, error=error)
        if row.enabled:
            await _switch_off(connection, row, reason=reason)
    return Over("failed", reason)


async def _lock(connection: AsyncConnection, delivery_id: UUID) -> Any:
    """The delivery, its event and its endpoint; both rows that change are locked, the endpoint's last."""
    query = (
        select(
            event_deliveries.c.organization_id,
            event_deliveries.c.state,
            event_deliveries.c.event_id,
            event_deliveries.c.endpoint_id,
            event_endpoints.c.url,
            event_endpoints.c.secret_sealed,
            event_endpoints.c.enabled,
            events.c.type,
            events.c.integration_id,
            integrations.c.phone_number,
            events.c.data,
            events.c.created_at,
        )
        .join(event_endpoints, event_endpoints.c.id == event_deliveries.c.endpoint_id)
        .join(events, events.c.id == event_deliveries.c.event_id)
        .outerjoin(integrations, integrations.c.id == events.c.integration_id)
        .where(event_deliveries.c.id == delivery_id)
        .with_for_update(of=event_deliveries)
    )
    return (await connection.execute(query)).one_or_none()


async def _end(
    connection: AsyncConnection, delivery_id: UUID, *, state: str, status: int | None = None, error: str | None = None
) -> None:
    values: dict[str, Any] = {"state": state, "last_error": error, "ended_at": _NOW}
    values |= {"next_attempt_at": None, "due_at": None, "nudged_at": None}
    values["last_status"] = func.coalesce(status, event_deliveries.c.last_status)
    await connection.execute(update(event_deliveries).where(event_deliveries.c.id == delivery_id).values(values))


async def _switch_off(connection: AsyncConnection, row: Any, *, reason: str) -> None:
    off = (
        update(event_endpoints)
        .where(event_endpoints.c.id == row.endpoint_id, event_endpoints.c.enabled)
        .values(enabled=False, disabled_reason=reason, disabled_at=_NOW)
    )
    if (await connection.execute(off)).rowcount:
        await audit.note(
            connection,
            organization_id=row.organization_id,
            action="event_endpoint.disabled",
            subject_id=row.endpoint_id,
            detail={"reason": reason},
        )
