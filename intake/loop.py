"""Intake: the one loop that turns stored webhooks into rows, and what is due into signals.

Its parts run beside each other, each survives the want of what it needs: Postgres away stops applying and nudging until
it is back, Temporal away stops nudging and waking only. Nothing is kept in memory that a restart would miss.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from time import monotonic
from uuid import UUID

import structlog

import telemetry
from intake.batches import process
from intake.bell import Bell
from intake.due_runs import DueRuns, Wakers
from intake.nudging import Nudger, Starter
from intake.reprocess import reprocess
from settings import IntakeSettings
from store import error_reports, nudges, outages, rates, statuses, webhook_events
from store.engine import Database
from store.listening import listen
from store.webhook_events import Outcome

log = structlog.get_logger(__name__)

_POLL = timedelta(seconds=1)
_GATHER = timedelta(milliseconds=5)
"""After a batch that was not full, the next one waits this long: it is the statements that cost, not the bodies. Four
bodies cost 3.4 ms of CPU, 12 cost 4.0 and 40 cost 6.4 (measured on two cores that others used too)."""
_FIRST_BACK_OFF = timedelta(milliseconds=100)
_LONGEST_BACK_OFF = timedelta(seconds=2)
_CHORES_EVERY = timedelta(seconds=2)
_QUARANTINE_EVERY = timedelta(seconds=10)
_ANSWER_RECORDED = timedelta(seconds=3)
"""A status that came while its post's answer was being recorded can be joined this long after."""


class Intake:
    """Applies stored bodies and wakes conversations, in one process or several at once.

    Args:
        database: where bodies, rows and marks are.
        starter: signals a conversation's run, starting one where there is none.
        settings: sizes of batches and the rule of repeated nudges.
        wakers: the ways to the runs of onboardings and deliveries; None: somebody else wakes them.
    """

    def __init__(
        self, database: Database, starter: Starter, settings: IntakeSettings, *, wakers: Wakers | None = None
    ) -> None:
        self._database = database
        self._settings = settings
        self._bodies = Bell()
        self._chores = Bell()
        self._nudger = Nudger(database, starter, settings)
        self._due_runs = None if wakers is None else DueRuns(database, wakers, settings)
        self._received: Counter[UUID] = Counter()
        self._booking: asyncio.Task[None] | None = None
        self._unmatched: list[tuple[float, int]] = []
        self._quarantine_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; what was claimed by then is finished."""
        wakes = {"webhook_events": self._bodies.ring, nudges.DUE_CHANNEL: self._ring_due}
        log.info("intake.started")
        listener = asyncio.create_task(listen(self._database, wakes))
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._repeat("apply", self._apply, stop))
            loops.create_task(self._repeat("nudge", self._nudger.round, stop))
            loops.create_task(self._repeat("chores", self._do_chores, stop))
            if self._due_runs is not None:
                loops.create_task(self._repeat("wake", self._due_runs.round, stop))
            await stop.wait()
            self._ring_due()
            for bell in (self._bodies, self._chores):
                bell.ring()
        listener.cancel()
        await asyncio.gather(listener, self._nudger.drain(), self._booked(), return_exceptions=True)
        log.info("intake.stopped")

    def _ring_due(self) -> None:
        self._nudger.bell.ring()
        if self._due_runs is not None:
            self._due_runs.bell.ring()

    async def _repeat(self, part: str, once: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
        """One of the loops: it goes on whatever happens, ever more slowly while it fails, and says so once."""
        failures = 0
        while not stop.is_set():
            try:
                await once()
            except Exception as error:  # noqa: BLE001 - intake's edge: nothing may end it but `stop`
                await self._tell(part, error, first=failures == 0)
                await _pause(stop, min(_FIRST_BACK_OFF * 2 ** min(failures, 8), _LONGEST_BACK_OFF))
                failures += 1
            else:
                if failures:
                    log.info("intake.resumed", part=part, failures=failures)
                failures = 0

    async def _tell(self, part: str, error: Exception, *, first: bool) -> None:
        if outages.passes(error):
            if first:
                log.warning("intake.interrupted", part=part, error=type(error).__name__)
        else:
            await error_reports.record(self._database, where=f"intake.{part}", error=error)

    async def _apply(self) -> None:
        processed = await process(self._database, limit=self._settings.intake_batch)
        if processed.due:
            self._nudger.bell.ring()
        now = monotonic()
        self._unmatched += [(now, status_id) for status_id in processed.unmatched_status_ids]
        self._received += processed.received
        self._book()
        if processed.events >= self._settings.intake_batch:
            return
        if processed.events:
            await asyncio.sleep(_GATHER.total_seconds())
        await self._bodies.wait(_POLL)

    def _book(self) -> None:
        """Book what was received beside the rest: nobody waits for it, and what comes meanwhile shares the next."""
        if not self._received or self._booking is not None:
            return
        received, self._received = self._received, Counter()
        self._booking = asyncio.create_task(self._book_received(received))

    async def _book_received(self, received: Counter[UUID]) -> None:
        try:
            await rates.book_received(self._database, received)
        except Exception as error:
            if not outages.passes(error):
                raise
            self._received += received
        finally:
            self._booking = None

    async def _booked(self) -> None:
        if self._booking is not None:
            await self._booking

    async def _do_chores(self) -> None:
        """What has to be looked at now and then."""
        if self._quarantine_at == 0.0:
            await statuses.rematch(self._database)
        now = monotonic()
        ripe = [status_id for at, status_id in self._unmatched if now - at > _ANSWER_RECORDED.total_seconds()]
        if ripe:
            await statuses.rematch(self._database, ripe)
            self._unmatched = [(at, status_id) for at, status_id in self._unmatched if status_id not in set(ripe)]
        if now >= self._quarantine_at:
            await reprocess(self._database, outcome=Outcome.QUARANTINED)
            self._quarantine_at = now + _QUARANTINE_EVERY.total_seconds()
        telemetry.intake_lag_seconds.set((await webhook_events.lag(self._database)).total_seconds())
        telemetry.due_age_seconds.set((await nudges.due_age(self._database)).total_seconds())
        await self._chores.wait(_CHORES_EVERY)


async def _pause(stop: asyncio.Event, at_most: timedelta) -> None:
    try:
        async with asyncio.timeout(at_most.total_seconds()):
            await stop.wait()
    except TimeoutError:
        return
