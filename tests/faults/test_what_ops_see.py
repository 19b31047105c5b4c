"""A run's list row and page in Temporal's Web UI tell what goes on, without content."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowExecution, WorkflowHandle
from temporalio.converter import default as default_converter

from tests.faults.house import House, new_customers


async def test_a_run_shows_state_window_and_owner_and_an_undisturbed_exchange_changes_none_of_it(house: House) -> None:
    (customer,) = new_customers(1)
    for words in ("one", "two", "three"):
        await house.exchange(customer, words)
    run, handle = await _the_run(house)
    attributes = run.search_attributes
    assert attributes["WaState"] == ["with the bot"]
    assert attributes["WaOrganization"] == [str(house.line.organization_id)]
    assert attributes["WaIntegration"] == [str(house.line.integration_id)]
    assert "WaWaitingFor" not in attributes
    closes_at = attributes["WaWindowUntil"][0]
    assert isinstance(closes_at, datetime)
    closes_in = closes_at - datetime.now(UTC)
    assert timedelta(hours=23, minutes=59) < closes_in <= timedelta(hours=24)
    events = Counter(event.event_type for event in (await handle.fetch_history()).events)
    assert events[EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES] == 0


async def test_a_run_says_in_words_what_each_step_and_timer_is_for_and_what_it_sent(house: House) -> None:
    (customer,) = new_customers(1)
    await house.exchange(customer, "hello")
    _, handle = await _the_run(house)
    (message,) = await house.rows("SELECT id FROM messages WHERE integration_id = :line AND direction = 'out'")
    steps, timers = await _summaries(handle)
    assert steps == ["look"]
    assert timers == ["the 24-hour window closes"]
    conversation = handle.id.removeprefix("conversation/")
    told = f"Conversation {conversation} is with the bot. Turn 1. Sent {message.id}. The 24-hour window is open until "
    assert told in await _details(handle)


async def test_a_row_that_cannot_leave_is_named_by_its_step_and_its_timer_says_why(house: House) -> None:
    (customer,) = new_customers(1)
    await house.simulator.add_fault("refuse", code=80007, recipient=customer, count=1)
    await house.says(customer, "hello")

    async def is_held() -> bool:
        return bool(await house.rows("SELECT 1 FROM messages WHERE integration_id = :line AND hold = 'back_off'"))

    await house.until(is_held, within=10, what="the row waits for its back-off")
    await asyncio.sleep(1)  # two more looks
    _, handle = await _the_run(house)
    (message,) = await house.rows("SELECT id, reason FROM messages WHERE integration_id = :line AND direction = 'out'")
    steps, timers = await _summaries(handle)
    assert f"send {message.id}" in steps
    assert message.reason in timers
    assert "limit on calls" in message.reason


async def test_a_run_whose_number_lost_its_token_says_what_it_waits_for_until_it_is_released(house: House) -> None:
    (customer,) = new_customers(1)
    await house.exchange(customer, "hello")
    await house.simulator.change_number(house.line.phone_number_id, revoked=True)
    await house.says(customer, "are you there?")
    client, organization = await house.temporal(), house.line.organization_id
    waiting = f"WaState = 'waiting' AND WaOrganization = '{organization}'"

    async def is_listed() -> bool:
        return [run async for run in client.list_workflows(waiting)] != []

    await house.until(is_listed, within=10, what="the run is listed as waiting")
    run, handle = await _the_run(house)
    assert run.search_attributes["WaWaitingFor"] == ["the number's release"]
    assert "Waits for the number's release." in await _details(handle)


async def _the_run(house: House) -> tuple[WorkflowExecution, WorkflowHandle[Any, Any]]:
    """The line's one run, as the list shows it."""
    client: Client = await house.temporal()
    # Beside it a number that lost its token is checked at once.
    query = f"WaOrganization = '{house.line.organization_id}' AND WorkflowType = 'ConversationWorkflow'"
    await asyncio.sleep(0.3)  # the list is written behind the run
    (run,) = [run async for run in client.list_workflows(query)]
    return run, client.get_workflow_handle(run.id, run_id=run.run_id)


async def _summaries(handle: WorkflowHandle[Any, Any]) -> tuple[list[str], list[str]]:
    """What the page shows beside local activities and beside timers."""
    history = await handle.fetch_history()
    told: dict[int, list[str]] = {EventType.EVENT_TYPE_MARKER_RECORDED: [], EventType.EVENT_TYPE_TIMER_STARTED: []}
    for event in history.events:
        if event.event_type in told:
            told[event.event_type].append(_text(event.user_metadata.summary))
    return told[EventType.EVENT_TYPE_MARKER_RECORDED], told[EventType.EVENT_TYPE_TIMER_STARTED]


def _text(payload: Payload) -> str:
    (value,) = default_converter().payload_converter.from_payloads([payload])
    return str(value)


async def _details(handle: WorkflowHandle[Any, Any]) -> str:
    metadata: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return metadata.current_details
