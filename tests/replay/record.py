"""Record histories for the replay test: `python -m tests.replay.record RELEASE [ADDRESS] [KIND or NAME…]`.

Needs a Temporal dev server with our search attributes (`holdfast dev` runs one). Plays runs by script and stores each
as `histories/<release>-<name>.json`; all kinds, unless some are named. Never replaces a history. With all kinds the
workflows themselves are kept too, in `before/`, for the test of the next release's deploy.
"""

import asyncio
import json
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter

from tests.replay import conversations, errands, onboardings

HISTORIES = Path(__file__).parent / "histories"
BEFORE = Path(__file__).parent / "before"
WORKFLOWS = Path(__file__).parents[2] / "workflows"
LONG_LIVED = ("conversation.py", "onboarding.py")
PROCESS = re.compile(r"\d+@[\w.-]+")
"""How the SDK names a process: its id at the machine's name; sticky queues are called after it."""


class Play(Protocol):
    """A run that follows a script."""

    def played(self, client: Client) -> AbstractAsyncContextManager[WorkflowHandle[object, None]]:
        """The run, played as far as it is to be recorded."""


KINDS: Mapping[str, Callable[[], Mapping[str, Play]]] = {
    "conversation": conversations.plays,
    "onboarding": onboardings.plays,
    "check": errands.checks,
    "event": errands.deliveries,
}


def without_places(part: Any) -> Any:
    """The history without what names a machine: identities, and stack traces with their paths."""
    if isinstance(part, list):
        return [without_places(each) for each in part]
    if not isinstance(part, dict):
        return part
    named = {key: without_places(value) for key, value in part.items() if key != "stackTrace"}
    return named | ({"identity": "recorder"} if "identity" in part else {})


async def _store(client: Client, file: Path, play: Play) -> None:
    if file.exists():
        raise SystemExit(f"{file} exists: histories are added to, never replaced. Name a new release.")
    async with play.played(client) as run:
        first = client.get_workflow_handle(run.id, run_id=run.first_execution_run_id)
        history = json.loads((await first.fetch_history()).to_json())
    file.write_text(PROCESS.sub("recorder", json.dumps(without_places(history), indent=1)) + "\n")
    print(file)  # noqa: T201 - a tool run by hand


async def main(release: str, address: str = "127.0.0.1:7233", *wanted: str) -> None:
    """Play and store each run; a conversation's file has no kind in its name. All kinds: a release is made."""
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    if not wanted:
        for name in LONG_LIVED:
            shutil.copy(WORKFLOWS / name, BEFORE / name)
    for kind, plays in KINDS.items():
        for name, play in plays().items():
            named = name if kind == "conversation" else f"{kind}-{name}"
            if not wanted or kind in wanted or named in wanted:
                await _store(client, HISTORIES / f"{release}-{named}.json", play)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
