"""The worker killed, stopped for a while, or asked to end, with conversations in all stages."""

import asyncio
import time
from datetime import timedelta
from uuid import UUID

import pytest

from tests.faults.conftest import OpenHouse
from tests.faults.house import PROMPT, House, new_customers

SENDING_TIMEOUT = 20.0
"""The product's own: a row that is `sending` for longer has lost its worker."""


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_worker_killed_in_mid_conversation_loses_and_doubles_nothing_and_idle_conversations_go_on_promptly(
    open_house: OpenHouse, *, workers: int, chaos: bool
) -> None:
    house = await open_house(workers=workers)
    await house.simulator.change_number(house.line.phone_number_id, answer_delay=0.2)
    idle = new_customers(100 if chaos else 20)
    await asyncio.gather(*(house.exchange(customer, "hello") for customer in idle))
    await house.crowd(200 if chaos else 40)
    await house.until(lambda: _is_sending(house), within=10, what="some are in mid-post")
    house.supervisor.kill("worker")
    apart = await house.sending()
    assert apart, "nothing was in mid-post when it was killed"
    restarted = asyncio.create_task(_start_again(house) if workers == 1 else asyncio.sleep(0))
    took = await asyncio.gather(*(house.exchange(customer, "still there?") for customer in idle))
    await restarted
    assert max(took) < PROMPT.total_seconds(), sorted(took)
    unposted = await _resolved(house, apart)
    await _answered_but(house, unposted)
    await house.reckon(apart=unposted)


async def test_a_worker_stopped_for_6_seconds_in_mid_post_doubles_nothing_and_leaves_nothing_unknown(
    open_house: OpenHouse, *, chaos: bool
) -> None:
    house = await open_house(workers=2)
    idle = new_customers(20)
    await asyncio.gather(*(house.exchange(customer, "hello") for customer in idle))
    await house.simulator.add_fault("slow", seconds=2.5)
    for _ in range(3 if chaos else 1):
        await house.crowd(40)
        await house.until(lambda: _is_sending(house), within=10, what="some are in mid-post")
        house.supervisor.pause("worker")
        await asyncio.sleep(6)
        house.supervisor.resume("worker")
        await house.answered(within=20)
    attempts = await house.rows(
        "SELECT DISTINCT a.state FROM message_attempts a JOIN messages m ON m.id = a.message_id "
        "WHERE m.integration_id = :line"
    )
    # Stopped between claim and post it gives the row back: the claim is too old by then, and nothing was sent.
    assert {row.state for row in attempts} <= {"accepted", "given_back"}
    await house.reckon()


async def test_a_worker_and_an_api_told_to_end_finish_what_is_in_flight_within_30_seconds(
    open_house: OpenHouse, *, chaos: bool
) -> None:
    house = await open_house()
    await house.simulator.change_number(house.line.phone_number_id, answer_delay=0.4)
    for _ in range(3 if chaos else 1):
        said = asyncio.create_task(house.crowd(60))
        await house.until(lambda: _is_sending(house), within=10, what="some are in mid-post")
        took = await asyncio.gather(_ended(house, "worker"), _ended(house, "api"))
        await said
        assert max(took) < 30
        assert await house.sending() == set()
        (row,) = await house.rows("SELECT count(*) AS posting FROM message_attempts WHERE state = 'posting'")
        assert row.posting == 0
        await asyncio.gather(house.supervisor.restart("api"), house.supervisor.restart("worker"))
        await house.answered(within=30)
    await house.reckon()


async def _is_sending(house: House) -> bool:
    return len(await house.sending()) >= 3


async def _start_again(house: House) -> None:
    await house.supervisor.restart("worker")


async def _ended(house: House, part: str) -> float:
    """Send SIGTERM and wait; the seconds it took (killed after 30)."""
    began = time.monotonic()
    await house.supervisor.stop(part)
    return time.monotonic() - began


async def _resolved(house: House, apart: set[UUID]) -> int:
    """Wait until each row that was `sending` at the kill is accepted by its status, or unknown; how many are unknown.

    A row that was claimed and not yet posted is known to nobody but the dead worker: nothing but time tells.
    """
    query = "SELECT state FROM messages WHERE id = ANY(CAST(:ids AS uuid[]))"

    async def none_is_sending() -> bool:
        return "sending" not in {row.state for row in await house.rows(query, ids=list(apart))}

    await house.until(none_is_sending, within=SENDING_TIMEOUT + PROMPT.total_seconds(), what="no row is `sending`")
    states = [row.state for row in await house.rows(query, ids=list(apart))]
    assert set(states) <= {"accepted", "unknown"}
    return states.count("unknown")


async def _answered_but(house: House, unposted: int) -> None:
    async def all_but_these() -> bool:
        return bool((await house.account())["unanswered"] <= unposted)

    await house.until(all_but_these, within=20, what="all are answered but what is unknown")
    assert await house.simulator.settle(timedelta(seconds=10))
