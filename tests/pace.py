"""How fast this machine is just now, for the limits of tests: shared machines lose and regain most of their speed."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache

_EVERY = 0.5
"""Seconds."""
_LOOPS = 400_000
_USUAL = 0.018
"""Seconds that the loop takes on the machine on which the limits were set, with nothing beside it."""


def slowness() -> float:
    """By how much everything takes longer than usual at this moment, other work on the machine included; 1 at least."""
    return _slowness_in(int(time.monotonic() / _EVERY))


@lru_cache(maxsize=1)
def _slowness_in(_: int) -> float:
    """Measured once in half a second, however many ask: the loop itself is work beside which everything is slower."""
    began = time.perf_counter()
    total = 0
    for number in range(_LOOPS):
        total += number
    return max(1.0, (time.perf_counter() - began) / _USUAL, _beside())


def _beside() -> float:
    """How many programs share each processor, where other tests run beside this one: so short a loop may see none."""
    if os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1") == "1":
        return 1.0
    return os.getloadavg()[0] / (os.cpu_count() or 1)


@dataclass
class Pace:
    """How fast the machine was over a while."""

    samples: list[float] = field(default_factory=list)

    @property
    def slowness(self) -> float:
        """By how much everything took longer than usual, on average; 1 at least."""
        return sum(self.samples) / len(self.samples)


@asynccontextmanager
async def watched() -> AsyncIterator[Pace]:
    """The machine's pace while the block runs, looked at twice a second."""
    pace = Pace([slowness()])

    async def look() -> None:
        while True:
            await asyncio.sleep(_EVERY)
            pace.samples.append(slowness())

    looking = asyncio.create_task(look())
    try:
        yield pace
    finally:
        looking.cancel()
