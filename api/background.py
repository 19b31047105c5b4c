"""What runs beside the requests of an API process until it stops."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import structlog

from api.problems import Report
from store.api_processes import record_gap
from store.engine import DATABASE_ERRORS, Database

log = structlog.get_logger(__name__)

Part = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until the event is set, then ends by itself."""

_AGAIN_AFTER = 1.0
# Postgres's clock compares these instants with its own: doubt is cheap, a missed gap is not.
_MARGIN = timedelta(seconds=2)


class MissedWebhooks:
    """Writes down when correctly signed webhooks were refused, as soon as Postgres is there to take it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._began_at: datetime | None = None
        self._ended_at = datetime.now(UTC)
        self._noted = asyncio.Event()

    def note(self, began_at: datetime, ended_at: datetime) -> None:
        """One was: it came at `began_at` and was refused at `ended_at`."""
        self._began_at = began_at if self._began_at is None else min(self._began_at, began_at)
        self._ended_at = max(self._ended_at, ended_at)
        self._noted.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Record what is noted; what comes within a second of another is one gap."""
        while not stop.is_set():
            await _first(self._noted, stop)
            await _first(stop, seconds=_AGAIN_AFTER)
            await self._record()

    async def _record(self) -> None:
        if self._began_at is None:
            return
        began_at, ended_at = self._began_at, self._ended_at
        self._began_at = None
        self._noted.clear()
        try:
            await record_gap(self._database, began_at=began_at - _MARGIN, ended_at=ended_at + _MARGIN, reason="refused")
        except DATABASE_ERRORS as error:
            log.warning("webhook.gap_not_recorded", reason=type(error).__name__)
            self.note(began_at, ended_at)


@asynccontextmanager
async def running(parts: Sequence[Part], report: Report) -> AsyncIterator[None]:
    """Run the parts while the block lasts. One that fails is reported and begun again: webhooks must go on."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(_keep(part, stop, report)) for part in parts]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def _keep(part: Part, stop: asyncio.Event, report: Report) -> None:
    while not stop.is_set():
        task = asyncio.ensure_future(part(stop))
        await asyncio.wait({task})
        error = task.exception()
        if error is not None:
            await report(error)
        await _first(stop, seconds=_AGAIN_AFTER)


async def _first(*events: asyncio.Event, seconds: float | None = None) -> None:
    """Wait until one of the events is set, for so many seconds at most."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
