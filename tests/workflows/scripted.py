"""A conversation's run whose activities follow a script: shared by the loop's tests and the recorder of histories."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.heartbeat import heartbeating
from workflows.contracts import (
    AskAgent,
    AskOutcome,
    BeginTurn,
    ConversationActivities,
    ConversationInput,
    FailTurn,
    FileActivities,
    FileMoved,
    Look,
    MoveFile,
    SendMessage,
    SendOutcome,
)
from workflows.conversation import ConversationWorkflow

HOUR = timedelta(hours=1)


async def _moved(command: MoveFile) -> FileMoved:
    return FileMoved(command.media_id, "fetched")


class Scripted(ConversationActivities, FileActivities):
    """Answers as a test says and counts what it was asked."""

    def __init__(self, look: Callable[[int], Look], *, ask: Callable[[int], AskOutcome] | None = None) -> None:
        self._look, self._ask = look, ask
        self.looks = 0
        self.regular_looks = 0
        self.asks = 0
        self.sent: list[str] = []
        self.failed: list[FailTurn] = []
        self.moves: list[MoveFile] = []
        self.heart_beats = True
        self.move_as: Callable[[MoveFile], Awaitable[FileMoved]] = _moved
        self.send_as: Callable[[str], SendOutcome] = lambda message_id: SendOutcome(message_id, "accepted")

    @activity.defn(name="begin_turn")
    async def begin_turn(self, command: BeginTurn) -> Look:
        self.looks += 1
        self.regular_looks += not activity.info().is_local
        return replace(self._look(self.looks), conversation_id=command.conversation_id)

    @activity.defn(name="send_message")
    async def send_message(self, command: SendMessage) -> SendOutcome:
        self.sent.append(command.message_id)
        return self.send_as(command.message_id)

    @activity.defn(name="ask_agent")
    async def ask_agent(self, command: AskAgent) -> AskOutcome:
        assert command.turn_id
        self.asks += 1
        assert self._ask is not None
        return self._ask(self.asks)

    @activity.defn(name="fail_turn")
    async def fail_turn(self, command: FailTurn) -> AskOutcome:
        self.failed.append(command)
        return AskOutcome(command.turn_id, "failed")

    @activity.defn(name="move_file")
    async def move_file(self, command: MoveFile) -> FileMoved:
        self.moves.append(command)
        if not self.heart_beats:
            return await self.move_as(command)
        async with heartbeating():
            return await self.move_as(command)


@asynccontextmanager
async def running(client: Client, script: Scripted, **limits: object) -> AsyncIterator[WorkflowHandle[object, None]]:
    """A conversation's run with a worker of its own."""
    queue = f"test-{uuid4()}"
    every: list[Callable[..., Any]] = [script.begin_turn, script.send_message, script.ask_agent, script.fail_turn]
    start = ConversationInput(str(uuid4()), **limits)  # type: ignore[arg-type]
    async with (
        Worker(client, task_queue=queue, workflows=[ConversationWorkflow], activities=every),
        Worker(client, task_queue="activities", activities=every),
        Worker(client, task_queue="files", activities=[script.move_file]),
    ):
        handle = await client.start_workflow(
            "ConversationWorkflow", start, id=f"conversation/{uuid4()}", task_queue=queue, start_signal="look"
        )
        yield handle
        description = await handle.describe()
        if description.status == 1:
            await handle.terminate()


async def events_of(handle: WorkflowHandle[object, None]) -> Counter[str]:
    history = await handle.fetch_history()
    return Counter(EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in history.events)


def idle(**changes: object) -> Look:
    look = Look("", window_closes_in=HOUR, next_in=HOUR, next_why="the 24-hour window closes")
    return replace(look, **changes)  # type: ignore[arg-type]
