"""Conversations to be recorded."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError

from tests.waiting import until
from tests.workflows.scripted import Scripted, idle, running
from workflows.contracts import AskOutcome, FileMoved, Look, MoveFile, SendOutcome

Run = WorkflowHandle[object, None]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation by script, and what is done to its run."""

    script: Scripted
    play: Callable[[Run, Scripted], Awaitable[None]]
    limits: dict[str, object] = field(default_factory=dict)

    @asynccontextmanager
    async def played(self, client: Client) -> AsyncIterator[Run]:
        async with running(client, self.script, **self.limits) as run:
            await self.play(run, self.script)
            await asyncio.sleep(0.5)
            yield run


async def _exchanges(run: Run, script: Scripted) -> None:
    for n in range(1, 4):
        await until(lambda n=n: len(script.sent) >= n)  # type: ignore[misc]
        await asyncio.sleep(0.2)
        await run.signal("look")


async def _to_its_end(run: Run, _: Scripted) -> None:
    await run.result()


async def _asked(_: Run, script: Scripted) -> None:
    await until(lambda: script.looks >= 2)


async def _failed(_: Run, script: Scripted) -> None:
    await until(lambda: bool(script.failed) and script.looks >= 2)


async def _sent(_: Run, script: Scripted) -> None:
    await until(lambda: bool(script.sent), seconds=30)


async def _looked_meanwhile(run: Run, script: Scripted) -> None:
    """While the file is on its way the customer writes, and is answered."""
    await until(lambda: bool(script.moves))
    await run.signal("look")
    await until(lambda: script.looks >= 3)


async def _on_its_way(command: MoveFile) -> FileMoved:
    await asyncio.sleep(0.5)
    return FileMoved(command.media_id, "fetched")


async def _uploaded(command: MoveFile) -> FileMoved:
    return FileMoved(command.media_id, "uploaded")


def _fetching(n: int) -> Look:
    if n < 3:
        return idle(files=("f1",), integration_id="i1", pending=True, to_send=["m1"] if n == 2 else [])
    return idle()


def _uploading(n: int) -> Look:
    if n == 1:
        return idle(files=("f1",), integration_id="i1", pending=True, state="waiting", waiting_for="its file")
    return idle(to_send=["m1"]) if n == 2 else idle()


def _away(n: int) -> Look:
    if n < 4:
        raise ApplicationError("Postgres does not answer.", type="unavailable")
    return idle(to_send=["m"])


def _never(_: int) -> AskOutcome:
    raise ApplicationError("The agent answered with HTTP 400.", type="agent_failed", non_retryable=True)


def _held(message_id: str) -> SendOutcome:
    return SendOutcome(message_id, "queued", "held", stop=True)


def plays() -> dict[str, Conversation]:
    """By their names."""
    asks = idle(ask_turn_id="t1", turn_no=1, pending=True)
    holds = Scripted(lambda n: idle(to_send=["a", "b"]) if n == 1 else idle(state="waiting", waiting_for="its time"))
    holds.send_as = _held
    closing = Scripted(lambda n: idle(next_in=timedelta(seconds=0.3)) if n == 1 else Look(""))
    answering = Scripted(lambda n: asks if n == 1 else idle(), ask=lambda _: AskOutcome("t1", "answered", replies=1))
    sending = Scripted(lambda n: idle(to_send=[f"m{n}"]))
    fetching, uploading = Scripted(_fetching), Scripted(_uploading)
    fetching.move_as, uploading.move_as = _on_its_way, _uploaded
    return {
        "exchange": Conversation(sending, _exchanges),
        "continued": Conversation(Scripted(lambda n: idle(to_send=[f"m{n}"])), _exchanges, {"events_per_run": 8}),
        "window-closes": Conversation(closing, _to_its_end, {"linger": timedelta(seconds=0.2)}),
        "held": Conversation(holds, _asked),
        "asked": Conversation(answering, _asked),
        "agent-failed": Conversation(Scripted(lambda n: asks if n == 1 else idle(), ask=_never), _failed),
        "postgres-away": Conversation(Scripted(_away), _sent),
        "file-fetched": Conversation(fetching, _looked_meanwhile),
        "file-uploaded": Conversation(uploading, _sent),
    }
