"""One run per onboarding: take each step that is left, wait for whom it waits for, end with words.

Postgres holds how far it has got; this holds that it goes on. A run that is lost is started again by its row's due
mark, with fewer steps left. No run fails: what a step raises past Temporal's repetitions is told on the run's page, and
the step is taken again.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

from workflows import onboarding_steps as steps

# Data without a decision in it: in the sandbox it is not loaded anew for each run.
with workflow.unsafe.imports_passed_through():
    from workflows.contracts import WA_STATE, WA_WAITING_FOR
    from workflows.onboarding_contracts import (
        Acted,
        EndOnboarding,
        OnboardingInput,
        Standing,
        Step,
        StepOutcome,
        TakeStep,
        Wait,
    )

_SAME_MOMENT = timedelta(seconds=1)


@workflow.defn(name="OnboardingWorkflow")
class OnboardingWorkflow:
    """Takes one onboarding to a live number, or to a sentence that says what is missing."""

    @workflow.init
    def __init__(self, start: OnboardingInput) -> None:
        """The whole state; what continue-as-new carries is what is left of the input's `patience`."""
        self._start = start
        self._id = start.onboarding_id
        self._standing = Standing(start.onboarding_id)
        self._left: list[Step] = []
        shown = workflow.info().typed_search_attributes
        self._at = shown.get(WA_STATE) or "exchange"
        self._waited_for = shown.get(WA_WAITING_FOR) or ""
        self._since = workflow.now()
        self._waiting_for: Wait | None = None
        self._marked = False
        self._calls = 0
        self._failures = 0
        self._end: EndOnboarding | None = None
        self._gives_up = False
        self._gives_up_at: datetime | None = None
        self._timer: asyncio.Task[None] | None = None
        self._timer_at: datetime | None = None

    @workflow.signal(name="look", description="There is something to do in this onboarding.")
    def look(self) -> None:
        """Note that the row has something new; the main loop decides."""
        self._marked = True
        self._calls += 1

    @workflow.update(name="act", description="A person did what the onboarding waits for, or cancels it.")
    def act(self, acted: Acted) -> None:
        """Note it; what was done stands in the row."""
        self._waiting_for = None
        self._calls += 1
        if acted.act == "cancel":
            self._cancel()

    @act.validator
    def _refuse_what_is_not_waited_for(self, acted: Acted) -> None:
        if acted.act not in {"cancel", self._waiting_for}:
            waits = f"It waits for `{self._waiting_for}`." if self._waiting_for else "It waits for nobody just now."
            raise ApplicationError(f"The onboarding does not wait for `{acted.act}`. {waits}", type="not_waited_for")

    @workflow.run
    async def run(self, start: OnboardingInput) -> None:
        """Take the steps that are left, one after the other; then record the end, unless it is a good one."""
        await self._read()
        while self._left and self._end is None:
            if workflow.info().get_current_history_length() > start.events_per_run:
                workflow.continue_as_new(replace(start, patience=self._patience_left()))
            await self._advance(self._left[0])
            if self._marked:
                await self._read()
        if self._end is not None:
            await self._take_back(self._end)
        else:
            state = self._standing.state
            self._tell("live" if state == "running" else state, "This run has nothing left to do.")
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _advance(self, step: Step) -> None:
        """Take the step once, and wait if it says so."""
        calls = self._calls
        if step != self._at or not self._waited_for:
            self._tell(step, "It is being taken.")
        outcome = await self._take(step)
        if outcome is None or self._end is not None:
            return
        if outcome.state == "waiting" and not self._gives_up:
            await self._wait(outcome, calls)
        elif outcome.state == "failed" and step != "prove":
            self._end = EndOnboarding(self._id, "failed", outcome.code, outcome.says)
        else:
            self._left = [left for left in self._left if left != step]

    async def _take(self, step: Step) -> StepOutcome | None:
        """Take the step, reading the row meanwhile when it is marked; None: it is to be taken again, or nothing is."""
        taking = steps.take(TakeStep(self._id, step, self._gives_up), self._start)
        while not taking.done():
            await workflow.wait_condition(lambda: taking.done() or self._marked or self._end is not None)
            if self._end is not None:
                taking.cancel()
                await workflow.wait_condition(taking.done)
            elif self._marked:
                await self._read()
        try:
            outcome = await taking
        except (FailureError, asyncio.CancelledError) as error:
            if self._end is not None:
                return None
            if is_cancelled_exception(error) or not isinstance(error, FailureError):
                raise
            await self._pause(step, f"{steps.DOES[step]} did not succeed", error)
            return None
        self._failures = 0
        return outcome

    async def _wait(self, outcome: StepOutcome, calls: int) -> None:
        """Wait for a call since `calls`, for the outcome's own wait, or for the end of the patience."""
        self._waiting_for = outcome.waiting_for
        who = steps.WAITS_FOR[outcome.waiting_for] if outcome.waiting_for else "its time"
        self._tell(outcome.step, f"It waits for {who}. {outcome.says}", waiting_for=outcome.waiting_for or "")
        self._arm()
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._calls != calls or self._patience_is_over(),
                timeout=outcome.wait,
                timeout_summary=f"{steps.DOES[outcome.step]}, again",
            )
        self._waiting_for = None
        if self._calls == calls and self._patience_is_over():
            await self._read()  # the rows count only the time that somebody was waited for
        if self._calls != calls or self._end is not None or not self._patience_is_over():
            return
        if outcome.step == "prove":
            self._gives_up = True
        else:
            detail = f"Nobody answered in time: it waited for {who}. {outcome.says}"
            self._end = EndOnboarding(self._id, "failed", "gave_up_waiting", detail)

    async def _read(self) -> None:
        """Read where it stands by its rows, which also clears their mark."""
        while True:
            self._marked = False
            try:
                standing = self._standing = await steps.read(self._start)
            except FailureError as error:
                if is_cancelled_exception(error):
                    raise
                await self._pause(self._at, "Where it stands could not be read", error)
            else:
                break
        self._failures = 0
        ended = standing.state in {"failed", "cancelled"}
        self._left = [] if ended else list(standing.left)
        if standing.patience_left is not None:
            self._gives_up_at = workflow.now() + standing.patience_left
        if standing.cancelled and not ended:
            self._cancel()

    def _cancel(self) -> None:
        self._end = self._end or EndOnboarding(self._id, "cancelled")

    async def _take_back(self, command: EndOnboarding) -> None:
        """End as decided, whatever comes now."""
        while True:
            try:
                ended = await steps.end(command, self._start)
            except FailureError as error:
                if is_cancelled_exception(error):
                    raise
                await self._pause(self._at, "What was done could not be taken back", error)
            else:
                return self._tell(ended.state, ended.says)

    async def _pause(self, at: str, what: str, error: FailureError) -> None:
        """Say what went wrong; wait a little, longer each time, or until somebody calls."""
        self._failures += 1
        wait = min(self._start.first_retry * 2 ** min(self._failures - 1, 10), self._start.longest_retry)
        cause = error.cause if isinstance(error.cause, FailureError) else error
        self._tell(at, f"{what}: {cause.message} It is tried again at {_time(workflow.now() + wait)}.")
        calls = self._calls
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._calls != calls, timeout=wait, timeout_summary="the next try, after a failure"
            )

    def _arm(self) -> None:
        """One timer for the patience, begun at the first wait and left alone while the moment stays the same."""
        if self._gives_up_at is None:
            self._gives_up_at = workflow.now() + self._start.patience
        if self._timer is not None and self._is_timed():
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._gives_up_at
        self._timer = asyncio.create_task(workflow.sleep(self._patience_left(), summary="nobody answered: it gives up"))

    def _patience_is_over(self) -> bool:
        if self._timer is None or self._gives_up_at is None or not self._timer.done():
            return False
        return self._is_timed() or workflow.now() >= self._gives_up_at

    def _is_timed(self) -> bool:
        """Whether the timer's moment is the end of the patience, give or take two clocks' difference."""
        if self._timer_at is None or self._gives_up_at is None:
            return False
        return abs(self._gives_up_at - self._timer_at) < _SAME_MOMENT

    def _patience_left(self) -> timedelta:
        until = self._gives_up_at
        return self._start.patience if until is None else max(until - workflow.now(), timedelta(milliseconds=1))

    def _tell(self, at: str, says: str, *, waiting_for: str | None = None) -> None:
        """Say on the run's page how things stand, and for lists when it has changed.

        A step that is taken again, or has failed for the moment, goes on being shown with whom it waited for.
        """
        if waiting_for is None:
            waiting_for = self._waited_for if at == self._at else ""
        shown = workflow.info().typed_search_attributes
        if (at, waiting_for) != (self._at, self._waited_for):
            self._since = workflow.now()
        self._at, self._waited_for = at, waiting_for
        workflow.set_current_details(f"Onboarding {self._id} is at `{at}` since {_time(self._since)}. {says}")
        if (shown.get(WA_STATE), shown.get(WA_WAITING_FOR) or "") != (at, waiting_for):
            workflow.upsert_search_attributes([WA_STATE.value_set(at), WA_WAITING_FOR.value_set(waiting_for)])


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
