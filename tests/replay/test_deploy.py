"""A run that the release before has begun goes on under this one: its worker ends, one with today's code takes over.

`before/` holds the workflows that live for a day or a week as the release before ran them. Who makes a release puts its
own there, and records its histories.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from tests.replay.before.conversation import ConversationWorkflow as ConversationBefore
from tests.replay.before.onboarding import OnboardingWorkflow as OnboardingBefore
from tests.waiting import until
from tests.workflows import scripted_onboarding as signup
from tests.workflows.scripted import Scripted, events_of, idle
from workflows.contracts import ACTIVITIES_QUEUE, CONTROL_QUEUE, AskOutcome, ConversationInput, Look, SendOutcome
from workflows.conversation import ConversationWorkflow
from workflows.onboarding import OnboardingWorkflow
from workflows.onboarding_contracts import Acted


@asynccontextmanager
async def conversations(client: Client, queue: str, workflow: type, script: Scripted) -> AsyncIterator[None]:
    """A worker process of one release."""
    every: list[Callable[..., Any]] = [script.begin_turn, script.send_message, script.ask_agent, script.fail_turn]
    async with (
        Worker(client, task_queue=queue, workflows=[workflow], activities=every),
        Worker(client, task_queue=ACTIVITIES_QUEUE, activities=every),
    ):
        yield


def in_its_window() -> Scripted:
    """Its first message has left; it waits for what comes until its window closes."""
    return Scripted(lambda n: idle(to_send=[f"m{n}"]) if n <= 2 else Look(""))


def with_a_held_row() -> Scripted:
    """Its first message waits for its time."""
    held = idle(next_in=timedelta(seconds=3), state="waiting", waiting_for="its time", pending=True)
    script = Scripted(lambda n: held if n <= 2 else idle(to_send=["m1", "m2"]) if n == 3 else Look(""))
    script.send_as = lambda message_id: SendOutcome(message_id, "accepted")
    return script


def asking_its_agent() -> Scripted:
    """Its agent was asked and is to be asked again."""

    def answer(n: int) -> AskOutcome:
        if n == 1:
            again = timedelta(seconds=2)
            raise ApplicationError("The agent does not answer.", type="agent_unavailable", next_retry_delay=again)
        return AskOutcome("t1", "answered", replies=2)

    asks = idle(ask_turn_id="t1", turn_no=1, pending=True)

    def looks(_: int) -> Look:
        if script.asks < 2:
            return asks
        return Look("") if script.sent else idle(to_send=["m1", "m2"])

    script = Scripted(looks, ask=answer)
    return script


@pytest.mark.parametrize("begun", [in_its_window, with_a_held_row, asking_its_agent])
async def test_a_conversation_goes_on_under_the_next_release(
    temporal_client: Client, begun: Callable[[], Scripted]
) -> None:
    script, queue = begun(), f"test-{uuid4()}"
    start = ConversationInput(str(uuid4()), linger=timedelta(seconds=1))
    async with conversations(temporal_client, queue, ConversationBefore, script):
        run = await temporal_client.start_workflow(
            "ConversationWorkflow", start, id=f"conversation/{uuid4()}", task_queue=queue, start_signal="look"
        )
        await until(lambda: script.looks >= 1 and (begun is not asking_its_agent or script.asks == 1))
        await asyncio.sleep(0.5)
        assert len(script.sent) == (1 if begun is in_its_window else 0)

    async with conversations(temporal_client, queue, ConversationWorkflow, script), asyncio.timeout(20):
        while len(script.sent) < 2:
            await run.signal("look")
            await asyncio.sleep(0.3)
        await run.signal("look")
        await run.result()

    assert script.sent == ["m1", "m2"]
    assert (await events_of(run)).keys().isdisjoint({"WORKFLOW_TASK_FAILED", "WORKFLOW_TASK_TIMED_OUT"})


def with_a_pin_to_be_told() -> signup.Scripted:
    return signup.Scripted({"register": signup.first("register", signup.waiting("register", "pin"))})


def awaiting_its_proof() -> signup.Scripted:
    return signup.Scripted({"prove": signup.first("prove", signup.waiting("prove", "proof"))})


@pytest.mark.parametrize(
    ("begun", "step", "waits"), [(with_a_pin_to_be_told, "register", "pin"), (awaiting_its_proof, "prove", "proof")]
)
async def test_an_onboarding_goes_on_under_the_next_release(
    temporal_client: Client, begun: Callable[[], signup.Scripted], step: str, waits: Any
) -> None:
    script = begun()
    async with onboardings(temporal_client, OnboardingBefore, script):
        run = await signup.start(temporal_client)
        await signup.until_shown(run, step, waits)
        await asyncio.sleep(0.5)

    async with onboardings(temporal_client, OnboardingWorkflow, script):
        await run.execute_update("act", Acted(waits))
        await signup.result(run, seconds=20)

    assert (script.state, script.left) == ("live", [])
    assert (await events_of(run)).keys().isdisjoint({"WORKFLOW_TASK_FAILED", "WORKFLOW_TASK_TIMED_OUT"})


def onboardings(client: Client, workflow: type, script: signup.Scripted) -> Worker:
    return Worker(client, task_queue=CONTROL_QUEUE, workflows=[workflow], activities=script.every())
