"""Deliveries that are asked for by hand: a trial, and what was missed."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from store import events
from store.engine import Database
from store.errors import ConflictError, NotFoundError
from store.event_endpoints import Endpoint, endpoint_in
from store.tables import event_deliveries


@dataclass(frozen=True, slots=True)
class Asked:
    """A delivery that was asked for, and its event."""

    delivery_id: UUID
    event_id: UUID


async def send_test(database: Database, *, organization_id: UUID, endpoint_id: UUID) -> Asked:
    """Send an event of type `test` to this endpoint alone, whatever types it wants.

    Raises:
        NotFoundError: the organization has no such endpoint.
        ConflictError: it is switched off.
    """
    async with database.transaction() as connection:
        _check_enabled(await endpoint_in(connection, organization_id, endpoint_id))
        data = {"endpoint_id": str(endpoint_id)}
        event_id = await events.record(connection, organization_id=organization_id, type="test", data=data)
        delivery_id = await events.deliver_to(
            connection, organization_id=organization_id, event_id=event_id, endpoint_id=endpoint_id
        )
    return Asked(delivery_id, event_id)


async def redeliver(database: Database, *, organization_id: UUID, delivery_id: UUID) -> Asked:
    """Send what a delivery carried once more, whatever became of it: a delivery of its own with the same event.

    Raises:
        NotFoundError: the organization has no such delivery, or its endpoint is gone.
        ConflictError: the endpoint is switched off, or the delivery is still being tried.
    """
    query = select(event_deliveries.c.endpoint_id, event_deliveries.c.event_id, event_deliveries.c.state).where(
        event_deliveries.c.id == delivery_id, event_deliveries.c.organization_id == organization_id
    )
    async with database.transaction() as connection:
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise NotFoundError("There is no such delivery.")
        _check_enabled(await endpoint_in(connection, organization_id, row.endpoint_id))
        if row.state == "pending":
            raise ConflictError("This delivery is still being tried.", next_step="Wait until it has ended.")
        again = await events.deliver_to(
            connection,
            organization_id=organization_id,
            event_id=row.event_id,
            endpoint_id=row.endpoint_id,
            redelivers_id=delivery_id,
        )
    return Asked(again, row.event_id)


def _check_enabled(endpoint: Endpoint) -> None:
    if not endpoint.enabled:
        raise ConflictError("The event endpoint is switched off.", next_step="Switch it on first (enabled: true).")
