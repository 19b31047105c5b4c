"""A number's messages per second: what a claim takes of them, what comes in, who waits and for how long."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from time import monotonic
from uuid import UUID

from store import rates
from store.claims import Claimed, Unclaimed, claim
from store.engine import Database
from tests.rows import change, connected_number, conversation, queued, row, rows, value


async def test_a_number_never_grants_more_than_its_rate_and_a_burst_of_5(database: Database) -> None:
    number = await connected_number(database, per_second=2)
    ids = []
    for customer in range(40):
        conversation_id = await conversation(database, number, wa_id=f"49170{customer:07}")
        ids.append(await queued(database, number, conversation_id))

    began = monotonic()
    results = await asyncio.gather(*(claim(database, message_id) for message_id in ids))
    lasted = monotonic() - began

    now_or_slept = [result for result in results if isinstance(result, Claimed)]
    kept = [result for result in results if isinstance(result, Unclaimed)]
    # Two at once, and what falls within the time that this took and the 300 ms that are slept for.
    assert 2 <= len(now_or_slept) <= 2 + (lasted + 0.3) * 2
    assert len(now_or_slept) + len(kept) == 40
    turns = sorted([await _turn_of(database, result.message_id) for result in kept])
    assert {later - earlier for earlier, later in pairwise(turns)} == {timedelta(milliseconds=500)}


async def _turn_of(database: Database, message_id: UUID) -> datetime:
    held = await row(database, "messages", message_id)
    assert (held.state, held.hold, held.attempt) == ("queued", "slot", 0)
    until: datetime = held.hold_until
    return until


async def test_what_comes_in_and_what_leaves_takes_between_95_and_100_percent_of_metas_rate(database: Database) -> None:
    number = await connected_number(database, per_second=8)
    message_id = await queued(database, number, await conversation(database, number))

    async def next_at() -> datetime:
        found: datetime = await value(database, "SELECT next_at FROM rate_slots")
        return found

    for take in ("at once", "step by step", "received"):
        # Ahead of the clock, so that only what is taken moves it.
        await change(database, "UPDATE rate_slots SET burst = 100, next_at = clock_timestamp() + interval '9 s'")
        before = await next_at()
        if take == "received":
            await rates.book_received(database, {number.integration_id: 1})
        elif take == "at once":
            assert isinstance(await claim(database, message_id), Claimed)
        else:
            assert (await rates.take_slot_again(database, number.integration_id)).taken
        share = 1 / 8 / (await next_at() - before).total_seconds()
        assert 0.95 <= share <= 1, take


async def test_who_waits_for_a_slot_gets_one_in_its_turn_and_who_comes_later_does_not_overtake(
    database: Database,
) -> None:
    number = await connected_number(database, per_second=2)
    waits, comes_later = [
        await queued(database, number, await conversation(database, number, wa_id=f"4917{n}")) for n in range(2)
    ]
    await change(database, "UPDATE rate_slots SET next_at = clock_timestamp() + interval '1.5 seconds'")

    assert isinstance(await claim(database, waits), Unclaimed)
    turn = await _turn_of(database, waits)
    await change(database, "UPDATE rate_slots SET next_at = clock_timestamp()")
    assert isinstance(await claim(database, comes_later), Unclaimed)
    assert await _turn_of(database, comes_later) - turn == timedelta(milliseconds=500)
    await asyncio.sleep((turn - datetime.now(UTC)).total_seconds() + 0.01)
    assert isinstance(await claim(database, waits), Claimed)


async def test_what_comes_in_is_counted_before_what_waits(database: Database) -> None:
    number = await connected_number(database, per_second=10)
    message_id = await queued(database, number, await conversation(database, number))
    await change(database, "UPDATE rate_slots SET next_at = clock_timestamp() + interval '0.6 seconds'")
    assert isinstance(await claim(database, message_id), Unclaimed)
    turn = await _turn_of(database, message_id)

    await rates.book_received(database, {number.integration_id: 10})
    await asyncio.sleep((turn - datetime.now(UTC)).total_seconds() + 0.01)

    assert isinstance(await claim(database, message_id), Unclaimed)
    assert await _turn_of(database, message_id) - turn > timedelta(milliseconds=600)


async def test_waiting_for_a_slot_uses_up_nothing_of_the_pair(database: Database) -> None:
    number = await connected_number(database, per_second=2)
    conversation_id = await conversation(database, number)
    message_id = await queued(database, number, conversation_id)
    await change(database, "UPDATE rate_slots SET next_at = clock_timestamp() + interval '3 seconds'")

    assert isinstance(await claim(database, message_id), Unclaimed)

    assert (await row(database, "conversations", conversation_id)).pair_next_at is None
    assert (await row(database, "messages", message_id)).attempt == 0


async def test_received_messages_are_booked_on_the_numbers_rate(database: Database) -> None:
    number = await connected_number(database, per_second=80)
    await change(database, "UPDATE rate_slots SET next_at = clock_timestamp()")
    await rates.book_received(database, {number.integration_id: 40})
    (slot,) = await rows(database, "SELECT next_at - clock_timestamp() AS ahead FROM rate_slots")
    pace = timedelta(seconds=1 / (80 * rates.PACE))
    assert 39 * pace - timedelta(seconds=0.1) < slot.ahead <= 40 * pace
    await change(database, "UPDATE rate_slots SET next_at = clock_timestamp() - interval '1 hour'")
    await rates.book_received(database, {number.integration_id: 8})
    (slot,) = await rows(database, "SELECT next_at - clock_timestamp() AS ahead FROM rate_slots")
    assert timedelta(0) < slot.ahead <= 8 * pace
