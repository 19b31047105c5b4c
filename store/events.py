"""Events for a business's own software: written with what happened, delivered by a run for each endpoint.

An event carries ids, codes and sentences of ours: no token, nothing that a customer wrote.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import any_, insert, literal, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.event_types import EventType
from store.ids import new_id
from store.tables import event_deliveries, event_endpoints, events

_WAKE = text("SELECT pg_notify('due', '')")


async def emit(
    connection: AsyncConnection,
    *,
    organization_id: UUID,
    type: EventType,  # noqa: A002 - Standard Webhooks' word
    integration_id: UUID | None = None,
    data: Mapping[str, Any],
) -> UUID:
    """Tell what happened, in the transaction that makes it so; answers the event's id.

    Each enabled endpoint that wants this type gets a delivery, due at once. The event is kept also where nobody is
    told.
    """
    event_id = await record(
        connection, organization_id=organization_id, type=type, integration_id=integration_id, data=data
    )
    wanting = select(event_endpoints.c.id).where(
        event_endpoints.c.organization_id == organization_id,
        event_endpoints.c.enabled,
        event_endpoints.c.deleted_at.is_(None),
        or_(event_endpoints.c.types.is_(None), literal(type) == any_(event_endpoints.c.types)),
    )
    for endpoint_id in (await connection.execute(wanting.order_by(event_endpoints.c.id))).scalars().all():
        await deliver_to(connection, organization_id=organization_id, event_id=event_id, endpoint_id=endpoint_id)
    return event_id


async def record(
    connection: AsyncConnection,
    *,
    organization_id: UUID,
    type: EventType,  # noqa: A002 - Standard Webhooks' word
    integration_id: UUID | None = None,
    data: Mapping[str, Any],
) -> UUID:
    """Keep an event that nobody is told by itself; answers its id."""
    event_id = new_id()
    row = {"id": event_id, "organization_id": organization_id, "type": type, "integration_id": integration_id}
    await connection.execute(insert(events).values(row | {"data": dict(data)}))
    return event_id


async def deliver_to(
    connection: AsyncConnection,
    *,
    organization_id: UUID,
    event_id: UUID,
    endpoint_id: UUID,
    redelivers_id: UUID | None = None,
) -> UUID:
    """A delivery of an event to one endpoint, due at once; answers its id."""
    delivery_id = new_id()
    row = {"id": delivery_id, "organization_id": organization_id, "event_id": event_id, "endpoint_id": endpoint_id}
    due = {"due_at": text("clock_timestamp()"), "redelivers_id": redelivers_id}
    await connection.execute(insert(event_deliveries).values(row | due))
    await connection.execute(_WAKE)
    return delivery_id
