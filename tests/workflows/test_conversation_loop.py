"""The conversation's loop on a real Temporal server, in the sandbox; its activities follow a script.

What the activities themselves do is proven with Postgres elsewhere; here: when they are called, and what a run costs.
"""

import asyncio
from datetime import timedelta

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from tests.waiting import until
from tests.workflows.scripted import HOUR, Scripted, events_of, idle, running
from workflows.contracts import (
    AskAgent,
    AskOutcome,
    FailTurn,
    Look,
    SendOutcome,
)


async def test_an_undisturbed_exchange_costs_six_events_and_changes_no_attribute(temporal_client: Client) -> None:
    # Meta's timestamps are whole seconds: of two messages within one, the second look comes nearer to the close.
    script = Scripted(lambda n: idle(to_send=[f"m{n}"], next_in=HOUR - timedelta(seconds=0.4 * n)))
    async with running(temporal_client, script) as run:
        await until(lambda: script.sent == ["m1"])
        await asyncio.sleep(0.3)
        before = await events_of(run)
        await run.signal("look")
        await until(lambda: script.sent == ["m1", "m2"])
        await asyncio.sleep(0.3)
        after = await events_of(run)

    cost = after - before
    assert cost == {
        "WORKFLOW_EXECUTION_SIGNALED": 1,
        "WORKFLOW_TASK_SCHEDULED": 1,
        "WORKFLOW_TASK_STARTED": 1,
        "WORKFLOW_TASK_COMPLETED": 1,
        "MARKER_RECORDED": 2,
    }
    assert after["TIMER_STARTED"] == 1
    assert "TIMER_CANCELED" not in after


async def test_a_run_ends_when_the_window_is_closed_and_nothing_is_pending(temporal_client: Client) -> None:
    script = Scripted(lambda _: Look("", window_closes_in=None))
    async with running(temporal_client, script, linger=timedelta(milliseconds=300)) as run:
        async with asyncio.timeout(10):
            await run.result()
    assert script.looks == 1


async def test_a_run_lives_on_while_something_is_pending(temporal_client: Client) -> None:
    pending = Look("", pending=True, next_in=timedelta(milliseconds=200), next_why="a hold ends")
    script = Scripted(lambda n: pending if n < 4 else Look(""))
    async with running(temporal_client, script, linger=timedelta(milliseconds=50)) as run:
        async with asyncio.timeout(10):
            await run.result()
    assert script.looks == 4


async def test_a_run_that_sent_its_last_rows_after_the_window_looks_once_more_and_ends(
    temporal_client: Client,
) -> None:
    script = Scripted(lambda n: Look("", to_send=["template"], pending=True) if n == 1 else Look(""))
    async with running(temporal_client, script, linger=timedelta(milliseconds=100)) as run:
        async with asyncio.timeout(5):
            await run.result()
    assert (script.sent, script.looks) == (["template"], 2)


async def test_a_run_whose_look_sent_the_last_row_after_the_window_looks_once_more_and_ends(
    temporal_client: Client,
) -> None:
    script = Scripted(lambda n: Look("", sent=["template"], pending=True) if n == 1 else Look(""))
    async with running(temporal_client, script, linger=timedelta(milliseconds=100)) as run:
        async with asyncio.timeout(5):
            await run.result()
    assert script.looks == 2


async def test_a_timer_that_fires_for_a_moment_that_has_moved_on_costs_no_look(temporal_client: Client) -> None:
    soon, later = timedelta(milliseconds=600), timedelta(seconds=2)
    script = Scripted(lambda n: idle(next_in=soon if n == 1 else later))
    async with running(temporal_client, script) as run:
        await until(lambda: script.looks == 1)
        await run.signal("look")
        await until(lambda: script.looks == 2)
        await asyncio.sleep(1)
        assert script.looks == 2
        assert (await events_of(run))["TIMER_FIRED"] == 1
        await until(lambda: script.looks == 3)


