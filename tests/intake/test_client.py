from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from pydantic import SecretStr
from temporalio.client import Client

from cli.ports import free_port
from workflows.client import ConversationStarter, DueConversation, LaterError, connect
from workflows.contracts import (
    CONVERSATIONS_QUEUE,
    WA_INTEGRATION,
    WA_ORGANIZATION,
    WA_STATE,
    WA_WINDOW_UNTIL,
    ConversationInput,
)

_LIMITS = ConversationInput(conversation_id="", events_per_run=77)


def _due() -> DueConversation:
    until = (datetime.now(UTC) + timedelta(hours=3)).replace(microsecond=0)
    return DueConversation(str(uuid4()), str(uuid4()), str(uuid4()), window_until=until)


async def test_a_look_starts_a_run_that_tells_whose_it_is_and_later_ones_signal_it(temporal_client: Client) -> None:
    starter = ConversationStarter(temporal_client, limits=_LIMITS, task_timeout=timedelta(seconds=3))
    due = _due()
    for _ in range(3):
        await starter.look(due)
    handle = temporal_client.get_workflow_handle(f"conversation/{due.conversation_id}")
    described = await handle.describe()
    assert (described.workflow_type, described.task_queue) == ("ConversationWorkflow", CONVERSATIONS_QUEUE)
    shown = described.typed_search_attributes
    assert shown.get(WA_ORGANIZATION) == due.organization_id
    assert shown.get(WA_INTEGRATION) == due.integration_id
    assert shown.get(WA_STATE) == "with the bot"
    assert shown.get(WA_WINDOW_UNTIL) == due.window_until
    assert due.integration_id in (await described.static_summary() or "")
    events = [event async for event in handle.fetch_history_events()]
    started = events[0].workflow_execution_started_event_attributes
    assert started.workflow_task_timeout.seconds == 3
    (given,) = await temporal_client.data_converter.decode(started.input.payloads, [ConversationInput])
    assert (given.conversation_id, given.events_per_run) == (due.conversation_id, 77)
    signals = [event for event in events if event.HasField("workflow_execution_signaled_event_attributes")]
    assert len(signals) == 3
    assert not any(event.workflow_execution_signaled_event_attributes.input.payloads for event in signals)
    await handle.terminate()


async def test_only_the_latest_runs_are_remembered_and_the_others_are_found_all_the_same(
    temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.client.conversations._REMEMBERED", 2)
    starter = ConversationStarter(temporal_client, limits=_LIMITS)
    dues = [_due() for _ in range(3)]
    for due in (*dues, dues[1], *dues):
        await starter.look(due)
    assert list(starter._woken) == [dues[1].conversation_id, dues[2].conversation_id]
    for due, looks in zip(dues, (2, 3, 2), strict=True):
        handle = temporal_client.get_workflow_handle(f"conversation/{due.conversation_id}")
        events = [event async for event in handle.fetch_history_events()]
        assert sum(event.HasField("workflow_execution_signaled_event_attributes") for event in events) == looks
        await handle.terminate()


async def test_a_run_that_has_ended_is_started_again(temporal_client: Client) -> None:
    starter = ConversationStarter(temporal_client, limits=_LIMITS)
    due = _due()
    await starter.look(due)
    first = await temporal_client.get_workflow_handle(f"conversation/{due.conversation_id}").describe()
    await temporal_client.get_workflow_handle(f"conversation/{due.conversation_id}").terminate()
    await starter.look(due)
    second = await temporal_client.get_workflow_handle(f"conversation/{due.conversation_id}").describe()
    assert second.run_id != first.run_id
    await temporal_client.get_workflow_handle(f"conversation/{due.conversation_id}").terminate()


async def test_without_temporal_a_client_can_be_made_and_a_look_says_later() -> None:
    nowhere = SimpleNamespace(address=f"127.0.0.1:{free_port()}", namespace="default", api_key=SecretStr(""), tls=False)
    starter = ConversationStarter(await connect(nowhere), limits=_LIMITS, rpc_timeout=timedelta(seconds=1))
    with pytest.raises(LaterError):
        await starter.look(_due())


async def test_a_namespace_that_is_not_there_says_later(temporal_address: str) -> None:
    elsewhere = SimpleNamespace(address=temporal_address, namespace="nowhere", api_key=SecretStr(""), tls=False)
    starter = ConversationStarter(await connect(elsewhere), limits=_LIMITS, rpc_timeout=timedelta(seconds=1))
    with pytest.raises(LaterError):
        await starter.look(_due())
