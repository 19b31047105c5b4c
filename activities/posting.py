"""Claim, post, record: in a task that the worker process owns, so that nothing which happens to an activity cuts it.

Local activities are cancelled and run again in living workers (a pause, a full cache, a burst of signals). The task
goes on regardless; a second call for the same message joins it; a stopping worker drains it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog

import telemetry
from activities.answers import AnswerRecorder
from activities.slots import in_slot
from store import claims, outcomes
from store.claims import Claimed, Unclaimed
from store.engine import DATABASE_ERRORS, Database
from store.errors import SealingError
from store.integrations import open_token
from store.outcomes import Recorded
from store.sealing import KeyRing
from store.transitions import State
from whatsapp import messages
from whatsapp.graph import Answer, NotWritten
from whatsapp.own_files import with_meta_id
from workflows.contracts import SendOutcome

log = structlog.get_logger()

ANSWER_WITHIN = timedelta(seconds=1)
"""A slower post goes on by itself; the activity says it is in flight, and the record wakes the conversation."""
CLAIM_KEEPS = timedelta(seconds=5)
"""A post that would begin later than this after its claim is given back: the machine was paused in between."""
_RECORD_PAUSES = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 20.0)


class Sender(Protocol):
    """What posts a message: the Graph client."""

    async def send(self, phone_number_id: str, token: str, payload: Mapping[str, Any]) -> Answer:
        """Post it; never raises for what the network does."""
        ...


@dataclass(slots=True)
class _Post:
    task: asyncio.Task[SendOutcome]
    abandoned: bool = False
    """The activity has gone: only the record can wake the conversation."""


@dataclass(slots=True)
class PostOffice:
    """The posts of one worker process. Closing it refuses new ones and waits for those under way."""

    database: Database
    ring: KeyRing
    sender: Sender
    recorder: AnswerRecorder
    most_of_a_number: int = 200
    """At Meta at once: one for which Meta answers slowly would else take the connections of all."""
    _at_meta: Counter[UUID] = field(default_factory=Counter, init=False)
    _posts: dict[UUID, _Post] = field(default_factory=dict, init=False)
    _closing: bool = field(default=False, init=False)

    async def send(self, message_id: UUID) -> SendOutcome:
        """Send one row, or join the send that is under way; returns after `ANSWER_WITHIN` at the latest."""
        post = self._posts.get(message_id)
        if post is None:
            if self._closing:
                return SendOutcome(str(message_id), State.QUEUED, "The worker is stopping.", stop=True)
            post = self._begin(message_id)
        try:
            done, _ = await asyncio.wait({post.task}, timeout=ANSWER_WITHIN.total_seconds())
        except asyncio.CancelledError:
            post.abandoned = True
            raise
        if done:
            return post.task.result()
        post.abandoned = True
        return SendOutcome(str(message_id), State.SENDING, "In flight.", stop=True)

    async def close(self, drain: timedelta) -> None:
        """Refuse new posts and wait for those under way, `drain` at most."""
        self._closing = True
        if self._posts:
            await asyncio.wait([post.task for post in self._posts.values()], timeout=drain.total_seconds())

    def _begin(self, message_id: UUID) -> _Post:
        post = _Post(asyncio.create_task(self._claim_post_record(message_id), name=f"post {message_id}"))
        self._posts[message_id] = post
        telemetry.posts_in_flight.inc()
        post.task.add_done_callback(lambda task: self._ended(message_id, task))
        return post

    def _ended(self, message_id: UUID, task: asyncio.Task[SendOutcome]) -> None:
        self._posts.pop(message_id, None)
        telemetry.posts_in_flight.dec()
        if not task.cancelled() and task.exception() is not None:
            log.warning("message.post_failed", message_id=str(message_id), error=type(task.exception()).__name__)

    async def _claim_post_record(self, message_id: UUID) -> SendOutcome:
        claimed_at, asked_at = _boot_seconds(), time.monotonic()
        claimed = await claims.claim(self.database, message_id)
        if isinstance(claimed, Unclaimed):
            if not claimed.found_queued:
                telemetry.claims_not_queued.inc()
            return SendOutcome(str(message_id), claimed.state, claimed.why, stop=claimed.stop)
        answer = await self._post(claimed, claimed_at=claimed_at, asked_at=asked_at)
        if _boot_seconds() - claimed_at > ANSWER_WITHIN.total_seconds():
            # After a pause the answer may be there before anybody notices that the activity was given up for dead:
            # whoever looked meanwhile saw a row in flight and waits for it.
            self._abandon(message_id)
        recorded = await self._record_surely(claimed, answer)
        telemetry.sends.labels(outcome=recorded.state).inc()
        stop = recorded.state in (State.QUEUED, State.SENDING, State.UNKNOWN)
        return SendOutcome(str(message_id), recorded.state, recorded.why, stop=stop)

    async def _post(self, claimed: Claimed, *, claimed_at: float, asked_at: float) -> Answer | None:
        """Meta's answer; None when nothing was posted because the claim had grown old."""
        sealed = claimed.access_token_sealed
        try:
            token = open_token(self.ring, sealed, claimed.integration_id)
        except SealingError as error:
            return NotWritten(f"the access token cannot be opened: {error.detail}")
        payload = messages.payload(
            messages.Recipient(wa_id=claimed.wa_id, user_id=claimed.user_id),
            claimed.type,
            with_meta_id(claimed.type, claimed.content, claimed.meta_media_id),
            callback_data=f"{claimed.message_id}.{claimed.attempt}",
        )
        in_time = await in_slot(self.database, claimed.integration_id, asked_at=asked_at, wait=claimed.slot_in)
        if not in_time or _boot_seconds() - claimed_at > CLAIM_KEEPS.total_seconds():
            return None
        with self._place(claimed.integration_id) as place:
            if not place:
                return NotWritten(f"{self.most_of_a_number} messages of this number wait for Meta's answer already")
            return await self.sender.send(claimed.phone_number_id, token, payload)

    @contextmanager
    def _place(self, integration_id: UUID) -> Iterator[bool]:
        """Whether one more of this number may be at Meta; it is counted until the end of the block."""
        if self._at_meta[integration_id] >= self.most_of_a_number:
            telemetry.posts_put_off.inc()
            yield False
            return
        self._at_meta[integration_id] += 1
        try:
            yield True
        finally:
            self._at_meta[integration_id] -= 1
            if not self._at_meta[integration_id]:
                del self._at_meta[integration_id]

    async def _record_surely(self, claimed: Claimed, answer: Answer | None) -> Recorded:
        """Record, trying on through an outage of Postgres: what Meta said is known nowhere else."""
        for pause in _RECORD_PAUSES:
            try:
                return await self._record(claimed, answer)
            except DATABASE_ERRORS as error:
                log.warning("message.record_failed", message_id=str(claimed.message_id), error=type(error).__name__)
            await asyncio.sleep(pause)
        return await self._record(claimed, answer)

    async def _record(self, claimed: Claimed, answer: Answer | None) -> Recorded:
        """The activity may go while the record is being written: then the conversation is woken after it."""
        wake = self._abandoned(claimed.message_id)
        recorded = await self.recorder.record(claimed, answer, wake=wake)
        if not wake and self._abandoned(claimed.message_id):
            await outcomes.wake(self.database, claimed.conversation_id)
        return recorded

    def _abandon(self, message_id: UUID) -> None:
        self._posts[message_id].abandoned = True

    def _abandoned(self, message_id: UUID) -> bool:
        post = self._posts.get(message_id)
        return post is not None and post.abandoned


def _boot_seconds() -> float:
    """Seconds that go on while the machine sleeps, where the system has such a clock (Linux)."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)
