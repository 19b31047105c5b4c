"""Counts refusals per address, so that whoever keeps knocking wrongly is answered cheaply and not logged each time."""

import time
from collections.abc import Callable

_MINUTE = 60.0
# Past this many addresses in one minute, new ones share one count: memory stays bounded under a spoofed flood.
_MAX_ADDRESSES = 10_000
_ALL_OTHERS = ""


class RefusalThrottle:
    """Allows each address `per_minute` refusals in each minute of the clock it is given (seconds)."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._minute = 0
        self._refused: dict[str, int] = {}

    def exceeded_by(self, address: str) -> bool:
        """Count one refusal; True when this address has had more than its share in this minute."""
        minute = int(self._clock() // _MINUTE)
        if minute != self._minute:
            self._minute = minute
            self._refused.clear()
        if len(self._refused) >= _MAX_ADDRESSES and address not in self._refused:
            address = _ALL_OTHERS
        count = self._refused.get(address, 0) + 1
        self._refused[address] = count
        return count > self._per_minute
