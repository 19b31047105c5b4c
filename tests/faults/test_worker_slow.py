"""Workers that are not dead, only slow: stopped for a while in the middle of their work, with hardly any memory."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.faults.conftest import OpenHouse
from tests.faults.house import House
from tests.faults.locks import blocked, held_up

SMALL = {"WORKER_CACHED_WORKFLOWS": "10"}
"""Runs that a worker keeps, where 40 are busy at once: it is always giving up some."""
CLAIM, RECORD = "WITH conversation AS MATERIALIZED", "WITH told AS MATERIALIZED"
"""How the statements begin that write to `message_attempts`."""
DEADLINE = 12
"""Seconds: an answer that is read later than this counts for nothing, only its status tells."""
UNSENT = {("given_back", None), ("rejected", "network")}
"""Stopped between claim and post it gives the row back: the claim is too old by then. Stopped while connecting it finds
that no connection came in time. Nothing was sent in either."""


async def test_a_worker_stopped_in_mid_claim_post_and_record_with_a_cache_of_10_doubles_nothing_and_leaves_all_known(
    open_house: OpenHouse, *, chaos: bool
) -> None:
    house = await open_house(workers=2, environment=SMALL)
    number = house.line.phone_number_id
    for seconds in (3, 6, 8, 30) if chaos else (6,):
        # No status tells that a row has left: only the worker that was stopped can record it.
        await house.simulator.change_number(number, hold_statuses=True)
        began = time.monotonic()
        async with _stopped_in_all_stages(house):
            await asyncio.sleep(seconds)
        in_time = time.monotonic() - began < DEADLINE
        await house.until(lambda: _none_is_sending(house), within=30, what="every answer is recorded")
        if in_time:
            await house.answered(within=20)
            assert (await house.states("out"))["unknown"] == 0
        await house.simulator.change_number(number, hold_statuses=False)
        await house.simulator.release_statuses(number)
        await house.until(lambda: _all_are_accepted(house), within=20, what="every row is accepted")
    ended = await house.rows(
        "SELECT DISTINCT a.state, a.error_class FROM message_attempts a "
        "JOIN messages m ON m.id = a.message_id WHERE m.integration_id = :line AND a.state <> 'accepted'"
    )
    assert {tuple(row) for row in ended} <= UNSENT
    await house.reckon()


@asynccontextmanager
async def _stopped_in_all_stages(house: House) -> AsyncIterator[None]:
    """One of two workers stands still, with some of 40 conversations in mid-post, mid-record and mid-claim each."""
    await _posted(house, 14, answered_in=min(5 * house.slowness, 10))
    posting = await house.sending()
    await _posted(house, 13, answered_in=1.5 * house.slowness)
    async with held_up(house, "message_attempts"):
        await house.crowd(13)

        async def is_in_all_stages() -> bool:
            return min(await blocked(house, CLAIM), await blocked(house, RECORD)) >= 4

        await house.until(is_in_all_stages, within=5, what="some are in mid-claim, and some in mid-record")
        assert posting & await house.sending(), "nothing was in mid-post"
        house.supervisor.pause("worker")
    try:
        yield
    finally:
        house.supervisor.resume("worker")


async def _posted(house: House, size: int, *, answered_in: float) -> None:
    """Let customers write until Graph has taken what is sent to them; it answers so many seconds later."""
    number, taken_before = house.line.phone_number_id, int((await house.account())["accepted"])
    await house.simulator.add_fault("slow", phone_number_id=number, seconds=answered_in, count=size)
    await house.crowd(size)

    async def is_taken() -> bool:
        return int((await house.account())["accepted"]) >= taken_before + size

    await house.until(is_taken, within=10, what=f"{size} posts are under way")


async def _none_is_sending(house: House) -> bool:
    return not await house.sending()


async def _all_are_accepted(house: House) -> bool:
    states = await house.states("out")
    return set(states) == {"accepted"}
