"""Due conversations to signals: claims the marks, signals many at a time, gives back what did not arrive."""

import asyncio
from datetime import timedelta
from typing import Protocol

import structlog

import telemetry
from intake.bell import Bell
from intake.lines import Lines
from settings import IntakeSettings
from store import nudges
from store.engine import Database
from whatsapp.window import closes_at
from workflows.client import DueConversation, LaterError

log = structlog.get_logger(__name__)

_POLL = timedelta(seconds=1)
_SECOND_LOOK = timedelta(milliseconds=50)
"""A claim skips a conversation that somebody has locked at that instant; it is free again by then."""
_FULL = timedelta(milliseconds=40)
"""While a number's line is full: nobody tells when it is not any more."""
_FIRST_PAUSE = timedelta(milliseconds=100)
_LONGEST_PAUSE = timedelta(seconds=2)


class Starter(Protocol):
    """What wakes a conversation's run; `workflows.client.ConversationStarter` is one."""

    async def look(self, conversation: DueConversation) -> None:
        """Tell the run that there is something to do, or raise `LaterError`."""


class Nudger:
    """Signals what is due, until it is told to stop."""

    def __init__(self, database: Database, starter: Starter, settings: IntakeSettings) -> None:
        self.bell = Bell()
        self._database = database
        self._starter = starter
        self._settings = settings
        self._lines = Lines(ahead=settings.nudge_ahead, counts_for=settings.nudge_repeat)
        self._signals: set[asyncio.Task[None]] = set()
        self._undelivered: list[nudges.DueConversation] = []
        self._failures = 0
        self._rung = False
        self._begun = False

    async def round(self) -> None:
        """Claim what is due as far as there is room, send its signals, and wait for more or for room."""
        if not self._begun:
            await nudges.give_back_all(self._database)
            self._begun = True
        await self._give_back()
        full = await self._lines.full(self._database)
        room = min(self._settings.nudge_batch - len(self._signals), self._lines.room)
        due = await nudges.claim_due(
            self._database,
            limit=room,
            quiet=self._settings.nudge_quiet,
            repeat=self._settings.nudge_repeat,
            but_of=full,
        )
        self._lines.join(due)
        for conversation in due:
            task = asyncio.create_task(self._signal(conversation))
            self._signals.add(task)
            task.add_done_callback(self._signals.discard)
        if self._failures:
            await asyncio.sleep(self._pause().total_seconds())
        elif len(due) == room:
            await asyncio.wait(self._signals, return_when=asyncio.FIRST_COMPLETED)
        elif full:
            await asyncio.sleep(_FULL.total_seconds())
        else:
            self._rung = await self.bell.wait(_SECOND_LOOK if due or self._rung else _POLL)

    async def drain(self) -> None:
        """Let the signals under way end, and give back what did not arrive."""
        if self._signals:
            await asyncio.wait(self._signals)
        await self._give_back()

    async def _signal(self, conversation: nudges.DueConversation) -> None:
        try:
            await self._starter.look(_described(conversation))
        except LaterError as error:
            self._undelivered.append(conversation)
            if self._failures == 0:
                log.warning("nudge.delayed", reason=str(error), conversation_id=conversation.id)
            self._failures += 1
            telemetry.nudges.labels(result="later").inc()
            return
        if self._failures:
            log.info("nudge.resumed", failures=self._failures)
        self._failures = 0
        telemetry.nudges.labels(result="delivered").inc()

    async def _give_back(self) -> None:
        undelivered, self._undelivered = self._undelivered, []
        self._lines.leave(undelivered)
        try:
            await nudges.give_back(self._database, [conversation.id for conversation in undelivered])
        except BaseException:
            self._undelivered += undelivered
            raise

    def _pause(self) -> timedelta:
        doublings: int = min(self._failures - 1, 8)
        return min(_FIRST_PAUSE * float(2**doublings), _LONGEST_PAUSE)


def _described(conversation: nudges.DueConversation) -> DueConversation:
    opened_at = conversation.window_opened_at
    return DueConversation(
        conversation_id=str(conversation.id),
        organization_id=str(conversation.organization_id),
        integration_id=str(conversation.integration_id),
        state="with a person" if conversation.in_charge == "person" else "with the bot",
        window_until=None if opened_at is None else closes_at(opened_at),
    )
