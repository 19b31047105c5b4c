"""Waiting for what happens in another program's time."""

import asyncio
from collections.abc import Callable
from inspect import isawaitable


async def until(met: Callable[[], object], *, seconds: float = 30) -> None:
    """Ask until the answer, awaited where it has to be, is yes.

    Raises:
        TimeoutError: it did not come within these seconds.
    """
    async with asyncio.timeout(seconds):
        while True:
            answer = met()
            if await answer if isawaitable(answer) else answer:
                return
            await asyncio.sleep(0.02)
