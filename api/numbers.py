"""How the numbers are doing, and what became of what Meta sent for them."""

from typing import Annotated

from fastapi import APIRouter, Query

from api import examples
from api.auth import Caller, Store
from api.contracts import Listing
from api.examples import answers
from store.paging import Page
from store.reading.webhooks import WebhookEvent, WebhookState, list_webhook_events
from store.status import NumberStatus, number_statuses

router = APIRouter(prefix="/api/v1/whatsapp", tags=["Numbers"])


class EventListing(Listing):
    """Which webhook events are wanted."""

    state: WebhookState | None = None


@router.get("/webhook-events", responses=answers(200, examples.WEBHOOK_EVENTS, 401, 422))
async def read_webhook_events(
    organization_id: Caller, database: Store, listing: Annotated[EventListing, Query()]
) -> Page[WebhookEvent]:
    """List what came, the newest first, and what became of it; `state` keeps those with an item that ended so."""
    return await list_webhook_events(database, organization_id, listing.wanted(), state=listing.state)


@router.get("/status", responses=answers(200, examples.STATUS, 401))
async def read_status(organization_id: Caller, database: Store) -> list[NumberStatus]:
    """Tell of each number whether it is connected, what waits and for what, what is late, what could not be applied."""
    return await number_statuses(database, organization_id)
