"""The worker killed, stopped for a while, or asked to end, with conversations in all stages."""

import asyncio
import time

import pytest

from tests.faults.conftest import OpenHouse
from tests.faults.house import PROMPT, Figure, House, new_customers
from tests.pace import watched

TAKEN_UP = 4.5
"""Seconds after which the server gives a killed worker's tasks to another: the workflow task time-out is 4 s."""

USUAL_WORKER_START = 2.0
"""Seconds: 1.5 with nothing beside it."""


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_worker_killed_in_mid_conversation_loses_and_doubles_nothing_and_idle_conversations_go_on_promptly(
    open_house: OpenHouse, record_property: Figure, *, workers: int, chaos: bool
) -> None:
    house = await open_house(workers=workers)
    idle = new_customers(20)
    await asyncio.gather(*(house.exchange(customer, "hello") for customer in idle))
    unposted = 0
    for _ in range(5 if chaos else 1):
        # No status tells that a row has left until everything at work was taken up by the worker that lives.
        await house.simulator.change_number(house.line.phone_number_id, answer_delay=0.2, hold_statuses=True)
        await house.crowd(40)
        await house.until(house.is_posting, within=10, what="some are in mid-post")
        house.supervisor.kill("worker")
        apart = await house.sending()
        assert apart, "nothing was in mid-post when it was killed"
        restarted = asyncio.create_task(_started_again(house) if workers == 1 else asyncio.sleep(0, 0.0))
        async with watched() as meanwhile:
            took = await asyncio.gather(*(house.exchange(customer, "still there?") for customer in idle))
        start = await restarted
        record_property("idle conversations answered within (s)", round(max(took), 2))
        record_property("of it start of the worker (s)", round(start, 2))
        pace = max(house.slowness, meanwhile.slowness, start / USUAL_WORKER_START)
        record_property("slower than usual (times)", round(pace, 1))
        assert max(took) < PROMPT.total_seconds() * pace, sorted(took)
        await asyncio.sleep(TAKEN_UP * pace)
        await house.simulator.change_number(house.line.phone_number_id, hold_statuses=False)
        await house.simulator.release_statuses(house.line.phone_number_id)
        unknown = await house.resolved(apart)
        record_property("sending at the kill", len(apart))
        record_property("of them unknown", unknown)
        unposted += unknown
        await house.answered(within=20, but=unposted)
        if workers > 1:
            await house.supervisor.restart("worker")
    await house.reckon(apart=unposted)


async def test_a_worker_stopped_for_6_seconds_in_mid_post_doubles_nothing_and_leaves_nothing_unknown(
    open_house: OpenHouse, *, chaos: bool
) -> None:
    house = await open_house(workers=2)
    idle = new_customers(20)
    await asyncio.gather(*(house.exchange(customer, "hello") for customer in idle))
    await house.simulator.add_fault("slow", seconds=2.5)
    await house.simulator.change_number(house.line.phone_number_id, hold_statuses=True)
    for _ in range(3 if chaos else 1):
        await house.crowd(40)
        await house.until(house.is_posting, within=10, what="some are in mid-post")
        house.supervisor.pause("worker")
        await asyncio.sleep(6)
        house.supervisor.resume("worker")
        await house.answered(within=20)
        await house.until(lambda: _none_is_sending(house), within=20, what="every answer is recorded")
    await house.simulator.change_number(house.line.phone_number_id, hold_statuses=False)
    await house.simulator.release_statuses(house.line.phone_number_id)
    attempts = await house.rows(
        "SELECT DISTINCT a.state, a.error_class, a.http_status FROM message_attempts a "
        "JOIN messages m ON m.id = a.message_id WHERE m.integration_id = :line"
    )
    # Stopped between claim and post it gives the row back: the claim is too old by then. Stopped while connecting it
    # finds that no connection came in time. Nothing was sent in either.
    unsent = {("given_back", None, None), ("rejected", "network", None)}
    assert {tuple(row) for row in attempts} - unsent == {("accepted", None, 200)}
    await house.reckon()


async def test_a_worker_and_an_api_told_to_end_finish_what_is_in_flight_within_30_seconds(
    open_house: OpenHouse, record_property: Figure, *, chaos: bool
) -> None:
    house = await open_house()
    # Posts outlive their activities (1 s), and nothing but the record tells what became of them.
    await house.simulator.change_number(house.line.phone_number_id, answer_delay=2.5, hold_statuses=True)
    for _ in range(3 if chaos else 1):
        said = asyncio.create_task(house.crowd(60))
        await house.until(house.is_posting, within=10, what="some are in mid-post")
        took = await asyncio.gather(_ended(house, "worker"), _ended(house, "api"))
        await said
        record_property("ended within (s)", round(max(took), 2))
        assert max(took) < 30
        assert await house.sending() == set()
        (row,) = await house.rows("SELECT count(*) AS posting FROM message_attempts WHERE state = 'posting'")
        assert row.posting == 0
        await asyncio.gather(house.supervisor.restart("api"), house.supervisor.restart("worker"))
        await house.answered(within=30)
    await house.simulator.change_number(house.line.phone_number_id, hold_statuses=False)
    await house.simulator.release_statuses(house.line.phone_number_id)
    await house.reckon()


async def _none_is_sending(house: House) -> bool:
    return not await house.sending()


async def _started_again(house: House) -> float:
    """Start the worker again; the seconds until it asks for work."""
    began = time.monotonic()
    await house.supervisor.restart("worker")
    return time.monotonic() - began


async def _ended(house: House, part: str) -> float:
    """Send SIGTERM and wait; the seconds it took (killed after 30)."""
    began = time.monotonic()
    await house.supervisor.stop(part)
    return time.monotonic() - began
