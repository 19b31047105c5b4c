"""A business's endpoint over real HTTP: what it is told, how it is signed, and each way in which it can refuse."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI, Request, Response
from sqlalchemy import text
from standardwebhooks import Webhook
from temporalio.testing import ActivityEnvironment

import egress
from activities.event_delivery import EventDeliveries, NotTakenError
from store import event_deliveries, event_endpoints, events
from store.engine import Database
from store.event_endpoints import Registered
from tests.rows import RING, Number, change, connected_number, row
from tests.simulator.stage import served
from workflows.event_contracts import Deliver, Delivered, GiveUpDelivery


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
        command = Deliver(str(delivery_id), **waits)
        delivered: Delivered = await ActivityEnvironment().run(self.activities.deliver_event, command)
        return delivered

    async def delivery(self, delivery_id: UUID | str) -> Any:
        return await row(self.database, "event_deliveries", UUID(str(delivery_id)))

    async def endpoint(self) -> Any:
        return await row(self.database, "event_endpoints", self.endpoint_id)


@asynccontextmanager
async def house(
    database: Database, business: Business, *, private: bool = True, patience: timedelta = timedelta(seconds=10)
) -> AsyncIterator[House]:
    number = await connected_number(database)
    async with served(business.app()) as url, egress.agent_client(private_addresses=private) as client:
        registered = await event_endpoints.register(
            database, RING, organization_id=number.organization_id, url=f"{url}/events", types=None
        )
        activities = EventDeliveries(database, RING, client, egress.RefusedAddressError, patience)
        yield House(database, number, registered, activities)


async def test_an_event_arrives_signed_under_its_own_id_and_is_recorded(database: Database) -> None:
    business = Business()
    async with house(database, business) as home:
        delivery_id = await home.happened()
        assert (await home.deliver(delivery_id)).state == "delivered"
    headers, body = business.told[0]
    told = Webhook(home.registered.secret).verify(body, headers)
    delivery = await home.delivery(delivery_id)
    event = await row(database, "events", delivery.event_id)
    assert headers["webhook-id"] == f"event_{event.id}"
    assert told == {
        "type": "integration.held",
        "timestamp": event.created_at.isoformat(),
        "data": {
            "integration_id": str(home.number.integration_id),
            "phone_number": home.number.phone_number,
            "reason": "The token is gone: ü.",
        },
    }
    assert (delivery.state, delivery.attempts, delivery.last_status) == ("delivered", 1, 200)
    assert delivery.due_at is None
    assert delivery.ended_at is not None


async def test_a_delivered_event_is_not_sent_again(database: Database) -> None:
    business = Business()
    async with house(database, business) as home:
        delivery_id = await home.happened()
        await home.deliver(delivery_id)
        assert (await home.deliver(delivery_id)).state == "delivered"
    assert len(business.told) == 1


@pytest.mark.parametrize(("status", "words"), [(500, "HTTP 500"), (404, "HTTP 404"), (302, "redirect (HTTP 302)")])
async def test_any_other_answer_is_a_refusal_that_is_repeated(database: Database, status: int, words: str) -> None:
    business = Business(status)
    async with house(database, business) as home:
        delivery_id = await home.happened()
        with pytest.raises(NotTakenError) as refused:
            await home.deliver(delivery_id, first_retry=timedelta(minutes=1))
        assert words in refused.value.detail
        delivery = await home.delivery(delivery_id)
        assert (delivery.state, delivery.attempts, delivery.last_status) == ("pending", 1, status)
        assert words in delivery.last_error
        assert delivery.due_at > delivery.next_attempt_at  # a lost run is started anew, but not before its time
        business.status = 204
        assert (await home.deliver(delivery_id)).state == "delivered"
    assert {headers["webhook-id"] for headers, _ in business.told} == {f"event_{delivery.event_id}"}
    assert len(business.told) == 2


async def test_the_wait_doubles_up_to_the_longest_one_and_is_never_quite_the_same(database: Database) -> None:
    async with house(database, Business(500)) as home:
        command = Deliver(str(await home.happened()), timedelta(seconds=10), timedelta(seconds=60))
        waits = []
        for number in (1, 2, 3, 9, 4000):
            environment = ActivityEnvironment()
            environment.info = replace(environment.info, attempt=number)
            with pytest.raises(NotTakenError) as refused:
                await environment.run(home.activities.deliver_event, command)
            assert refused.value.retry_in is not None
            waits.append(refused.value.retry_in.total_seconds())
    for wait, about in zip(waits, (10, 20, 40, 60, 60), strict=True):
        assert about * 0.8 <= wait <= about * 1.2
    assert len(set(waits)) == 5


async def test_an_endpoint_that_is_too_slow_or_not_there_is_told_apart(database: Database) -> None:
    async with house(database, Business(after=3), patience=timedelta(seconds=0.5)) as home:
        with pytest.raises(NotTakenError, match=r"within 0\.5 s"):
            await home.deliver(await home.happened())
        await change(database, "UPDATE event_endpoints SET url = 'http://127.0.0.1:1/events'")
        with pytest.raises(NotTakenError, match="could not be reached: ConnectError"):
            await home.deliver(await home.happened())


async def test_a_private_address_is_refused_at_the_connection(database: Database) -> None:
    business = Business()
    async with house(database, business, private=False) as home:
        with pytest.raises(NotTakenError, match="not public"):
            await home.deliver(await home.happened())
    assert business.told == []


async def test_410_switches_the_endpoint_off_at_once(database: Database) -> None:
    business = Business(410)
    async with house(database, business) as home:
        first, second = await home.happened(), await home.happened()
        assert (await home.deliver(first)).state == "failed"
        endpoint = await home.endpoint()
        assert (endpoint.enabled, endpoint.disabled_reason) == (False, "The endpoint answered 410 Gone.")
        assert (await home.delivery(first)).last_status == 410
        business.status = 200
        assert (await home.deliver(second)).state == "failed"  # what was on its way ends as well
        assert len(business.told) == 1
        assert (await home.delivery(second)).due_at is None


async def test_giving_up_switches_the_endpoint_off_with_a_reason_and_a_line_in_the_audit_log(
    database: Database,
) -> None:
    async with house(database, Business(500)) as home:
        delivery_id = await home.happened()
        command = GiveUpDelivery(str(delivery_id), "The endpoint answered with HTTP 500.")
        for _ in range(2):
            assert (await ActivityEnvironment().run(home.activities.give_up_delivery, command)).state == "failed"
        endpoint = await home.endpoint()
        assert not endpoint.enabled
        assert "HTTP 500" in endpoint.disabled_reason
        async with database.transaction() as connection:
            noted = (
                await connection.execute(
                    text("SELECT actor, action, subject_id FROM audit_log WHERE action LIKE '%disabled'")
                )
            ).all()
        assert [tuple(line) for line in noted] == [("holdfast", "event_endpoint.disabled", home.endpoint_id)]


async def test_what_was_missed_can_be_sent_again_once_the_endpoint_is_on(database: Database) -> None:
    business = Business(410)
    async with house(database, business) as home:
        delivery_id = await home.happened()
        await home.deliver(delivery_id)
        business.status = 200
        organization_id = home.number.organization_id
        await event_endpoints.change_endpoint(
            database,
            organization_id=organization_id,
            endpoint_id=home.endpoint_id,
            url=home.registered.endpoint.url,
            types=None,
            enabled=True,
        )
        asked = await event_deliveries.redeliver(database, organization_id=organization_id, delivery_id=delivery_id)
        assert (await home.deliver(asked.delivery_id)).state == "delivered"
        again = await home.delivery(asked.delivery_id)
    assert (again.redelivers_id, again.event_id) == (delivery_id, (await home.delivery(delivery_id)).event_id)
    assert (await home.delivery(delivery_id)).state == "failed"
    assert (await home.endpoint()).disabled_reason is None
