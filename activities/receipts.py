"""Read receipt and typing indicator: a courtesy beside the turn. Best effort, never retried, counted."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

import telemetry
from store.errors import SealingError
from store.integrations import open_token
from store.sealing import KeyRing
from store.turn_plan import Conversation, NewTurn

MOST_AT_ONCE = 100
"""Past this many under way new ones are dropped: they must never cost a message its connection."""


class Marker(Protocol):
    """What marks a message read: the Graph client."""

    async def mark_read(self, phone_number_id: str, token: str, wamid: str, *, typing: bool) -> bool:
        """True when Meta took it; never raises for what the network does."""
        ...


@dataclass(slots=True)
class Receipts:
    """The receipts under way in one worker process."""

    marker: Marker
    ring: KeyRing
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    def send(self, conversation: Conversation, turn: NewTurn) -> None:
        """Mark the newest message of the turn (and so all before it) read, in the background."""
        wamid = turn.taken[-1].wamid
        if not conversation.receipts or not conversation.sends or wamid is None:
            return
        if len(self._tasks) >= MOST_AT_ONCE:
            telemetry.read_receipts.labels(result="dropped").inc()
            return
        task = asyncio.create_task(self._mark(conversation, wamid, typing=turn.state == "asking"))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _mark(self, conversation: Conversation, wamid: str, *, typing: bool) -> None:
        sealed = conversation.access_token_sealed
        if sealed is None:
            return
        try:
            token = open_token(self.ring, sealed, conversation.integration_id)
        except SealingError:
            telemetry.read_receipts.labels(result="no_token").inc()
            return
        marked = await self.marker.mark_read(conversation.phone_number_id, token, wamid, typing=typing)
        telemetry.read_receipts.labels(result="ok" if marked else "refused").inc()
