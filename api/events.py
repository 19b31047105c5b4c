"""Event endpoints: where a business's own software is told what happens to its numbers."""

from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from api import event_examples as examples
from api.auth import Acting, Caller, Ring, Store
from api.contracts import ListingQuery
from api.examples import answers
from store import event_deliveries, event_endpoints
from store.event_deliveries import Asked
from store.event_endpoints import Endpoint, Registered
from store.event_types import EventType
from store.event_urls import check_url
from store.paging import Page
from store.reading.events import Delivery
from store.reading.events import list_deliveries as deliveries_of

router = APIRouter(prefix="/api/v1", tags=["Events"])

_URL: dict[str, JsonValue] = {"url": "https://shop.example.com/whatsapp/events"}
_SOME: dict[str, JsonValue] = {"types": ["integration.held", "finding.opened"]}


class NewEndpoint(BaseModel):
    """A URL that is to be told of events."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_URL | _SOME]})

    url: str = Field(max_length=2000, description="https, at a public address.")
    types: list[EventType] | None = Field(
        default=None, min_length=1, max_length=50, description="Which types it wants; null: all, new ones included."
    )


class ChangedEndpoint(NewEndpoint):
    """An endpoint as it is to be from now on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_URL | _SOME | {"enabled": True}]})

    enabled: bool = Field(default=True, description="False switches it off; true also one that was switched off by us.")


@router.post("/event-endpoints", status_code=201, responses=answers(201, examples.REGISTERED, 401, 422))
async def register_endpoint(
    organization_id: Caller, by: Acting, database: Store, ring: Ring, request: Request, wanted: NewEndpoint
) -> Registered:
    """Have events posted to a URL. The secret that signs them (Standard Webhooks) is shown in this answer only."""
    _check(request, wanted.url)
    return await event_endpoints.register(
        database, ring, organization_id=organization_id, url=wanted.url, types=wanted.types, by=by
    )


@router.get("/event-endpoints", responses=answers(200, examples.ENDPOINTS, 401, 422))
async def read_endpoints(organization_id: Caller, database: Store, listing: ListingQuery) -> Page[Endpoint]:
    """List event endpoints, the newest first; one that was switched off says why."""
    return await event_endpoints.list_endpoints(database, organization_id, listing.wanted())


@router.get("/event-endpoints/{endpoint_id}", responses=answers(200, examples.ENDPOINT, 401, 404, 422))
async def read_endpoint(organization_id: Caller, database: Store, endpoint_id: UUID) -> Endpoint:
    """Show an event endpoint."""
    return await event_endpoints.read_endpoint(database, organization_id, endpoint_id)


@router.put("/event-endpoints/{endpoint_id}", responses=answers(200, examples.ENDPOINT, 401, 404, 422))
async def change_endpoint(
    organization_id: Caller, by: Acting, database: Store, request: Request, endpoint_id: UUID, wanted: ChangedEndpoint
) -> Endpoint:
    """Give an endpoint another URL or other types, or switch it on or off. Its secret stays."""
    _check(request, wanted.url)
    return await event_endpoints.change_endpoint(
        database,
        organization_id=organization_id,
        endpoint_id=endpoint_id,
        url=wanted.url,
        types=wanted.types,
        enabled=wanted.enabled,
        by=by,
    )


@router.delete("/event-endpoints/{endpoint_id}", responses=answers(200, examples.ENDPOINT, 401, 404, 422))
async def remove_endpoint(organization_id: Caller, by: Acting, database: Store, endpoint_id: UUID) -> Endpoint:
    """Take an endpoint away and show it a last time. What is on its way to it ends; the record of it stays."""
    return await event_endpoints.remove_endpoint(
        database, organization_id=organization_id, endpoint_id=endpoint_id, by=by
    )


@router.post(
    "/event-endpoints/{endpoint_id}/test",
    status_code=202,
    responses=answers(202, examples.ASKED, 401, 404, 409, 422),
)
async def send_test(organization_id: Caller, database: Store, endpoint_id: UUID) -> Asked:
    """Send an event of type `test` to this endpoint; its deliveries show what became of it."""
    return await event_deliveries.send_test(database, organization_id=organization_id, endpoint_id=endpoint_id)


@router.get("/event-endpoints/{endpoint_id}/deliveries", responses=answers(200, examples.DELIVERIES, 401, 404, 422))
async def read_deliveries(
    organization_id: Caller, database: Store, endpoint_id: UUID, listing: ListingQuery
) -> Page[Delivery]:
    """List what was sent to an endpoint, the newest first: attempts, the last status and reason, the next attempt."""
    return await deliveries_of(database, organization_id, endpoint_id, listing.wanted())


@router.post(
    "/event-deliveries/{delivery_id}/redeliver",
    status_code=202,
    responses=answers(202, examples.ASKED, 401, 404, 409, 422),
)
async def redeliver(organization_id: Caller, database: Store, delivery_id: UUID) -> Asked:
    """Send an event once more, whatever became of it: a new delivery with the same event and `webhook-id`."""
    return await event_deliveries.redeliver(database, organization_id=organization_id, delivery_id=delivery_id)


def _check(request: Request, url: str) -> None:
    check_url(url, private_addresses=request.app.state.settings.events.private_addresses)
