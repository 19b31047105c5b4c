"""What is shown of events: what became of each delivery."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from store.engine import Database
from store.event_endpoints import endpoint_in
from store.paging import Keyset, Page, PageRequest
from store.tables import event_deliveries, events

_DELIVERIES = Keyset("event-deliveries", event_deliveries.c.id)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint."""

    id: UUID
    event_id: UUID
    type: str
    happened_at: datetime
    state: str
    """pending, delivered or failed."""
    attempts: int
    status: int | None
    """The HTTP status of the last answer, if one came."""
    reason: str | None
    """Why the last attempt came to nothing."""
    next_attempt_at: datetime | None
    redelivers_id: UUID | None
    """The delivery that this one repeats."""
    created_at: datetime
    ended_at: datetime | None


async def list_deliveries(
    database: Database, organization_id: UUID, endpoint_id: UUID, wanted: PageRequest
) -> Page[Delivery]:
    """An endpoint's deliveries, the newest first.

    Raises:
        NotFoundError: the organization has no such endpoint.
    """
    query = (
        select(
            event_deliveries.c.id,
            event_deliveries.c.event_id,
            events.c.type,
            events.c.created_at.label("happened_at"),
            event_deliveries.c.state,
            event_deliveries.c.attempts,
            event_deliveries.c.last_status.label("status"),
            event_deliveries.c.last_error.label("reason"),
            event_deliveries.c.next_attempt_at,
            event_deliveries.c.redelivers_id,
            event_deliveries.c.created_at,
            event_deliveries.c.ended_at,
        )
        .join(events, events.c.id == event_deliveries.c.event_id)
        .where(event_deliveries.c.organization_id == organization_id, event_deliveries.c.endpoint_id == endpoint_id)
    )
    async with database.transaction() as connection:
        await endpoint_in(connection, organization_id, endpoint_id)
        return await _DELIVERIES.page(connection, query, wanted, make=lambda row: Delivery(**row))
