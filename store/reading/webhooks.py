"""What the API shows of webhooks: the bodies that concerned an organization and what became of their items.

A body may carry items of several organizations, so a body itself is never shown, and each sees only its own counts.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from store.engine import Database
from store.paging import Keyset, Page, PageRequest
from store.tables import webhook_event_organizations as concerned
from store.tables import webhook_events, webhook_items

WebhookState = Literal["pending", "applied", "duplicate", "parked", "quarantined"]

_ORDER = Keyset("webhook-events", webhook_events.c.id)


@dataclass(frozen=True, slots=True)
class ParkedItem:
    """An item that was not applied, and why."""

    place: int
    kind: str
    outcome: str
    reason: str
    phone_number_id: str | None


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One POST of Meta's, as far as it concerns the organization."""

    id: int
    received_at: datetime
    processed_at: datetime | None
    state: str
    """`done`, or `pending` while it is being looked at again."""
    body_bytes: int
    applied: int
    duplicate: int
    parked: int
    quarantined: int
    items: list[ParkedItem] = field(default_factory=list)
    """Those that were not applied."""


async def list_webhook_events(
    database: Database, organization_id: UUID, wanted: PageRequest, *, state: WebhookState | None = None
) -> Page[WebhookEvent]:
    """What came, the newest first; with `state`, only those that have an item that ended so."""
    query = (
        select(
            webhook_events.c.id,
            webhook_events.c.received_at,
            webhook_events.c.processed_at,
            webhook_events.c.state,
            func.octet_length(webhook_events.c.body).label("body_bytes"),
            concerned.c.applied,
            concerned.c.duplicate,
            concerned.c.parked,
            concerned.c.quarantined,
        )
        .join(concerned, concerned.c.webhook_event_id == webhook_events.c.id)
        .where(concerned.c.organization_id == organization_id)
    )
    if state == "pending":
        query = query.where(webhook_events.c.state == "pending")
    elif state is not None:
        query = query.where(concerned.c[state] > 0)
    async with database.transaction() as connection:
        page = await _ORDER.page(connection, query, wanted, make=lambda row: WebhookEvent(**row))
        items = await _items(connection, organization_id, [event.id for event in page.items])
    for event in page.items:
        event.items.extend(items[event.id])
    return page


async def _items(
    connection: AsyncConnection, organization_id: UUID, event_ids: Sequence[int]
) -> defaultdict[int, list[ParkedItem]]:
    query = select(webhook_items).where(
        webhook_items.c.organization_id == organization_id, webhook_items.c.webhook_event_id.in_(event_ids)
    )
    rows: Any = await connection.execute(query.order_by(webhook_items.c.webhook_event_id, webhook_items.c.place))
    found: defaultdict[int, list[ParkedItem]] = defaultdict(list)
    for row in rows:
        item = ParkedItem(row.place, row.kind, row.outcome, row.reason, row.phone_number_id)
        found[row.webhook_event_id].append(item)
    return found
