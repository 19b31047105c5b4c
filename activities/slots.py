"""The moment at which a claimed message may leave: its slot in the number's seconds, or another if it missed that."""

import asyncio
from datetime import timedelta
from time import monotonic
from uuid import UUID

import telemetry
from store import rates
from store.engine import DATABASE_ERRORS, Database


async def in_slot(database: Database, integration_id: UUID, *, asked_at: float, wait: timedelta) -> bool:
    """Wait for the slot that was taken; False when it was missed and there is no other soon.

    `asked_at`, by `time.monotonic`: the slot is `wait` after Postgres was asked, somewhere between that and now.
    Several late ones together would be more than the number may send in a second, so one that is late takes another
    slot, once. A number that had a slot free at once is not at its limit: nobody minds.
    """
    if not wait or await _in_time(asked_at, wait):
        return True
    telemetry.slots_missed.inc()
    asked_at = monotonic()
    try:
        slot = await rates.take_slot_again(database, integration_id)
    except DATABASE_ERRORS:
        return True  # the row is claimed, and a refusal for the rate is no harm
    if slot.taken:
        await _in_time(asked_at, slot.wait)
    return slot.taken


async def _in_time(asked_at: float, wait: timedelta) -> bool:
    """Wait until the slot most likely begins; whether it is not long past then."""
    slot_at = (asked_at + monotonic()) / 2 + wait.total_seconds()
    await asyncio.sleep(slot_at - monotonic())
    return monotonic() - slot_at <= rates.ARRIVES_WITHIN.total_seconds()
