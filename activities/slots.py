"""The moment at which a claimed message may leave: its slot in the number's seconds, or another if it missed that."""

import asyncio
from datetime import timedelta
from time import monotonic
from uuid import UUID

import telemetry
from store import rates
from store.engine import DATABASE_ERRORS, Database

_TRIES = 3
"""A process that is late for so many slots in a row is too busy to ever be in time: it posts."""


async def in_slot(database: Database, integration_id: UUID, *, asked_at: float, wait: timedelta) -> bool:
    """Wait for the slot that was taken; False when it was missed and there is no other soon.

    `asked_at`, by `time.monotonic`, is before the slot was asked for, so that it begins neither earlier than `wait`
    after that nor later than `wait` from now. A number that had one free at once is not at its limit: nobody minds.
    Several late ones together would be more than the number may send in a second.
    """
    if not wait:
        return True
    for _ in range(_TRIES):
        await asyncio.sleep(wait.total_seconds())
        if monotonic() - asked_at <= (wait + rates.ARRIVES_WITHIN).total_seconds():
            return True
        telemetry.slots_missed.inc()
        asked_at = monotonic()
        try:
            slot = await rates.take_slot_again(database, integration_id)
        except DATABASE_ERRORS:
            return True
        if not slot.taken:
            return False
        wait = slot.wait
    return True
