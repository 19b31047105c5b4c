"""The simulator's own clock, which the control API moves: windows and limits follow it, delays do not."""

import time


class Clock:
    """Unix time plus whatever it was moved by."""

    def __init__(self) -> None:
        self._moved = 0.0

    def now(self) -> float:
        """Seconds since 1970 by this clock."""
        return time.time() + self._moved

    def move(self, seconds: float) -> float:
        """Move the clock, back if negative, and return what it shows then."""
        self._moved += seconds
        return self.now()
