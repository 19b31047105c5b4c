"""Record histories for the replay test: `python -m tests.replay.record RELEASE`, with a Temporal dev server running.

Plays a few conversations by script and stores each run as `histories/<release>-<name>.json`. Never replaces a file.
"""

import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError

from tests.workflows.scripted import Scripted, idle, running, until
from workflows.contracts import AskOutcome, Look, SendOutcome

HISTORIES = Path(__file__).parent / "histories"
PROCESS = re.compile(r"\d+@[\w.-]+")
"""How the SDK names a process: its id at the machine's name; sticky queues are called after it."""
Play = Callable[[WorkflowHandle[object, None], Scripted], Awaitable[None]]


async def _exchanges(run: WorkflowHandle[object, None], script: Scripted) -> None:
    for n in range(1, 4):
        await until(lambda n=n: len(script.sent) >= n)  # type: ignore[misc]
        await asyncio.sleep(0.2)
        await run.signal("look")


async def _to_its_end(run: WorkflowHandle[object, None], _: Scripted) -> None:
    await run.result()


async def _asked(_: WorkflowHandle[object, None], script: Scripted) -> None:
    await until(lambda: script.looks >= 2)


async def _failed(_: WorkflowHandle[object, None], script: Scripted) -> None:
    await until(lambda: bool(script.failed) and script.looks >= 2)


async def _sent(_: WorkflowHandle[object, None], script: Scripted) -> None:
    await until(lambda: bool(script.sent), seconds=30)


def _away(n: int) -> Look:
    if n < 4:
        raise ApplicationError("Postgres does not answer.", type="unavailable")
    return idle(to_send=["m"])


def _never(_: int) -> AskOutcome:
    raise ApplicationError("The agent answered with HTTP 400.", type="agent_failed", non_retryable=True)


def _held(message_id: str) -> SendOutcome:
    return SendOutcome(message_id, "queued", "held", stop=True)


def _plays() -> dict[str, tuple[Scripted, Play, dict[str, object]]]:
    asks = idle(ask_turn_id="t1", turn_no=1, pending=True)
    holds = Scripted(lambda n: idle(to_send=["a", "b"]) if n == 1 else idle(state="waiting", waiting_for="its time"))
    holds.send_as = _held
    closing = Scripted(lambda n: idle(next_in=timedelta(seconds=0.3)) if n == 1 else Look(""))
    answering = Scripted(lambda n: asks if n == 1 else idle(), ask=lambda _: AskOutcome("t1", "answered", replies=1))
    return {
        "exchange": (Scripted(lambda n: idle(to_send=[f"m{n}"])), _exchanges, {}),
        "continued": (Scripted(lambda n: idle(to_send=[f"m{n}"])), _exchanges, {"events_per_run": 8}),
        "window-closes": (closing, _to_its_end, {"linger": timedelta(seconds=0.2)}),
        "held": (holds, _asked, {}),
        "asked": (answering, _asked, {}),
        "agent-failed": (Scripted(lambda n: asks if n == 1 else idle(), ask=_never), _failed, {}),
        "postgres-away": (Scripted(_away), _sent, {}),
    }


def without_places(part: Any) -> Any:
    """The history without what names a machine: identities, and stack traces with their paths."""
    if isinstance(part, list):
        return [without_places(each) for each in part]
    if not isinstance(part, dict):
        return part
    named = {key: without_places(value) for key, value in part.items() if key != "stackTrace"}
    return named | ({"identity": "recorder"} if "identity" in part else {})


async def main(release: str, address: str) -> None:
    """Play and store each conversation."""
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    for name, (script, play, limits) in _plays().items():
        file = HISTORIES / f"{release}-{name}.json"
        if file.exists():
            raise SystemExit(f"{file} exists: histories are added to, never replaced. Name a new release.")
        async with running(client, script, **limits) as run:
            await play(run, script)
            await asyncio.sleep(0.5)
            first = client.get_workflow_handle(run.id, run_id=run.first_execution_run_id)
            history = json.loads((await first.fetch_history()).to_json())
            file.write_text(PROCESS.sub("recorder", json.dumps(without_places(history), indent=1)) + "\n")
            print(file)  # noqa: T201 - a tool run by hand


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1:7233"))
