"""One number's backlog does not stand in another's way: of each number only so many are nudged and not yet looked at.

Temporal works off what it was told in the order in which it was told. So what is too much for now waits in Postgres,
where each number has its own line, and not before the workers, where all share one.
"""

from collections.abc import Iterable
from datetime import timedelta
from time import monotonic
from uuid import UUID

from store import nudges
from store.engine import Database
from store.nudges import DueConversation

_REMEMBERED = 10
"""Times `counts_for`: who is not looked at for this long and nudged again counts again."""


class Lines:
    """Who was nudged by this intake and has not been looked at, as far as it knows, by number.

    Args:
        ahead: as many of one number at most.
        counts_for: whoever is not looked at for longer keeps nobody waiting any more, nudged again or not.
    """

    def __init__(self, *, ahead: int, counts_for: timedelta) -> None:
        self._ahead = ahead
        self._counts_for = counts_for.total_seconds()
        self._lines: dict[UUID, dict[UUID, float]] = {}
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
        """The numbers that must not be nudged for now. Asks Postgres only where a line has become long."""
        self._room = (self._ahead + 1) // 2
        long = [number for number, line in self._lines.items() if 2 * len(line) >= self._ahead]
        if not long:
            return set()
        waiting = [conversation for number in long for conversation in self._lines[number]]
        looked_at, at_their_limit = await nudges.lines(database, waiting)
        remembered = monotonic() - _REMEMBERED * self._counts_for
        for number in long:
            line = self._lines.pop(number)
            left = {one: since for one, since in line.items() if one not in looked_at and since > remembered}
            if left:
                self._lines[number] = left
        rooms = {number: self._ahead - self._length(number) for number in long}
        full = {number for number, room in rooms.items() if room <= 0 or number in at_their_limit}
        self._room = min([self._room, *(room for number, room in rooms.items() if number not in full)])
        return full

    @property
    def room(self) -> int:
        """How many may be nudged at once so that no line gets too long that was not found full."""
        return self._room

    def _length(self, number: UUID) -> int:
        counts = monotonic() - self._counts_for
        return sum(since > counts for since in self._lines.get(number, {}).values())
