"""Histories of earlier releases replay on today's code: a change of commands that is not gated fails here.

Files are added (`python -m tests.replay.record RELEASE`), never replaced: runs in production may look like any.
"""

import re
from collections import Counter
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from workflows.conversation import ConversationWorkflow
from workflows.event_delivery import EventDeliveryWorkflow
from workflows.number_check import NumberCheckWorkflow
from workflows.onboarding import OnboardingWorkflow

WORKFLOWS = [ConversationWorkflow, OnboardingWorkflow, NumberCheckWorkflow, EventDeliveryWorkflow]
HISTORIES = sorted(Path(__file__).parent.glob("histories/*.json"))

_KIND = re.compile(r"-(onboarding-|check-|event-)?")
"""A conversation's file has no kind in its name."""


def test_there_are_histories_to_replay() -> None:
    found = Counter(_KIND.search(file.stem).group() for file in HISTORIES)  # type: ignore[union-attr]
    assert found["-onboarding-"] >= 10
    assert found["-check-"] >= 3
    assert found["-event-"] >= 3
    assert found["-"] >= 6


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
async def test_a_stored_history_replays(file: Path) -> None:
    replayer = Replayer(workflows=WORKFLOWS, data_converter=pydantic_data_converter)
    await replayer.replay_workflow(WorkflowHistory.from_json(file.stem, file.read_text()))


@pytest.mark.parametrize(
    ("name", "changed", "method"),
    [("-exchange", ConversationWorkflow, "_plan_next"), ("-onboarding-live", OnboardingWorkflow, "_tell")],
)
async def test_a_change_of_commands_would_be_noticed(
    monkeypatch: pytest.MonkeyPatch, name: str, changed: type, method: str
) -> None:
    file = next(file for file in HISTORIES if file.stem.endswith(name))
    monkeypatch.setattr(changed, method, lambda *_, **__: None)
    replayer = Replayer(
        workflows=WORKFLOWS,
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),  # the sandbox would load the unchanged module anew
    )
    with pytest.raises(Exception, match=r"(?i)nondeterminism"):
        await replayer.replay_workflow(WorkflowHistory.from_json(file.stem, file.read_text()))
