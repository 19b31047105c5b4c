"""An onboarding's run whose activities follow a script, for the workflow's tests and the recorder of histories."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from temporalio import activity
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.worker import Worker

from activities.attempts import WholeAttempts
from workflows.contracts import CONTROL_QUEUE, WA_ORGANIZATION, WA_STATE, WA_WAITING_FOR
from workflows.onboarding import OnboardingWorkflow
from workflows.onboarding_contracts import (
    STEPS,
    Ended,
    EndOnboarding,
    OnboardingActivities,
    OnboardingInput,
    Standing,
    Step,
    StepOutcome,
    TakeStep,
    Wait,
)

Run = WorkflowHandle[object, None]
Answer = Callable[[int], StepOutcome | Awaitable[StepOutcome]]
MS = timedelta(milliseconds=1)


@dataclass(slots=True)
class Scripted(OnboardingActivities):
    """Stands where the rows would: knows what is left, answers as a test says, notes what it was asked."""

    answers: dict[Step, Answer] = field(default_factory=dict)
    """By the how-manieth time a step is taken; a step that is not named is done."""
    left: list[Step] = field(default_factory=lambda: list(STEPS))
    state: str = "running"
    cancelled: bool = False
    patience_ends: datetime | None = None
    reading: Callable[[int], None] = lambda _: None
    ending: Callable[[int], None] = lambda _: None
    taken: list[Step] = field(default_factory=list)
    commands: list[TakeStep] = field(default_factory=list)
    reads: int = 0
    ends: list[EndOnboarding] = field(default_factory=list)

    def every(self) -> list[Callable[..., Any]]:
        return [
            self.where_it_stands,
            self.exchange_code,
            self.inspect_token,
            self.find_number,
            self.connect_integration,
            self.subscribe_app,
            self.register_number,
            self.check_number,
            self.activate_integration,
            self.await_proof,
            self.end_onboarding,
        ]

    async def _take(self, command: TakeStep) -> StepOutcome:
        self.taken.append(command.step)
        self.commands.append(command)
        times = self.taken.count(command.step)
        answer = self.answers[command.step](times) if command.step in self.answers else done(command.step)
        outcome = answer if isinstance(answer, StepOutcome) else await answer
        if outcome.state in {"done", "skipped"}:
            self.left = [step for step in self.left if step != command.step]
            self.state = "live" if command.step == "activate" else self.state
        return outcome

    @activity.defn(name="where_it_stands")
    async def where_it_stands(self, onboarding_id: str) -> Standing:
        self.reads += 1
        self.reading(self.reads)
        patience = None if self.patience_ends is None else max(self.patience_ends - datetime.now(UTC), 0 * MS)
        return Standing(onboarding_id, self.state, list(self.left), patience, self.cancelled)

    @activity.defn(name="exchange_code")
    async def exchange_code(self, command: TakeStep) -> StepOutcome:
        return await self._take(command)

    @activity.defn(name="inspect_token")
    async def inspect_token(self, command: TakeStep) -> StepOutcome:
        return await self._take(command)

    @activity.defn(name="find_number")
    async def find_number(self, command: TakeStep) -> StepOutcome:
        return await self._take(command)

    @activity.defn(name="connect_integration")
    async def connect_integration(self, command: TakeStep) -> StepOutcome:
        return await self._take(command)

    @activity.defn(name="subscribe_app")
    async def subscribe_app(self, command: TakeStep) -> StepOutcome:
        return await self._take(command)

    @activity.defn(name="register_number")
    async def register_number(self, command: TakeStep) -> StepOutcome:
        return await self._take(command)

    @activity.defn(name="check_number")
    async def check_number(self, command: TakeStep) -> StepOutcome:
        return await self._take(command)

    @activity.defn(name="activate_integration")
    async def activate_integration(self, command: TakeStep) -> StepOutcome:
        return await self._take(command)

    @activity.defn(name="await_proof")
    async def await_proof(self, command: TakeStep) -> StepOutcome:
        return await self._take(command)

    @activity.defn(name="end_onboarding")
    async def end_onboarding(self, command: EndOnboarding) -> Ended:
        self.ends.append(command)
        self.ending(len(self.ends))
        self.state, self.left = command.state, []
        return Ended(command.state, ["subscribe"], "The app's subscription was taken back.")


def done(step: Step) -> StepOutcome:
    return StepOutcome(step, "done", "It is done.")


def waiting(step: Step, kind: Wait, wait: timedelta | None = None) -> StepOutcome:
    return StepOutcome(step, "waiting", "The number has a PIN.", waiting_for=kind, wait=wait)


def first(step: Step, outcome: StepOutcome) -> Answer:
    """This at first, done after."""
    return lambda n: outcome if n == 1 else done(step)


def worker(client: Client, script: Scripted, **options: Any) -> Worker:
    return Worker(
        client,
        task_queue=CONTROL_QUEUE,
        workflows=[OnboardingWorkflow],
        activities=script.every(),
        interceptors=[WholeAttempts()],
        max_heartbeat_throttle_interval=100 * MS,
        default_heartbeat_throttle_interval=100 * MS,
        **options,
    )


async def start(client: Client, **limits: Any) -> Run:
    """A run as the starter makes it, with short waits between repetitions."""
    limits = {"first_retry": 20 * MS, "longest_retry": 100 * MS} | limits
    onboarding_id = str(uuid4())
    shown = [SearchAttributePair(WA_ORGANIZATION, str(uuid4())), SearchAttributePair(WA_STATE, "exchange")]
    return await client.start_workflow(
        "OnboardingWorkflow",
        OnboardingInput(onboarding_id, **limits),
        id=f"onboarding/{onboarding_id}",
        task_queue=CONTROL_QUEUE,
        task_timeout=timedelta(seconds=4),
        start_signal="look",
        search_attributes=TypedSearchAttributes(shown),
    )


@asynccontextmanager
async def running(client: Client, script: Scripted, **limits: Any) -> AsyncIterator[Run]:
    """An onboarding's run with a worker of its own."""
    async with worker(client, script):
        run = await start(client, **limits)
        try:
            yield run
        finally:  # left behind, it would take its steps from the script of the next test
            if (await run.describe()).status == 1:
                await run.terminate()


async def result(run: Run, *, seconds: float = 30) -> None:
    """The run's end: it must come, and it must not be a failure."""
    async with asyncio.timeout(seconds):
        await run.result()


async def shown(run: Run) -> tuple[str | None, str | None]:
    attributes = (await run.describe()).typed_search_attributes
    return attributes.get(WA_STATE), attributes.get(WA_WAITING_FOR) or ""


async def until_shown(run: Run, state: str, waits: str) -> None:
    async with asyncio.timeout(30):
        while await shown(run) != (state, waits):  # noqa: ASYNC110 - it happens in Temporal's time
            await asyncio.sleep(0.02)


async def details(run: Run) -> str:
    metadata = await run.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return str(metadata.current_details)
