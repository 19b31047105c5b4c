"""Group commit: requests that arrive together share one INSERT, and each waits for its commit."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

import telemetry
from store.errors import UnavailableError

log = structlog.get_logger(__name__)

Store = Callable[[Sequence[tuple[bytes, datetime]]], Awaitable[object]]
"""Stores all of these or none; returns after the commit, raises UnavailableError when it is not confirmed."""

_MAX_ROWS = 500
_MAX_BYTES = 8 * 1024 * 1024
_RETRY_AFTER = 0.05
_SWEEP_EVERY = 0.05


@dataclass(slots=True, eq=False)
class _Waiting:
    row: tuple[bytes, datetime]
    committed: asyncio.Future[bool]


class GroupCommit:
    """Collects bodies while a commit is under way and stores what has gathered with the next one.

    `patience` is how long an `append` waits at most; `max_queued_bytes` bounds what waits in memory. One commit is
    under way at a time: a second beside it was measured to gain nothing. One timer serves all who wait: one each would
    cost more than their share of the commit.
    """

    def __init__(self, store: Store, *, patience: timedelta, max_queued_bytes: int) -> None:
        self._store = store
        self._patience = patience.total_seconds()
        self._max_queued_bytes = max_queued_bytes
        self._queue: deque[_Waiting] = deque()
        self._queued_bytes = 0
        self._under_way: asyncio.Task[None] | None = None
        self._launching = False
        # Everything not yet known to be answered, oldest first; bodies are not kept by it.
        self._unanswered: deque[tuple[float, asyncio.Future[bool]]] = deque()
        self._sweeping = False

    def append(self, body: bytes) -> asyncio.Future[bool]:
        """Queue a body. The future is True once its commit is on disk, False when that is not known in time.

        After False the row may still appear: a late commit is harmless, since Meta repeats what was not answered 200
        and intake finds each item once. A row that was still waiting then is never stored.
        """
        loop = asyncio.get_running_loop()
        committed: asyncio.Future[bool] = loop.create_future()
        if self._queued_bytes + len(body) > self._max_queued_bytes:
            committed.set_result(False)
            return committed
        self._queue.append(_Waiting((body, datetime.now(UTC)), committed))
        self._queued_bytes += len(body)
        self._unanswered.append((loop.time() + self._patience, committed))
        if not self._launching:
            # At the end of this round of the loop: whoever arrived in it shares the commit.
            self._launching = True
            loop.call_soon(self._launch)
        if not self._sweeping:
            self._sweeping = True
            loop.call_later(_SWEEP_EVERY, self._sweep)
        return committed

    async def drain(self) -> None:
        """Wait until nothing is queued or under way; `patience` bounds it, as it bounds every `append`."""
        while unanswered := [committed for _, committed in self._unanswered if not committed.done()]:
            await asyncio.wait(unanswered)
        if self._under_way is not None:
            self._under_way.cancel()

    def _launch(self) -> None:
        self._launching = False
        if self._queue and self._under_way is None:
            self._under_way = asyncio.create_task(self._commit(self._take()))
            self._under_way.add_done_callback(self._landed)

    def _landed(self, _: asyncio.Task[None]) -> None:
        self._under_way = None
        self._launch()

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        while self._queue and len(batch) < _MAX_ROWS and size < _MAX_BYTES:
            waiting = self._queue.popleft()
            size += len(waiting.row[0])
            batch.append(waiting)
        self._queued_bytes -= size
        return batch

    async def _commit(self, batch: list[_Waiting]) -> None:
        failed = False
        # Who was told 503 meanwhile is left out: Meta sends it again.
        while batch := [waiting for waiting in batch if not waiting.committed.done()]:
            try:
                await self._store([waiting.row for waiting in batch])
            except UnavailableError as error:
                if not failed:
                    log.warning("webhook.commit_failed", bodies=len(batch), reason=error.detail)
                failed = True
                await asyncio.sleep(_RETRY_AFTER)
                continue
            for waiting in batch:
                if not waiting.committed.done():
                    waiting.committed.set_result(True)
            telemetry.webhook_commit_bodies.observe(len(batch))
            return

    def _sweep(self) -> None:
        """Answer False to all whose time is up."""
        now = asyncio.get_running_loop().time()
        while self._unanswered and (self._unanswered[0][1].done() or self._unanswered[0][0] <= now):
            _, committed = self._unanswered.popleft()
            if not committed.done():
                committed.set_result(False)
        # Whoever was answered need not be stored any more; both queues are in the order of arrival.
        while self._queue and self._queue[0].committed.done():
            self._queued_bytes -= len(self._queue.popleft().row[0])
        self._sweeping = bool(self._unanswered)
        if self._sweeping:
            asyncio.get_running_loop().call_later(_SWEEP_EVERY, self._sweep)
