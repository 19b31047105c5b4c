"""Delivering webhooks: signed, concurrent, repeated on anything but 200, and batched when asked to be."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Any

import aiohttp

from simulator.account import WebhookTally
from simulator.batches import MOST_UPDATES, Batches
from simulator.config import SimulatorConfig
from simulator.faults import Faults
from simulator.wire import Update, envelope, number_told, sign

_NO_ANSWER = (aiohttp.ClientError, TimeoutError, OSError, ValueError)
"""ValueError: an address that is none, as the resolver finds."""


@dataclass(slots=True)
class Delivery:
    """One body on its way."""

    body: bytes
    signature: str
    begun_at: float
    url: str | None = None
    """An override; None: the app's own address."""
    attempts: int = 0
    unheard: int = 0
    """How many of the app's answers are still to get lost."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one POST came to: the HTTP status, or None if there was no answer."""

    status: int | None
    seconds: float


class Deliveries:
    """The queue of webhooks of the whole app."""

    def __init__(self, config: SimulatorConfig, tally: WebhookTally, faults: Faults) -> None:
        self.config = config
        self._tally = tally
        self._faults = faults
        self._batches = Batches(faults.chance, lambda body, url: self.post(body, url=url))
        self._late: set[asyncio.TimerHandle] = set()
        self._session: aiohttp.ClientSession | None = None
        self._queue: deque[Delivery] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._collected: list[tuple[Update, str | None, int | None]] | None = None
        self._closed = False

    def open(self) -> None:
        """Open the HTTP client; from now on deliveries leave."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=self.config.webhook_timeout.total_seconds()),
            headers={"Content-Type": "application/json", "User-Agent": "facebookexternalua"},
            auto_decompress=False,
        )
        self._pump()

    async def close(self) -> None:
        """Stop delivering; what is left is lost with the simulator."""
        self._closed = True
        self._batches.close()
        for timer in self._late:
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def configure(self, changes: dict[str, Any]) -> None:
        """Change address, connections or patience while running."""
        self.config = replace(self.config, **changes)
        self._pump()

    @property
    def is_idle(self) -> bool:
        """Nothing queued, under way or waiting to be repeated. What is being collected does not count."""
        answered = self._tally.bodies == self._tally.delivered + self._tally.given_up
        return answered and not self._queue and self._batches.is_empty

    def send(self, update: Update, *, copies: int = 1, url: str | None = None, time: int | None = None) -> None:
        """Deliver one update, to the app's own address or to an override, or keep it while collecting.

        `time` stands in the entry of account webhooks only.
        """
        if self._collected is not None:
            self._collected += [(update, url, time)] * copies
            return
        plan = self._faults.plan(_number_of(update), "", "webhook")
        copies = max(copies, plan.copies)
        if plan.batch is not None and time is None:
            self._batches.add(update, url, copies=copies, seconds=plan.batch)
            return
        body = envelope([update], time=time)
        for _ in range(copies):
            late = self._faults.chance.uniform(0, plan.late) if plan.late else 0.0
            self.post(body, url=url, late=late, unheard=plan.unheard)

    def collect(self) -> None:
        """Keep updates back until `flush`, so that they travel batched."""
        self._collected = self._collected or []

    def flush(self, *, size: int = MOST_UPDATES) -> int:
        """Deliver what was collected, `size` updates to a POST, and stop collecting; the number of POSTs."""
        collected, self._collected = self._collected or [], None
        posts = 0
        for (url, stamp), group in groupby(collected, key=lambda one: one[1:]):
            updates = (update for update, *_ in group)
            while batch := list(islice(updates, min(size, MOST_UPDATES))):
                self.post(envelope(batch, time=stamp), url=url)
                posts += 1
        return posts

    def post(self, body: bytes, *, url: str | None = None, late: float = 0.0, unheard: int = 0) -> None:
        """Sign and queue a body, so many seconds late; `unheard` answers to it get lost."""
        delivery = Delivery(body, sign(body, self.config.app_secret), time.monotonic() + late, url, unheard=unheard)
        self._tally.bodies += 1
        if late:
            self._after(late, delivery)
            return
        self._queue.append(delivery)
        self._pump()

    async def post_once(self, body: bytes, *, signature: str | None, url: str | None = None) -> Answer:
        """Deliver a body once, whatever the answer."""
        session = self._session
        if session is None:
            message = "the simulator has not started"
            raise RuntimeError(message)
        headers = {"X-Hub-Signature-256": signature} if signature is not None else {}
        began = time.perf_counter()
        self._tally.attempts += 1
        try:
            async with session.post(
                url or self.config.webhook_url, data=body, headers=headers, allow_redirects=False
            ) as response:
                await response.read()
                status = response.status
        except _NO_ANSWER:
            self._tally.unreachable += 1
            return Answer(None, time.perf_counter() - began)
        seconds = time.perf_counter() - began
        self._tally.answered[status] += 1
        self._tally.latencies.append(seconds)
        return Answer(status, seconds)

    async def verify(self, token: str, challenge: str, *, url: str | None = None) -> tuple[int | None, str]:
        """Ask the webhook to verify itself, as Meta does when an address is entered; its status and body.

        None for no answer.
        """
        if self._session is None:
            message = "the simulator has not started"
            raise RuntimeError(message)
        query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": challenge}
        address = url or self.config.webhook_url
        try:
            async with self._session.get(address, params=query, allow_redirects=False) as response:
                return response.status, await response.text(errors="replace")
        except _NO_ANSWER:
            return None, ""

    async def post_form(self, url: str, fields: dict[str, str]) -> tuple[int | None, str]:
        """Post a form to a callback of the app, once; its status and body, None for no answer."""
        if self._session is None:
            message = "the simulator has not started"
            raise RuntimeError(message)
        form = aiohttp.FormData(fields)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            async with self._session.post(url, data=form, headers=headers, allow_redirects=False) as response:
                return response.status, await response.text(errors="replace")
        except _NO_ANSWER:
            return None, ""

    def _pump(self) -> None:
        if self._session is None or self._closed or not self.config.webhook_url:
            return
        while self._queue and len(self._tasks) < self.config.webhook_connections:
            task = asyncio.create_task(self._deliver(self._queue.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._pump()

    async def _deliver(self, delivery: Delivery) -> None:
        delivery.attempts += 1
        answer = await self.post_once(delivery.body, signature=delivery.signature, url=delivery.url)
        if answer.status == 200:  # noqa: PLR2004 - the only answer that Meta takes
            if not delivery.unheard:
                self._tally.delivered += 1
                return
            delivery.unheard -= 1
            self._tally.unheard += 1
        elif time.monotonic() - delivery.begun_at >= self.config.retry_for.total_seconds():
            self._tally.given_up += 1
            return
        first, longest = self.config.retry_first.total_seconds(), self.config.retry_longest.total_seconds()
        wait = min(first * 2 ** min(delivery.attempts - 1, 30), longest)
        self._after(wait, delivery)

    def _after(self, seconds: float, delivery: Delivery) -> None:
        def due() -> None:
            self._late.discard(timer)
            self._queue.append(delivery)
            self._pump()

        timer = asyncio.get_running_loop().call_later(seconds, due)
        self._late.add(timer)


def _number_of(update: Update) -> str:
    """Whom an update is about: a number, else its WABA."""
    waba_id, change = update
    return number_told(change) or waba_id
