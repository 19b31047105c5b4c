"""Histories of earlier releases replay on today's code: a change of commands that is not gated fails here.

Files are added (`python -m tests.replay.record RELEASE`), never replaced: runs in production may look like any.
"""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from workflows.conversation import ConversationWorkflow

HISTORIES = sorted(Path(__file__).parent.glob("histories/*.json"))


def test_there_are_histories_to_replay() -> None:
    assert len(HISTORIES) >= 6


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
async def test_a_stored_history_replays(file: Path) -> None:
    replayer = Replayer(workflows=[ConversationWorkflow], data_converter=pydantic_data_converter)
    await replayer.replay_workflow(WorkflowHistory.from_json(f"conversation/{file.stem}", file.read_text()))


async def test_a_change_of_commands_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    file = next(file for file in HISTORIES if file.stem.endswith("exchange"))
    monkeypatch.setattr(ConversationWorkflow, "_plan_next", lambda *_, **__: None)
    replayer = Replayer(
        workflows=[ConversationWorkflow],
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),  # the sandbox would load the unchanged module anew
    )
    with pytest.raises(Exception, match=r"(?i)nondeterminism"):
        await replayer.replay_workflow(WorkflowHistory.from_json("conversation/x", file.read_text()))