async def test_a_long_run_continues_as_new_and_no_run_grows(temporal_client: Client) -> None:
    script = Scripted(lambda n: idle(to_send=[f"m{n}"]))
    async with running(temporal_client, script, events_per_run=40) as run:
        for n in range(1, 41):
            await run.signal("look")
            await until(lambda n=n: script.looks >= n)  # type: ignore[misc]
        runs = [found async for found in temporal_client.list_workflows(f'WorkflowId = "{run.id}"')]
        lengths = [found.history_length async for found in temporal_client.list_workflows(f'WorkflowId = "{run.id}"')]
    assert len(runs) > 3
    assert max(length or 0 for length in lengths) < 80
    assert script.sent == [f"m{n}" for n in range(1, script.looks + 1)]


async def test_a_storm_of_signals_is_a_few_looks(temporal_client: Client) -> None:
    script = Scripted(lambda _: idle())
    async with running(temporal_client, script) as run:
        await asyncio.gather(*(run.signal("look") for _ in range(150)))
        await asyncio.sleep(1)
        looks = script.looks
        await run.signal("look")
        await until(lambda: script.looks > looks)
        description = await run.describe()
        assert description.status == 1
    assert looks < 100


async def test_more_rows_than_one_look_holds_are_all_sent_in_order(temporal_client: Client) -> None:
    pages = {1: ["a", "b"], 2: ["c", "d"], 3: ["e"]}
    script = Scripted(lambda n: idle(to_send=pages.get(n, []), more=n < 3))
    async with running(temporal_client, script):
        await until(lambda: len(script.sent) == 5)
    assert script.sent == ["a", "b", "c", "d", "e"]


async def test_nothing_is_sent_past_a_row_that_stops(temporal_client: Client) -> None:
    script = Scripted(lambda n: idle(to_send=["a", "b"]) if n == 1 else idle(next_in=HOUR))
    script.send_as = lambda message_id: SendOutcome(message_id, "queued", "held", stop=True)
    async with running(temporal_client, script):
        await until(lambda: script.looks == 2)
    assert script.sent == ["a"]


async def test_a_row_that_can_never_leave_is_not_tried_in_a_hurry(temporal_client: Client) -> None:
    script = Scripted(lambda _: idle(to_send=["a"]))
    script.send_as = lambda message_id: SendOutcome(message_id, "queued", "held", stop=True)
    async with running(temporal_client, script):
        await asyncio.sleep(2.5)
    assert 2 <= len(script.sent) <= 5


async def test_what_fails_locally_goes_on_as_a_regular_activity_until_it_succeeds(temporal_client: Client) -> None:
    def look(n: int) -> Look:
        if n < 5:
            raise ApplicationError("Postgres does not answer.", type="unavailable")
        return idle(to_send=["m"])

    script = Scripted(look)
    async with running(temporal_client, script) as run:
        await until(lambda: script.sent == ["m"], seconds=20)
        assert (await run.describe()).status == 1
    assert script.regular_looks >= 2


async def test_an_agent_is_asked_beside_the_loop(temporal_client: Client) -> None:
    gate = asyncio.Event()
    script = Scripted(
        lambda _: idle(ask_turn_id="t1", turn_no=1, pending=True) if not gate.is_set() else idle(to_send=["reply"]),
        ask=lambda _: AskOutcome("t1", "answered", replies=1),
    )
    slow = script.ask_agent

    @activity.defn(name="ask_agent")
    async def ask_slowly(command: AskAgent) -> AskOutcome:
        await asyncio.sleep(0.5)
        gate.set()
        return await slow(command)

    script.ask_agent = ask_slowly  # type: ignore[method-assign]
    async with running(temporal_client, script) as run:
        await until(lambda: script.looks == 1)
        await run.signal("look")
        await until(lambda: script.looks == 2)
        assert script.asks == 0
        await until(lambda: script.sent == ["reply"])
    assert script.asks == 1


async def test_an_agent_that_keeps_failing_fails_the_turn_with_the_reason_and_not_the_run(
    temporal_client: Client,
) -> None:
    def fails(_: int) -> AskOutcome:
        raise ApplicationError("The agent answered with HTTP 400.", type="agent_failed", non_retryable=True)

    script = Scripted(lambda n: idle(ask_turn_id="t1", turn_no=1, pending=True) if n == 1 else idle(), ask=fails)
    async with running(temporal_client, script) as run:
        await until(lambda: bool(script.failed))
        await until(lambda: script.looks == 2)
        assert (await run.describe()).status == 1
    assert script.failed == [FailTurn("t1", code="agent_failed", detail="The agent answered with HTTP 400.")]
