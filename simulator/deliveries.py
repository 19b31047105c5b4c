"""Delivering webhooks: signed, concurrent, repeated on anything but 200, and batched when asked to be."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, replace
from itertools import groupby, islice
from typing import Any

import aiohttp

from simulator.account import WebhookTally
from simulator.config import SimulatorConfig
from simulator.wire import Update, envelope, sign

MOST_UPDATES = 1000
"""Meta batches at most this many updates into one POST."""


@dataclass(slots=True)
class Delivery:
    """One body on its way."""

    body: bytes
    signature: str
    begun_at: float
    url: str | None = None
    """An override; None: the app's own address."""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one POST came to: the HTTP status, or None if there was no answer."""

    status: int | None
    seconds: float


class Deliveries:
    """The queue of webhooks of the whole app."""

    def __init__(self, config: SimulatorConfig, tally: WebhookTally) -> None:
        self.config = config
        self._tally = tally
        self._session: aiohttp.ClientSession | None = None
        self._queue: deque[Delivery] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._collected: list[tuple[Update, str | None]] | None = None
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
        return not self._queue and self._tally.bodies == self._tally.delivered + self._tally.given_up

    def send(self, update: Update, *, copies: int = 1, url: str | None = None, time: int | None = None) -> None:
        """Deliver one update, to the app's own address or to an override, or keep it while collecting.

        `time` stands in the entry of account webhooks only.
        """
        if self._collected is not None:
            self._collected += [(update, url)] * copies
            return
        self.post(envelope([update], time=time), copies=copies, url=url)

    def collect(self) -> None:
        """Keep updates back until `flush`, so that they travel batched."""
        self._collected = self._collected or []

    def flush(self, *, size: int = MOST_UPDATES) -> int:
        """Deliver what was collected, `size` updates to a POST, and stop collecting; the number of POSTs."""
        collected, self._collected = self._collected or [], None
        posts = 0
        for url, group in groupby(collected, key=lambda pair: pair[1]):
            updates = (update for update, _ in group)
            while batch := list(islice(updates, min(size, MOST_UPDATES))):
                self.post(envelope(batch), url=url)
                posts += 1
        return posts

    def post(self, body: bytes, *, copies: int = 1, url: str | None = None) -> None:
        """Sign and queue a body, `copies` times."""
        signature = sign(body, self.config.app_secret)
        now = time.monotonic()
        self._queue.extend(Delivery(body, signature, now, url) for _ in range(copies))
        self._tally.bodies += copies
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
        except (aiohttp.ClientError, TimeoutError, OSError):
            self._tally.unreachable += 1
            return Answer(None, time.perf_counter() - began)
        seconds = time.perf_counter() - began
        self._tally.answered[status] += 1
        self._tally.latencies.append(seconds)
        return Answer(status, seconds)

    async def verify(self, token: str, challenge: str, *, url: str | None = None) -> tuple[int, str]:
        """Ask the webhook to verify itself, as Meta does when an address is entered; its status and body."""
        if self._session is None:
            message = "the simulator has not started"
            raise RuntimeError(message)
        query = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": challenge}
        address = url or self.config.webhook_url
        async with self._session.get(address, params=query, allow_redirects=False) as response:
            return response.status, await response.text()

    async def post_form(self, url: str, fields: dict[str, str]) -> tuple[int | None, str]:
        """Post a form to a callback of the app, once; its status and body, None for no answer."""
        if self._session is None:
            message = "the simulator has not started"
            raise RuntimeError(message)
        form = aiohttp.FormData(fields)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            async with self._session.post(url, data=form, headers=headers, allow_redirects=False) as response:
                return response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError, OSError):
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
            self._tally.delivered += 1
            return
        if time.monotonic() - delivery.begun_at >= self.config.retry_for.total_seconds():
            self._tally.given_up += 1
            return
        first, longest = self.config.retry_first.total_seconds(), self.config.retry_longest.total_seconds()
        wait = min(first * 2 ** min(delivery.attempts - 1, 30), longest)
        asyncio.get_running_loop().call_later(wait, self._again, delivery)

    def _again(self, delivery: Delivery) -> None:
        self._queue.append(delivery)
        self._pump()
