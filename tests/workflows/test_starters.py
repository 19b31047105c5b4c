"""The way to Temporal for onboardings, checks and deliveries, on a real server."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from pydantic import SecretStr
from temporalio.client import Client, ScheduleActionStartWorkflow, ScheduleDescription, ScheduleOverlapPolicy
from temporalio.service import RPCError

from cli.ports import free_port
from tests.workflows.scripted_onboarding import Scripted, until_shown, waiting, worker
from workflows.check_contracts import CheckInput
from workflows.client import CheckSchedules, DeliveryStarter, LaterError, OnboardingStarter, connect
from workflows.contracts import CONTROL_QUEUE, WA_INTEGRATION, WA_ORGANIZATION, WA_STATE
from workflows.event_contracts import DeliveryInput
from workflows.onboarding_contracts import OnboardingInput

DAY, QUARTER = timedelta(days=1), timedelta(minutes=15)
SOON = timedelta(seconds=1)


def _onboardings(client: Client) -> OnboardingStarter:
    return OnboardingStarter(client, limits=OnboardingInput("", patience=timedelta(hours=7)), rpc_timeout=SOON)


async def _away() -> Client:
    nowhere = SimpleNamespace(address=f"127.0.0.1:{free_port()}", namespace="default", api_key=SecretStr(""), tls=False)
    return await connect(nowhere)


async def test_a_wake_starts_a_run_that_tells_whose_it_is_and_later_ones_signal_it(temporal_client: Client) -> None:
    starter, onboarding_id, organization_id = _onboardings(temporal_client), str(uuid4()), str(uuid4())
    for _ in range(3):
        await starter.wake(onboarding_id, organization_id, step="register")
    handle = temporal_client.get_workflow_handle(f"onboarding/{onboarding_id}")
    described = await handle.describe()
    assert (described.workflow_type, described.task_queue) == ("OnboardingWorkflow", CONTROL_QUEUE)
    assert described.typed_search_attributes.get(WA_ORGANIZATION) == organization_id
    assert described.typed_search_attributes.get(WA_STATE) == "register"
    assert onboarding_id in (await described.static_summary() or "")
    events = [event async for event in handle.fetch_history_events()]
    started = events[0].workflow_execution_started_event_attributes
    (given,) = await temporal_client.data_converter.decode(started.input.payloads, [OnboardingInput])
    assert (given.onboarding_id, given.patience) == (onboarding_id, timedelta(hours=7))
    signals = [event for event in events if event.HasField("workflow_execution_signaled_event_attributes")]
    assert len(signals) == 3
    await handle.terminate()


async def test_an_act_is_taken_when_the_run_waits_for_it_and_refused_otherwise(temporal_client: Client) -> None:
    starter, onboarding_id = _onboardings(temporal_client), str(uuid4())
    assert not await starter.act(onboarding_id, "pin"), "there is no run"
    script = Scripted({"register": lambda _: waiting("register", "pin")})
    async with worker(temporal_client, script):
        await starter.wake(onboarding_id, str(uuid4()))
        run = temporal_client.get_workflow_handle(f"onboarding/{onboarding_id}")
        await until_shown(run, "register", "pin")
        assert not await starter.act(onboarding_id, "number")
        assert await starter.act(onboarding_id, "pin")
        await until_shown(run, "register", "pin")
        assert await starter.act(onboarding_id, "cancel")
        await asyncio.wait_for(run.result(), timeout=10)
    assert not await starter.act(onboarding_id, "cancel"), "it has ended"


async def test_an_act_without_a_worker_is_given_up_in_time(temporal_client: Client) -> None:
    starter, onboarding_id = _onboardings(temporal_client), str(uuid4())
    await starter.wake(onboarding_id, str(uuid4()))
    async with asyncio.timeout(2.5):
        assert not await starter.act(onboarding_id, "cancel")
    await temporal_client.get_workflow_handle(f"onboarding/{onboarding_id}").terminate()


async def test_a_code_can_be_taken_while_temporal_answers_and_a_worker_asks_for_work(temporal_client: Client) -> None:
    starter = _onboardings(temporal_client)
    async with worker(temporal_client, Scripted()):
        async with asyncio.timeout(10):
            while not await starter.can_take_a_code():  # noqa: ASYNC110 - it happens in Temporal's time
                await asyncio.sleep(0.05)


async def test_no_code_can_be_taken_where_no_worker_ever_asked(temporal_address: str) -> None:
    # Of all namespaces this one has never had a worker on the control queue.
    elsewhere = await Client.connect(temporal_address, namespace="temporal-system")
    assert not await _onboardings(elsewhere).can_take_a_code()


async def test_without_temporal_a_wake_says_later_an_act_says_no_and_no_code_can_be_taken() -> None:
    starter = _onboardings(await _away())
    with pytest.raises(LaterError):
        await starter.wake(str(uuid4()), str(uuid4()))
    assert not await starter.act(str(uuid4()), "cancel")
    async with asyncio.timeout(1.5):
        assert not await starter.can_take_a_code()


async def test_a_delivery_is_started_once_however_often_it_is_woken(temporal_client: Client) -> None:
    starter = DeliveryStarter(temporal_client, limits=DeliveryInput("", patience=DAY))
    delivery_id, organization_id = str(uuid4()), str(uuid4())
    for _ in range(3):
        await starter.wake(delivery_id, organization_id)
    handle = temporal_client.get_workflow_handle(f"event/{delivery_id}")
    described = await handle.describe()
    assert (described.workflow_type, described.task_queue) == ("EventDeliveryWorkflow", CONTROL_QUEUE)
    assert described.typed_search_attributes.get(WA_ORGANIZATION) == organization_id
    runs = [run async for run in temporal_client.list_workflows(f'WorkflowId = "event/{delivery_id}"')]
    assert len(runs) <= 1
    await handle.terminate()
    with pytest.raises(LaterError):
        await DeliveryStarter(await _away(), limits=DeliveryInput(""), rpc_timeout=SOON).wake(delivery_id, "o")


async def _described(client: Client, integration_id: str) -> ScheduleDescription:
    return await client.get_schedule_handle(f"check/{integration_id}").describe()


async def test_a_schedule_ensured_twice_is_one_and_starts_the_check_of_its_number(temporal_client: Client) -> None:
    schedules, integration_id, organization_id = CheckSchedules(temporal_client), str(uuid4()), str(uuid4())
    for _ in range(2):
        await schedules.ensure(integration_id, organization_id, every=DAY)
    schedule = (await _described(temporal_client, integration_id)).schedule
    action = schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    assert (action.workflow, action.id, action.task_queue) == (
        "NumberCheckWorkflow",
        f"check/{integration_id}",
        CONTROL_QUEUE,
    )
    (given,) = await temporal_client.data_converter.decode(action.args, [CheckInput])
    assert given == CheckInput(integration_id)
    assert action.typed_search_attributes.get(WA_INTEGRATION) == integration_id
    assert action.typed_search_attributes.get(WA_ORGANIZATION) == organization_id
    assert schedule.policy.overlap is ScheduleOverlapPolicy.SKIP
    assert [spec.every for spec in schedule.spec.intervals] == [DAY]
    assert schedule.spec.jitter
    await schedules.remove(integration_id)


async def test_ensuring_another_interval_changes_it_and_leaves_a_pause_of_ops(temporal_client: Client) -> None:
    schedules, integration_id, organization_id = CheckSchedules(temporal_client), str(uuid4()), str(uuid4())
    await schedules.ensure(integration_id, organization_id, every=DAY)
    await temporal_client.get_schedule_handle(f"check/{integration_id}").pause(note="by ops")
    await schedules.ensure(integration_id, organization_id, every=QUARTER)
    schedule = (await _described(temporal_client, integration_id)).schedule
    assert [spec.every for spec in schedule.spec.intervals] == [QUARTER]
    assert (schedule.state.paused, schedule.state.note) == (True, "by ops")
    action = schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    assert action.typed_search_attributes.get(WA_INTEGRATION) == integration_id
    (given,) = await temporal_client.data_converter.decode(action.args, [CheckInput])
    assert given == CheckInput(integration_id)
    await schedules.remove(integration_id)


async def test_a_check_on_demand_runs_beside_the_schedule_but_never_twice_at_once(temporal_client: Client) -> None:
    schedules, integration_id = CheckSchedules(temporal_client), str(uuid4())
    assert not await schedules.trigger(integration_id), "there is no Schedule"
    await schedules.ensure(integration_id, str(uuid4()), every=DAY)
    assert await schedules.trigger(integration_id)
    started = await _one_action(temporal_client, integration_id)
    assert started.startswith(f"check/{integration_id}-")
    assert await schedules.trigger(integration_id)
    async with asyncio.timeout(10):
        while not (await _described(temporal_client, integration_id)).info.num_actions_skipped_overlap:  # noqa: ASYNC110 - in Temporal's time
            await asyncio.sleep(0.1)
    assert (await _described(temporal_client, integration_id)).info.num_actions == 1
    described = await temporal_client.get_workflow_handle(started).describe()
    assert described.workflow_type == "NumberCheckWorkflow"
    assert described.typed_search_attributes.get(WA_INTEGRATION) == integration_id
    await temporal_client.get_workflow_handle(started).terminate()
    await schedules.remove(integration_id)


async def _one_action(client: Client, integration_id: str) -> str:
    async with asyncio.timeout(10):
        while True:
            running = (await _described(client, integration_id)).info.running_actions
            if running:
                return str(running[0].workflow_id)  # type: ignore[attr-defined]
            await asyncio.sleep(0.1)


async def test_two_numbers_are_not_checked_at_the_same_moment(temporal_client: Client) -> None:
    schedules, ids = CheckSchedules(temporal_client), [str(uuid4()) for _ in range(3)]
    for integration_id in ids:
        await schedules.ensure(integration_id, str(uuid4()), every=DAY)
    offsets = {(await _described(temporal_client, each)).schedule.spec.intervals[0].offset for each in ids}
    assert len(offsets) == 3
    for integration_id in ids:
        await schedules.remove(integration_id)


async def test_what_is_missing_is_named_and_removing_twice_is_no_error(temporal_client: Client) -> None:
    schedules, there, gone = CheckSchedules(temporal_client), str(uuid4()), str(uuid4())
    await schedules.ensure(there, str(uuid4()), every=DAY)
    async with asyncio.timeout(10):
        while await schedules.missing([there, gone]) != {gone}:  # noqa: ASYNC110 - Temporal's lists lag a little
            await asyncio.sleep(0.1)
    for _ in range(2):
        await schedules.remove(there)
    with pytest.raises(RPCError):
        await _described(temporal_client, there)


async def test_without_temporal_every_call_about_schedules_says_later() -> None:
    schedules, integration_id = CheckSchedules(await _away(), rpc_timeout=SOON), str(uuid4())
    for call in (
        schedules.ensure(integration_id, str(uuid4()), every=DAY),
        schedules.remove(integration_id),
        schedules.trigger(integration_id),
        schedules.missing([integration_id]),
    ):
        with pytest.raises(LaterError):
            await call
