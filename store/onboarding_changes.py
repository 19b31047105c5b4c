"""Watch an onboarding change: for server-sent events, fed by NOTIFY, with a look of its own where nothing is told."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import select

from store.engine import DATABASE_ERRORS, Database
from store.listening import listen
from store.onboarding_rows import ONBOARDING_CHANNEL
from store.tables import onboardings

_LOOK = timedelta(seconds=2)
"""Without a word: a notification may be lost while Postgres is away."""
_AWAY = timedelta(seconds=1)


async def changes(database: Database, onboarding_id: UUID) -> AsyncGenerator[datetime, None]:
    """When the onboarding last changed: once at the beginning, then at each change, until it has ended.

    Postgres being away only delays it. Ends at once when there is no such onboarding. Whose it is, the caller checks.
    """
    rung = asyncio.Event()
    with _listeners.setdefault(database, _Listener()).rings(rung, database):
        seen: datetime | None = None
        while True:
            rung.clear()
            try:
                row = await _read(database, onboarding_id)
            except DATABASE_ERRORS:
                await asyncio.sleep(_AWAY.total_seconds())
                continue
            if row is None:
                return
            if row.changed_at != seen:
                seen = row.changed_at
                yield row.changed_at
            if row.ended_at is not None:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK.total_seconds()):
                    await rung.wait()


async def _read(database: Database, onboarding_id: UUID) -> Any:
    query = select(onboardings.c.changed_at, onboardings.c.ended_at).where(onboardings.c.id == onboarding_id)
    async with database.statement() as connection:
        return (await connection.execute(query)).one_or_none()


class _Listener:
    """One connection that listens for all who watch, as long as somebody does."""

    def __init__(self) -> None:
        self._bells: set[asyncio.Event] = set()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def rings(self, bell: asyncio.Event, database: Database) -> Iterator[None]:
        """Ring this bell at every change meanwhile."""
        self._bells.add(bell)
        if self._task is None:
            self._task = asyncio.create_task(listen(database, {ONBOARDING_CHANNEL: self._ring}))
        try:
            yield
        finally:
            self._bells.discard(bell)
            if not self._bells and self._task is not None:
                self._task.cancel()
                self._task = None

    def _ring(self) -> None:
        for bell in self._bells:
            bell.set()


_listeners: WeakKeyDictionary[Database, _Listener] = WeakKeyDictionary()
