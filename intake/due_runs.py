"""Due onboardings, event deliveries and checks to runs: claims the marks, wakes, gives back what did not arrive."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, cast

import structlog

from intake.bell import Bell
from settings import IntakeSettings
from store import due_runs
from store.due_runs import DueRun
from store.engine import Database
from workflows.client import LaterError
from workflows.onboarding_contracts import Step

log = structlog.get_logger(__name__)

_POLL = timedelta(seconds=1)
_GATHER = timedelta(milliseconds=200)
"""Between two rounds: the bell rings for each conversation too, and the API has told a run's news itself by then."""
_LONGEST_PAUSE = timedelta(seconds=2)


class OnboardingWaker(Protocol):
    """What wakes an onboarding's run; `workflows.client.OnboardingStarter` is one."""

    async def wake(self, onboarding_id: str, organization_id: str, *, step: Step) -> None:
        """Tell the run that there is something to do, or raise `LaterError`."""


class DeliveryWaker(Protocol):
    """What starts a delivery's run; `workflows.client.DeliveryStarter` is one."""

    async def wake(self, delivery_id: str, organization_id: str) -> None:
        """Make sure that a run is at it, or raise `LaterError`."""


class CheckWaker(Protocol):
    """What has a number checked now; `workflows.client.CheckStarter` is one."""

    async def wake(self, integration_id: str, organization_id: str) -> None:
        """Run the number's check, unless it is running, or raise `LaterError`."""

    async def end(self, integration_id: str) -> None:
        """End the checks of a number that is gone, or raise `LaterError`."""


@dataclass(frozen=True, slots=True)
class Wakers:
    """The ways to the runs."""

    onboardings: OnboardingWaker
    deliveries: DeliveryWaker
    checks: CheckWaker


class DueRuns:
    """Wakes the runs that are due, round by round."""

    def __init__(self, database: Database, wakers: Wakers, settings: IntakeSettings) -> None:
        self.bell = Bell()
        self._database = database
        self._wakers = wakers
        self._settings = settings
        self._undelivered: list[DueRun] = []
        self._failures = 0

    async def round(self) -> None:
        """Claim what is due, wake it, give back what did not arrive, and wait for more."""
        await self.give_back()
        limit = self._settings.nudge_batch
        due = await due_runs.claim_due(
            self._database, limit=limit, quiet=self._settings.nudge_quiet, repeat=self._settings.nudge_repeat
        )
        if not due:
            self._failures = 0
        await asyncio.gather(*(self._wake(run) for run in due))
        await self.give_back()
        if self._failures:
            await asyncio.sleep(min(_GATHER * float(2 ** min(self._failures, 8)), _LONGEST_PAUSE).total_seconds())
        elif len(due) < limit:
            await asyncio.sleep(_GATHER.total_seconds())
            await self.bell.wait(_POLL - _GATHER)

    async def give_back(self) -> None:
        """Let what did not arrive be claimed again; what cannot be given back now is given back the next time."""
        undelivered, self._undelivered = self._undelivered, []
        try:
            await due_runs.give_back(self._database, undelivered)
        except BaseException:
            self._undelivered += undelivered
            raise

    async def _wake(self, run: DueRun) -> None:
        try:
            if run.kind == "onboarding":
                step = cast("Step", run.step)  # Postgres checks it
                await self._wakers.onboardings.wake(str(run.id), str(run.organization_id), step=step)
            elif run.kind == "check":
                await self._wakers.checks.wake(str(run.id), str(run.organization_id))
            elif run.kind == "end_of_checks":
                await self._wakers.checks.end(str(run.id))
                await due_runs.checks_ended(self._database, run.id)
            else:
                await self._wakers.deliveries.wake(str(run.id), str(run.organization_id))
        except LaterError as error:
            self._undelivered.append(run)
            if self._failures == 0:
                log.warning("wake.delayed", reason=str(error), kind=run.kind, run_id=run.id)
            self._failures += 1
            return
        if self._failures:
            log.info("wake.resumed", failures=self._failures)
        self._failures = 0
