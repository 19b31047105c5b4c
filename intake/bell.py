"""A bell that one loop waits for and anybody rings; rings while nobody waits are heard at the next wait."""

import asyncio
from datetime import timedelta


class Bell:
    """Wakes one waiter."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the waiter, or let its next wait end at once."""
        self._rung.set()

    async def wait(self, at_most: timedelta) -> bool:
        """Wait for a ring; False when none came in time."""
        try:
            async with asyncio.timeout(at_most.total_seconds()):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True
