"""One run per conversation and window: look, send what may leave, ask the agent, wait, end.

Postgres holds what there is to do; this holds that it gets done. The one signal carries nothing, so that one which
comes twice, late or not at all changes nothing.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError, is_cancelled_exception

from workflows.local_first import local_first

# Data without a decision in it: in the sandbox it is not loaded anew for each run.
with workflow.unsafe.imports_passed_through():
    from workflows.contracts import (
        ACTIVITIES_QUEUE,
        FILES_QUEUE,
        WA_STATE,
        WA_WAITING_FOR,
        WA_WINDOW_UNTIL,
        AskAgent,
        BeginTurn,
        ConversationActivities,
        ConversationInput,
        FailTurn,
        FileActivities,
        Look,
        MoveFile,
        SendMessage,
        SendOutcome,
    )

_NEXT_TASK = timedelta(milliseconds=1)
_SAME_ROW_AGAIN = timedelta(seconds=1)
"""The pause before a row that could not leave twice running is tried a third time."""
_LATE_MOST = timedelta(seconds=1)
_HEARTBEAT = timedelta(seconds=5)
_RUNS_OF_FILES = 2
"""A run this many times as long as others leaves its files to the next one, which has them moved anew: where more keep
coming there is always one on its way."""
_MOVE_TOTAL = timedelta(hours=1)
"""For the attempts at a file that end in nothing recorded, Postgres being away or by a defect of ours; then the next
look has it moved anew, and the run may continue as new between the two."""


@workflow.defn(name="ConversationWorkflow")
class ConversationWorkflow:
    """Keeps one conversation going until its window is closed and nothing is pending."""

    @workflow.init
    def __init__(self, start: ConversationInput) -> None:
        """The whole state; what continue-as-new carries is the input's `awake`."""
        self._start = start
        self._awake = start.awake
        self._look = Look(start.conversation_id, pending=True)
        self._asks: dict[str, asyncio.Task[None]] = {}
        self._moves: dict[str, asyncio.Task[None]] = {}
        self._timer: asyncio.Task[None] | None = None
        self._timer_at: datetime | None = None
        self._next_at: datetime | None = None
        self._next_why = ""
        self._ends = False
        self._worked_at_length = -1
        self._stopped_by: str | None = None

    @workflow.signal(name="look", description="There is something to do in this conversation.")
    def look(self) -> None:
        """Note that somebody should look; the main loop decides."""
        self._awake = True

    @workflow.run
    async def run(self, start: ConversationInput) -> None:
        """Look whenever woken. Returns or continues as new only in a task that has run no local activity."""
        while True:
            fired = await self._woken()
            if not await self._task_is_fresh():
                continue
            if fired and not self._awake and self._next_at is not None and self._next_at > workflow.now():
                self._arm()  # the lazy timer fired for a moment that has moved on since
                self._tell_window()
                continue
            if self._ends and not self._awake:
                return
            if self._too_long():
                workflow.continue_as_new(replace(start, awake=True))
            await self._work()

    async def _woken(self) -> bool:
        """Wait for a signal, an agent's end or the timer; True when the timer fired."""
        await workflow.wait_condition(lambda: self._awake or self._timer_fired())
        fired = self._timer_fired()
        if fired:
            self._timer = None
        return fired

    def _timer_fired(self) -> bool:
        return self._timer is not None and self._timer.done()

    async def _task_is_fresh(self) -> bool:
        """Whether this task has run nothing yet, or the run is short enough for it not to matter.

        A run that continues as new in a task with local activities runs them all again when a signal comes in between.
        """
        if not self._too_long() or workflow.info().get_current_history_length() != self._worked_at_length:
            return True
        self._awake = True
        await workflow.sleep(_NEXT_TASK, summary="the next task continues this run as new")
        return False

    def _too_long(self) -> bool:
        length, most = workflow.info().get_current_history_length(), self._start.events_per_run
        if self._asks or length <= most:
            return False
        return not self._moves or (length > _RUNS_OF_FILES * most and workflow.patched("a long run leaves its files"))

    async def _work(self) -> None:
        self._awake = False
        self._ends = False
        look = await self._begin_turn()
        again = _NEXT_TASK if look.more else None
        stopped_before, self._stopped_by = self._stopped_by, None
        for message_id in look.to_send:
            outcome = await self._send(message_id)
            if outcome is None or outcome.stop:
                self._stopped_by = message_id
                again = _SAME_ROW_AGAIN if message_id == stopped_before else _NEXT_TASK
                break
        if look.ask_turn_id is not None and look.ask_turn_id not in self._asks:
            task = asyncio.create_task(self._ask(look.ask_turn_id, look.turn_no))
            self._asks[look.ask_turn_id] = task
        for media_id in look.files:
            if media_id not in self._moves:
                self._moves[media_id] = asyncio.create_task(self._move(media_id, look.integration_id))
        self._tell(look)
        self._plan_next(look, again=again)
        self._worked_at_length = workflow.info().get_current_history_length()

    async def _begin_turn(self) -> Look:
        command = BeginTurn(self._start.conversation_id)
        try:
            self._look = await local_first(ConversationActivities.begin_turn, command, summary="look")
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("conversation.look_failed", exc_info=error)
            waiting = "another look, after an error of ours"
            self._look = Look(command.conversation_id, pending=True, next_in=timedelta(seconds=30), waiting_for=waiting)
        return self._look

    async def _send(self, message_id: str) -> SendOutcome | None:
        try:
            command = SendMessage(message_id)
            return await local_first(ConversationActivities.send_message, command, summary=f"send {message_id}")
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("conversation.send_failed", exc_info=error)
            return None

    async def _ask(self, turn_id: str, turn_no: int | None) -> None:
        """Ask the remote agent beside the loop; its end wakes the loop."""
        try:
            await workflow.execute_activity_method(
                ConversationActivities.ask_agent,
                AskAgent(turn_id),
                task_queue=ACTIVITIES_QUEUE,
                start_to_close_timeout=self._start.ask_timeout + timedelta(seconds=5),
                schedule_to_close_timeout=self._start.ask_total,
                heartbeat_timeout=_HEARTBEAT,
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=1),
                    maximum_interval=timedelta(seconds=30),
                    maximum_attempts=self._start.ask_attempts,
                ),
                summary=f"ask the agent, turn {turn_no}",
            )
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            cause = error.cause if isinstance(error.cause, FailureError) else error
            failed = FailTurn(turn_id, code="agent_failed", detail=cause.message)
            await local_first(ConversationActivities.fail_turn, failed, summary=f"turn {turn_no} failed")
        finally:
            self._asks.pop(turn_id, None)
            self._awake = True

    async def _move(self, media_id: str, integration_id: str) -> None:
        """Move a file beside the loop; its end wakes the loop, whose next look finds what came of it."""
        try:
            await workflow.execute_activity_method(
                FileActivities.move_file,
                MoveFile(media_id, integration_id),
                task_queue=FILES_QUEUE,
                start_to_close_timeout=_MOVE_TOTAL,  # the activity bounds itself, and a dead worker's heart stops
                schedule_to_close_timeout=_MOVE_TOTAL,
                heartbeat_timeout=_HEARTBEAT,
                retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
                summary=f"move file {media_id}",
            )
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("conversation.move_failed", exc_info=error)
        finally:
            self._moves.pop(media_id, None)
            self._awake = True

    def _plan_next(self, look: Look, *, again: timedelta | None) -> None:
        """Decide the one moment to wait for, and whether reaching it undisturbed ends the run."""
        closed = look.window_closes_in is None or look.window_closes_in <= timedelta(0)
        wait, self._next_why = look.next_in, look.next_why
        if again is None and closed and (look.to_send or look.sent):
            again = _NEXT_TASK  # what was pending is done: a last look says so, to Postgres too
        if again is not None:
            wait, self._next_why = again, "the next rows"
        elif look.closed or (closed and not look.pending and not self._asks and not self._moves):
            self._ends = True
            wait, self._next_why = self._start.linger, "nothing is pending: this run ends"
        self._next_at = None if wait is None else workflow.now() + wait
        self._arm()

    def _arm(self) -> None:
        """Let the timer fire at about `_next_at` at the latest; one that fires earlier is left, firing is cheap."""
        if self._next_at is None:
            return
        running = self._timer is not None and not self._timer.done()
        # Two looks at the same moment differ by what passed between Postgres's clock and this task's.
        late = min((self._next_at - workflow.now()) / 1000, _LATE_MOST)
        if running and self._timer_at is not None and self._timer_at <= self._next_at + late:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._next_at
        wait = max(self._next_at - workflow.now(), _NEXT_TASK)
        self._timer = asyncio.create_task(workflow.sleep(wait, summary=self._next_why))

    def _tell(self, look: Look) -> None:
        """Say on the run's page and row how things stand; an undisturbed exchange changes no attribute."""
        until = self._window_until(look)
        window = (
            f"The 24-hour window is open until {until:%Y-%m-%d %H:%M:%S} UTC." if until else "The window is closed."
        )
        waits = f" Waits for {look.waiting_for}." if look.waiting_for else ""
        turn = f" Turn {look.turn_no}." if look.turn_no else ""
        sent = f" Sent {', '.join(look.sent)}." if look.sent else ""
        who = f"Conversation {look.conversation_id}"
        workflow.set_current_details(f"{who} is {look.state}.{turn}{sent} {window}{waits}")
        known = workflow.info().typed_search_attributes
        if known.get(WA_STATE) == look.state and (known.get(WA_WAITING_FOR) or "") == look.waiting_for:
            return
        workflow.upsert_search_attributes(
            [WA_STATE.value_set(look.state), WA_WAITING_FOR.value_set(look.waiting_for)],
        )
        self._tell_window()

    def _tell_window(self) -> None:
        until = self._window_until(self._look)
        if until is not None and until != workflow.info().typed_search_attributes.get(WA_WINDOW_UNTIL):
            workflow.upsert_search_attributes([WA_WINDOW_UNTIL.value_set(until)])

    @staticmethod
    def _window_until(look: Look) -> datetime | None:
        if look.window_closes_in is None or look.window_closes_in <= timedelta(0):
            return None
        return (workflow.now() + look.window_closes_in).replace(microsecond=0)
