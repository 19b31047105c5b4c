"""Sees that every number has the Schedule of its checks: Temporal may have been emptied, or a state changed."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from time import monotonic

import structlog

from settings import CheckSettings
from store import checks
from store.checks import ToCheck
from store.engine import DATABASE_ERRORS, Database
from workflows.client import CheckSchedules, LaterError

log = structlog.get_logger(__name__)

_AWAY: tuple[type[Exception], ...] = (LaterError, *DATABASE_ERRORS)
_ALL_EVERY = timedelta(hours=1)
_CHANGED_EVERY = timedelta(seconds=30)
"""A number that is held or stopped by something else than its check is checked often from then on."""


class ScheduleCare:
    """Ensures Schedules: all that are missing at start and hourly, those with the wrong interval in between.

    Every worker does it: each call may be repeated, and one of them may be gone.
    """

    def __init__(self, database: Database, schedules: CheckSchedules, settings: CheckSettings) -> None:
        self._database = database
        self._schedules = schedules
        self._settings = settings
        self._all_at: float | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Look after them until `stop` is set. Postgres or Temporal away only delays it."""
        while not stop.is_set():
            try:
                await self.round()
            except _AWAY as error:
                log.warning(
                    "schedules.later", reason=str(error) if isinstance(error, LaterError) else type(error).__name__
                )
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=_CHANGED_EVERY.total_seconds())

    async def round(self) -> None:
        """Ensure what is missing or has the wrong interval now.

        Raises:
            LaterError: Temporal did not take it; the next round goes on.
        """
        if self._all_at is None:
            await checks.ask_where_the_app_is_held(self._database)
            self._all_at = 0.0
        changed = await checks.integrations_to_check(self._database, changed_only=True)
        await self._ensure(changed)
        for number in changed:
            if number.was_released:
                await self._schedules.trigger(str(number.integration_id))  # clears the findings of what is gone
        if monotonic() < self._all_at:
            return
        numbers = await checks.integrations_to_check(self._database)
        missing = await self._schedules.missing([str(number.integration_id) for number in numbers])
        await self._ensure([number for number in numbers if str(number.integration_id) in missing])
        self._all_at = monotonic() + _ALL_EVERY.total_seconds()

    async def _ensure(self, numbers: Sequence[ToCheck]) -> None:
        for number in numbers:
            every = self._settings.every_stopped if number.often else self._settings.every
            await self._schedules.ensure(str(number.integration_id), str(number.organization_id), every=every)
            await checks.note_interval(self._database, number.integration_id, often=number.often)
        if numbers:
            log.info("schedules.ensured", count=len(numbers))
