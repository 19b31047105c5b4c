"""A business's endpoint over real HTTP, and the activities that deliver to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Request, Response
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

import egress
from activities.event_delivery import EventDeliveries
from store import event_endpoints, events
from store.engine import Database
from store.event_endpoints import Registered
from tests.rows import RING, Number, connected_number, row
from tests.simulator.stage import served
from workflows.event_contracts import Deliver, Delivered


@dataclass
class Business:
    """The software of a business: answers as a test says and keeps what it was told."""

    status: int = 200
    after: float = 0
    told: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    async def told_more(self) -> None:
        """Wait for the next event."""
        self.heard.clear()
        await asyncio.wait_for(self.heard.wait(), timeout=10)

    def app(self) -> FastAPI:
        """Its endpoint, at /events."""
        app = FastAPI()

        @app.post("/events")
        async def take(request: Request) -> Response:
            self.told.append((dict(request.headers), await request.body()))
            self.heard.set()
            await asyncio.sleep(self.after)
            return Response(status_code=self.status, headers={"location": "http://127.0.0.1:1/elsewhere"})

        return app


@dataclass(frozen=True)
class House:
    """An organization with an endpoint, and the activities."""

    database: Database
    number: Number
    registered: Registered
    activities: EventDeliveries

    @property
    def endpoint_id(self) -> UUID:
        """Where events are delivered."""
        return self.registered.endpoint.id

    async def happened(self) -> UUID:
        """Something happens; answers the delivery's id."""
        async with self.database.transaction() as connection:
            event_id = await events.emit(
                connection,
                organization_id=self.number.organization_id,
                type="integration.held",
                integration_id=self.number.integration_id,
                data={"reason": "The token is gone: ü."},
            )
            query = text("SELECT id FROM event_deliveries WHERE event_id = :id")
            delivery_id: UUID = (await connection.execute(query, {"id": event_id})).scalar_one()
        return delivery_id

    async def deliver(self, delivery_id: UUID, **waits: timedelta) -> Delivered:
        """Deliver it once, as Temporal would have it done."""
        command = Deliver(str(delivery_id), **waits)
        delivered: Delivered = await ActivityEnvironment().run(self.activities.deliver_event, command)
        return delivered

    async def delivery(self, delivery_id: UUID | str) -> Any:
        """The delivery's row."""
        return await row(self.database, "event_deliveries", UUID(str(delivery_id)))

    async def endpoint(self) -> Any:
        """The endpoint's row."""
        return await row(self.database, "event_endpoints", self.endpoint_id)


@asynccontextmanager
async def house(
    database: Database, business: Business, *, private: bool = True, patience: timedelta = timedelta(seconds=10)
) -> AsyncIterator[House]:
    """An organization whose events go to this business."""
    number = await connected_number(database)
    async with served(business.app()) as url, egress.agent_client(private_addresses=private) as client:
        registered = await event_endpoints.register(
            database, RING, organization_id=number.organization_id, url=f"{url}/events", types=None
        )
        activities = EventDeliveries(database, RING, client, egress.RefusedAddressError, patience)
        yield House(database, number, registered, activities)
