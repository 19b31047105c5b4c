"""A business's endpoint over real HTTP: what it is told, how it is signed, and each way in which it can refuse."""

from dataclasses import replace
from datetime import timedelta

import pytest
from standardwebhooks import Webhook
from temporalio.testing import ActivityEnvironment

from activities.event_delivery import NotTakenError
from store import event_deliveries, event_endpoints
from store.engine import Database
from tests.activities.delivering import Business, house
from tests.rows import change, row, rows
from workflows.event_contracts import Deliver, GiveUpDelivery


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
        noted = await rows(database, "SELECT actor, action, subject_id FROM audit_log WHERE action LIKE '%disabled'")
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
