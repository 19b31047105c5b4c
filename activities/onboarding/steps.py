"""An onboarding's activities: what the contracts name, each taken under its row's record and safe to repeat."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import structlog
from temporalio import activity

from activities.heartbeat import heartbeating
from activities.onboarding import (
    activating,
    checking,
    connecting,
    ending,
    exchanging,
    finding,
    inspecting,
    proving,
    registering,
    subscribing,
)
from activities.onboarding.desk import Desk, PassingError
from store import onboarding_ending, onboarding_steps
from store.errors import HoldfastError
from store.onboarding_steps import StepEnd, Taken
from workflows.onboarding_contracts import (
    STEPS,
    Ended,
    EndOnboarding,
    OnboardingActivities,
    Standing,
    StepOutcome,
    TakeStep,
)

log = structlog.get_logger(__name__)

Act = Callable[[Desk, Taken], Awaitable[StepEnd]]


@dataclass(frozen=True, slots=True)
class Onboardings(OnboardingActivities):
    """Everything they need is on the desk; `worker.py` builds it."""

    desk: Desk

    @activity.defn(name="where_it_stands")
    async def where_it_stands(self, onboarding_id: str) -> Standing:
        """Read where it stands; one that is not there has nothing left."""
        async with heartbeating():
            found = await onboarding_steps.stands(
                self.desk.database, UUID(onboarding_id), patience=self.desk.rules.patience
            )
        if found is None:
            return Standing(onboarding_id, state="failed")
        left = [step for step in STEPS if step in found.left]
        return Standing(onboarding_id, found.state, left, found.patience_left, found.cancelled)

    @activity.defn(name="exchange_code")
    async def exchange_code(self, command: TakeStep) -> StepOutcome:
        """The code becomes a token."""
        return await self._take(command, exchanging.exchange)

    @activity.defn(name="inspect_token")
    async def inspect_token(self, command: TakeStep) -> StepOutcome:
        """The token is one that we can work with."""
        return await self._take(command, inspecting.inspect)

    @activity.defn(name="find_number")
    async def find_number(self, command: TakeStep) -> StepOutcome:
        """The account and the number are known."""
        return await self._take(command, finding.find)

    @activity.defn(name="connect_integration")
    async def connect_integration(self, command: TakeStep) -> StepOutcome:
        """The integration is there."""
        return await self._take(command, connecting.connect)

    @activity.defn(name="subscribe_app")
    async def subscribe_app(self, command: TakeStep) -> StepOutcome:
        """Meta sends us what happens."""
        return await self._take(command, subscribing.subscribe)

    @activity.defn(name="register_number")
    async def register_number(self, command: TakeStep) -> StepOutcome:
        """The number is of the Cloud API."""
        return await self._take(command, registering.register)

    @activity.defn(name="check_number")
    async def check_number(self, command: TakeStep) -> StepOutcome:
        """What stands in its way is named."""
        return await self._take(command, checking.check)

    @activity.defn(name="activate_integration")
    async def activate_integration(self, command: TakeStep) -> StepOutcome:
        """The number is live."""
        return await self._take(command, activating.activate)

    @activity.defn(name="await_proof")
    async def await_proof(self, command: TakeStep) -> StepOutcome:
        """A message has proven it."""

        async def prove(desk: Desk, taken: Taken) -> StepEnd:
            return await proving.prove(desk, taken, gives_up=command.gives_up)

        return await self._take(command, prove)

    @activity.defn(name="end_onboarding")
    async def end_onboarding(self, command: EndOnboarding) -> Ended:
        """What was done is taken back."""
        async with heartbeating():
            back = await onboarding_ending.to_take_back(self.desk.database, UUID(command.onboarding_id))
            ended = await ending.end(self.desk, command, back, attempt=activity.info().attempt)
        log.info("onboarding.ended", onboarding_id=command.onboarding_id, state=ended.state, code=command.code)
        return ended

    async def _take(self, command: TakeStep, act: Act) -> StepOutcome:
        """Take a step: begun, acted, recorded. What is raised is told on the step, and Temporal repeats it."""
        database, step = self.desk.database, command.step
        async with heartbeating():
            taken = await onboarding_steps.take(database, UUID(command.onboarding_id), step)
            if taken.is_over:
                return _over(taken, command)
            try:
                end = await act(self.desk, taken)
            except HoldfastError as error:
                said = error.said if isinstance(error, PassingError) else None
                await onboarding_steps.tried(database, taken.row.id, step, says=error.detail, said=said)
                raise
            if not await onboarding_steps.record(database, taken, step, end):
                return StepOutcome(step, "failed", "The onboarding has ended meanwhile.", code="cancelled")
        log.info("onboarding.step", onboarding_id=command.onboarding_id, step=step, state=end.state, code=end.code)
        return StepOutcome(step, end.state, end.says, waiting_for=end.waiting_for, wait=end.wait, code=end.code)


def _over(taken: Taken, command: TakeStep) -> StepOutcome:
    """A step that is done or has failed already, or of an onboarding that has ended."""
    before = taken.before
    if before.state in {"done", "skipped"}:
        return StepOutcome(command.step, before.state, before.says or "")
    says = before.says if before.state == "failed" else None
    code = taken.row.error_code or "cancelled"
    return StepOutcome(command.step, "failed", says or "The onboarding has ended.", code=code)
