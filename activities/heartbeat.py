"""Heartbeats of regular activities, in the background of what they do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity

_EVERY_S = 1.5
"""A third of the heartbeat time-out of 5 s: one that is lost or late does no harm."""


@asynccontextmanager
async def heartbeating() -> AsyncIterator[None]:
    """Beat while the block runs. A local activity has no heartbeats: nothing is started for it."""
    if activity.info().is_local:
        yield
        return
    beating = asyncio.create_task(_beat())
    try:
        yield
    finally:
        beating.cancel()


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(_EVERY_S)
