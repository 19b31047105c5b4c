"""A delivery's run on a real Temporal: repeated until taken, given up in the end, and never failed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.worker import Worker

from activities.failures import FailureGuard
from cli.roles import delivery_limits
from store.engine import Database
from tests.activities.delivering import Business, House, house
from tests.api.edge import settings_for
from workflows.event_contracts import Delivered, DeliveryInput, event_workflow_id
from workflows.event_delivery import EventDeliveryWorkflow

_MILLISECONDS = {"first_retry": timedelta(milliseconds=50), "longest_retry": timedelta(milliseconds=200)}


@asynccontextmanager
async def _delivering(
    client: Client, home: House, **limits: timedelta
) -> AsyncIterator[tuple[str, WorkflowHandle[EventDeliveryWorkflow, Delivered]]]:
    """An event that happens, and the run that delivers it."""
    delivery_id = str(await home.happened())
    queue = f"test-{uuid4()}"
    async with Worker(
        client,
        task_queue=queue,
        workflows=[EventDeliveryWorkflow],
        activities=[home.activities.deliver_event, home.activities.give_up_delivery],
        interceptors=[FailureGuard(home.database)],
    ):
        handle = await client.start_workflow(
            EventDeliveryWorkflow.run,
            DeliveryInput(delivery_id, **{**_MILLISECONDS, **limits}),
            id=event_workflow_id(delivery_id),
            task_queue=queue,
        )
        yield delivery_id, handle


async def _ended(handle: WorkflowHandle[EventDeliveryWorkflow, Delivered]) -> Delivered:
    """What came of it; a delivery that is offered for ever fails the test instead of keeping it."""
    async with asyncio.timeout(20):
        return await handle.result()


async def test_an_endpoint_that_is_down_for_a_while_gets_the_event_when_it_is_back(
    database: Database, temporal_client: Client
) -> None:
    business = Business(503)
    async with house(database, business) as home, _delivering(temporal_client, home) as (delivery_id, handle):
        while len(business.told) < 3:
            await business.told_more()
        business.status = 200
        assert (await _ended(handle)).state == "delivered"
        delivery = await home.delivery(delivery_id)
    assert delivery.attempts == len(business.told) >= 4
    assert len({headers["webhook-id"] for headers, _ in business.told}) == 1


async def test_an_endpoint_that_is_down_for_the_whole_time_is_switched_off_and_the_run_does_not_fail(
    database: Database, temporal_client: Client
) -> None:
    business = Business(503)
    async with (
        house(database, business) as home,
        _delivering(temporal_client, home, patience=timedelta(seconds=4)) as (delivery_id, handle),
    ):
        delivered = await _ended(handle)
        delivery, endpoint = await home.delivery(delivery_id), await home.endpoint()
        status = (await handle.describe()).status
    assert status is WorkflowExecutionStatus.COMPLETED
    assert delivered.state == delivery.state == "failed"
    assert delivery.attempts >= 2  # Temporal repeats nothing sooner than after a second
    assert not endpoint.enabled
    assert "HTTP 503" in endpoint.disabled_reason
    assert "HTTP 503" in delivered.says


async def test_what_the_run_shows_of_a_refusal_is_in_words_and_names_no_address(
    database: Database, temporal_client: Client
) -> None:
    business = Business(302)
    async with (
        house(database, business) as home,
        _delivering(temporal_client, home, patience=timedelta(seconds=0.5)) as (_, handle),
    ):
        await _ended(handle)
        history = (await handle.fetch_history()).to_json()
    assert "redirect (HTTP 302)" in history
    assert home.registered.secret not in history
    assert "127.0.0.1" not in history
    assert "The token is gone" not in history


def test_an_attempt_outlasts_the_posts_own_limit_whatever_that_is_set_to() -> None:
    given = settings_for("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    for seconds in (1, 15, 120):
        events = given.events.model_copy(update={"timeout": timedelta(seconds=seconds)})
        limits = delivery_limits(replace(given, events=events))
        assert limits.attempt_timeout >= timedelta(seconds=seconds + 10)
    assert limits.patience == timedelta(days=1)
