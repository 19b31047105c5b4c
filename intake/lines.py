"""One number's backlog does not stand in another's way: of each number only so many are nudged and not yet looked at.

Temporal works off what it was told in the order in which it was told. So what is too much for now waits in Postgres,
where each number has its own line, and not before the workers, where all share one.
"""

from collections.abc import Iterable
from datetime import timedelta
from math import ceil
from time import monotonic
from uuid import UUID

from store import nudges
from store.engine import Database
from store.nudges import DueConversation, NextSlot
from store.rates import SLOT_SLEEP

_REMEMBERED = 10
"""Times `counts_for`: who is not looked at for this long and nudged again counts again."""
_LOOKED_AT_WITHIN = timedelta(milliseconds=50)
"""From a nudge to the claim of a slot, about, where there is much to do: what is nudged now finds the slots of then."""


class Lines:
    """Who was nudged by this intake and has not been looked at, as far as it knows, by number.

    Of a number at its limit no more are nudged than soon find a slot: who finds none is woken once more for it.

    Args:
        ahead: as many of one number at most.
        counts_for: whoever is not looked at for longer keeps nobody waiting any more, nudged again or not.
    """

    def __init__(self, *, ahead: int, counts_for: timedelta) -> None:
        self._ahead = ahead
        self._counts_for = counts_for.total_seconds()
        self._lines: dict[UUID, dict[UUID, float]] = {}
        self._at_limit: set[UUID] = set()
        self._room = ahead

    def join(self, nudged: Iterable[DueConversation]) -> None:
        """These are being nudged."""
        now = monotonic()
        for conversation in nudged:
            self._lines.setdefault(conversation.integration_id, {}).setdefault(conversation.id, now)

    def leave(self, nudged: Iterable[DueConversation]) -> None:
        """These were not nudged after all."""
        for conversation in nudged:
            self._lines.get(conversation.integration_id, {}).pop(conversation.id, None)

    async def full(self, database: Database) -> set[UUID]:
        """The numbers that must not be nudged for now. Asks Postgres only where a line has become long or slots few."""
        self._room = (self._ahead + 1) // 2
        watched = self._at_limit | {number for number, line in self._lines.items() if 2 * len(line) >= self._ahead}
        if not watched:
            return set()
        waiting = [conversation for number in watched for conversation in self._lines.get(number, ())]
        looked_at, slots = await nudges.lines(database, waiting, watched)
        remembered = monotonic() - _REMEMBERED * self._counts_for
        for number in watched:
            line = self._lines.pop(number, {})
            left = {one: since for one, since in line.items() if one not in looked_at and since > remembered}
            if left:
                self._lines[number] = left
        self._at_limit = {number for number, slot in slots.items() if slot.wait > timedelta(0)}
        rooms = {number: self._places(slots.get(number)) - self._length(number) for number in watched}
        full = {number for number, room in rooms.items() if room <= 0}
        self._room = min([self._room, *(room for room in rooms.values() if room > 0)])
        return full

    @property
    def room(self) -> int:
        """How many may be nudged at once so that no line gets too long that was not found full."""
        return self._room

    def _places(self, slot: NextSlot | None) -> int:
        """How long the number's line may be."""
        if slot is None:
            return self._ahead
        return min(self._ahead, ceil((SLOT_SLEEP + _LOOKED_AT_WITHIN - slot.wait).total_seconds() * slot.per_second))

    def _length(self, number: UUID) -> int:
        counts = monotonic() - self._counts_for
        return sum(since > counts for since in self._lines.get(number, {}).values())
