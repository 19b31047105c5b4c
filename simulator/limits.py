"""Meta's two limits on sending that answer at once: throughput per number (130429) and pair (131056).

Both run on the simulator's clock. A call that was refused does not count.
"""

from collections import deque

PAIR_INTERVAL = 6.0
"""Seconds per message to the same user."""
PAIR_BURST = 45
"""Messages that may be borrowed from later."""


class Throughput:
    """Messages of one number, sent and received together, in any one second."""

    __slots__ = ("_seen", "peak")

    def __init__(self) -> None:
        self._seen: deque[float] = deque()
        self.peak = 0
        """The most that any one second held."""

    def count(self, now: float) -> None:
        """One more message; those that came in are counted even past the limit, for nobody can refuse a customer."""
        self._forget(now)
        self._seen.append(now)
        self.peak = max(self.peak, len(self._seen))

    def has_room(self, now: float, *, rate: int, burst: int) -> bool:
        """Whether one more may be sent. A rate of 0 is no limit."""
        if rate == 0:
            return True
        self._forget(now)
        return len(self._seen) < rate + burst

    def _forget(self, now: float) -> None:
        seen = self._seen
        while seen and not (now - 1.0 < seen[0] <= now):  # what lies ahead is of before the clock was moved back
            seen.popleft()


class Pair:
    """Messages from one number to one user: a bucket of 45 that fills by one every 6 seconds."""

    __slots__ = ("_full_again_at",)

    def __init__(self) -> None:
        self._full_again_at = 0.0

    def take(self, now: float) -> bool:
        """Take one from the bucket; False, and nothing taken, if it is empty."""
        full_again_at = max(self._full_again_at, now) + PAIR_INTERVAL
        if full_again_at - now > PAIR_BURST * PAIR_INTERVAL:
            return False
        self._full_again_at = full_again_at
        return True
