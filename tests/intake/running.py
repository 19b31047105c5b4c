"""Intakes that run beside a test, and what they nudge."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from intake.loop import Intake
from settings import IntakeSettings
from store.engine import Database
from workflows.client import DueConversation, LaterError


@dataclass(slots=True)
class Listening:
    """Stands where Temporal would: notes whom it was told to wake, or is away."""

    away: bool = False
    looked: Counter[str] = field(default_factory=Counter)
    refused: int = 0

    async def look(self, conversation: DueConversation) -> None:
        """Take a nudge."""
        if self.away:
            self.refused += 1
            raise LaterError("unavailable")
        self.looked[conversation.conversation_id] += 1


@asynccontextmanager
async def running(database: Database, *starters: Listening, **settings: Any) -> AsyncIterator[None]:
    """One intake per starter, all over this database, with these settings."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as intakes:
        for starter in starters:
            # Nobody looks at what is nudged here: no line may get too long.
            intakes.create_task(Intake(database, starter, IntakeSettings(**{"nudge_ahead": 1000} | settings)).run(stop))
        try:
            yield
        finally:
            stop.set()
