"""Updates that wait for company: several travel in one body, in each of the shapes that Meta's format allows."""

import asyncio
import random
from collections.abc import Callable, Sequence
from itertools import cycle, islice

from simulator.wire import Update, envelope, merged

MOST_UPDATES = 1000
"""Meta batches at most this many updates into one POST."""
_SHAPES = ("changes", "entries", "values")


class Batches:
    """What waits, by the address it goes to."""

    def __init__(self, chance: random.Random, post: Callable[[bytes, str | None], None]) -> None:
        self._shapes = cycle(chance.sample(_SHAPES, len(_SHAPES)))
        self._post = post
        self._waiting: dict[str | None, list[Update]] = {}
        self._timers: dict[str | None, asyncio.TimerHandle] = {}

    @property
    def is_empty(self) -> bool:
        """Nothing waits."""
        return not self._waiting

    def add(self, update: Update, url: str | None, *, copies: int, seconds: float) -> None:
        """Keep an update for so long, or until the batch it finds there leaves."""
        self._waiting.setdefault(url, []).extend([update] * copies)
        if url not in self._timers:
            self._timers[url] = asyncio.get_running_loop().call_later(seconds, self._leave, url)

    def close(self) -> None:
        """Drop what waits."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._waiting.clear()

    def _leave(self, url: str | None) -> None:
        del self._timers[url]
        updates = iter(self._waiting.pop(url))
        while batch := list(islice(updates, MOST_UPDATES)):
            self._post(self._body(batch), url)

    def _body(self, updates: Sequence[Update]) -> bytes:
        """One entry for a WABA's changes, an entry for each change, or one change for all that a number has to tell."""
        shape = next(self._shapes)
        if shape == "values":
            return envelope(merged(updates))
        return envelope(updates, apart=shape == "entries")
