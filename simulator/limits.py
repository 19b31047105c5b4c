"""Meta's limits on sending. Throughput per number (130429) and pair (131056) answer at once; a refused call counts not.

The messaging limit of a portfolio shows later: what is over it fails or waits after its 200. All three run on the
simulator's clock.
"""

from collections import deque

STANDARD, UPGRADED, COEXISTENCE = 80, 1000, 20
"""Messages per second of a number: at first, once upgraded, and of one that the WhatsApp Business app uses too."""
TIERS = {"TIER_50": 50, "TIER_250": 250, "TIER_1K": 1_000, "TIER_2K": 2_000, "TIER_10K": 10_000, "TIER_100K": 100_000}
"""Users per moving 24 h by messaging limit; TIER_UNLIMITED and what is not known here have none."""
REACH_WINDOW = 24 * 3600.0
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


class Reach:
    """The users whom a portfolio wrote to outside of their windows in a moving 24 h, each counted once."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        """By user, the one who was written to longest ago first."""

    def take(self, user: str, now: float, limit: int | None) -> bool:
        """Count a user who is written to now; False, and nothing counted, if that is one more than `limit`."""
        while self._last and (oldest := next(iter(self._last.items())))[1] <= now - REACH_WINDOW:
            del self._last[oldest[0]]
        if user not in self._last and limit is not None and len(self._last) >= limit:
            return False
        self._last.pop(user, None)
        self._last[user] = now
        return True
