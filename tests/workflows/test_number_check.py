"""A check's run on a real Temporal, started by hand and by its Schedule: repeated while Meta is away, never failed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.worker import Worker

from activities.failures import FailureGuard
from store.engine import Database
from tests.activities.checked import CheckHouse, check_house
from workflows.check_contracts import Checked, CheckInput, check_schedule_id
from workflows.client import CheckSchedules
from workflows.contracts import CONTROL_QUEUE
from workflows.number_check import NumberCheckWorkflow


@asynccontextmanager
async def _working(client: Client, house: CheckHouse, *, queue: str) -> AsyncIterator[None]:
    async with Worker(
        client,
        task_queue=queue,
        workflows=[NumberCheckWorkflow],
        activities=[house.activities.check_integration],
        interceptors=[FailureGuard(house.database)],
    ):
        yield


async def _start(
    client: Client, house: CheckHouse, queue: str, *, within: timedelta = timedelta(minutes=5)
) -> WorkflowHandle[NumberCheckWorkflow, Checked]:
    start = CheckInput(str(house.number.integration_id), within)
    return await client.start_workflow(NumberCheckWorkflow.run, start, id=f"check/{uuid4()}", task_queue=queue)


async def test_a_check_is_repeated_until_meta_answers(database: Database, temporal_client: Client) -> None:
    queue = f"test-{uuid4()}"
    async with check_house(database) as house, _working(temporal_client, house, queue=queue):
        await house.meta.client.add_fault("server_error", call="number", count=2)
        checked = await (await _start(temporal_client, house, queue)).result()
        calls = await house.meta.client.count("number")
    assert (checked.state, checked.found) == ("live", [])
    assert calls == 3


async def test_a_check_that_meta_does_not_answer_in_time_ends_in_words_and_does_not_fail(
    database: Database, temporal_client: Client
) -> None:
    queue = f"test-{uuid4()}"
    async with check_house(database) as house, _working(temporal_client, house, queue=queue):
        await house.meta.client.add_fault("server_error", call="debug_token")
        handle = await _start(temporal_client, house, queue, within=timedelta(seconds=2))
        checked = await handle.result()
        described = await handle.describe()
        history = (await handle.fetch_history()).to_json()
        integration = await house.integration()
    assert described.status is WorkflowExecutionStatus.COMPLETED
    assert checked.says.startswith("Not checked this time: ")
    assert "Meta" in checked.says
    assert integration.checked_at is None
    assert house.number.token not in history
    assert house.number.phone_number not in history


async def test_the_schedule_of_a_number_checks_it_when_triggered(database: Database, temporal_client: Client) -> None:
    schedules = CheckSchedules(temporal_client)
    async with check_house(database) as house, _working(temporal_client, house, queue=CONTROL_QUEUE):
        integration_id = str(house.number.integration_id)
        await schedules.ensure(integration_id, str(house.number.organization_id), every=timedelta(hours=24))
        assert await schedules.trigger(integration_id)
        async with asyncio.timeout(20):
            while (await house.integration()).checked_at is None:  # noqa: ASYNC110 - another process's time
                await asyncio.sleep(0.1)
        handle = temporal_client.get_schedule_handle(check_schedule_id(integration_id))
        assert len((await handle.describe()).info.recent_actions) == 1
        await schedules.remove(integration_id)
