"""Temporal away for a while, and Temporal emptied: a delay, nothing more."""

import asyncio
import time
from itertools import cycle

from tests.faults.conftest import OpenHouse
from tests.faults.house import Figure, House, new_customers
from tests.faults.ledger import read
from tests.pace import watched

ACKNOWLEDGED = 250.0
"""Milliseconds, 99 of 100 webhooks."""
HASTE = {"BACKSTOP": "3", "NUDGE_REPEAT": "3", "UNKNOWN_WAIT": "20"}
"""Postgres asks again sooner than in production (60 s and 10 s), and what was claimed and never posted holds up what is
behind it for 20 s instead of 120."""


async def test_messages_that_come_while_temporal_is_away_are_acknowledged_at_once_and_answered_in_order_after(
    open_house: OpenHouse, record_property: Figure, *, chaos: bool
) -> None:
    house = await open_house("temporal")
    customers = new_customers(200 if chaos else 60)
    await asyncio.gather(*(house.exchange(customer, f"hello from {customer}") for customer in customers[:20]))
    house.supervisor.kill("temporal")
    async with watched() as meanwhile:
        said = await _keep_writing(house, customers, seconds=120 if chaos else 8, per_second=17 if chaos else 25)
    assert await house.simulator.settle(), "webhooks are not acknowledged while Temporal is away"
    account = await house.account()
    assert account["unanswered"] == said
    assert set(account["webhooks"]["answered"]) == {"200"}
    assert account["webhooks"]["unreachable"] == 0
    pace = max(house.slowness, meanwhile.slowness)
    record_property("slower than usual (times)", round(pace, 1))
    record_property("acknowledged within (ms, p99)", account["webhooks"]["p99_ms"])
    assert account["webhooks"]["p99_ms"] < ACKNOWLEDGED * pace
    await house.supervisor.restart("temporal")
    took = round(await house.answered(within=60), 2)
    record_property(f"{said} messages answered after its return (s)", took)
    await house.reckon()
    ledger = await read(house, customers)
    assert (ledger.lost(), ledger.doubled(), ledger.not_as_said()) == ([], [], [])


async def test_temporal_emptied_and_the_worker_killed_in_mid_load_loses_and_doubles_nothing(
    open_house: OpenHouse, record_property: Figure, *, chaos: bool
) -> None:
    house = await open_house("temporal", environment=HASTE)
    await house.simulator.change_number(house.line.phone_number_id, answer_delay=0.2)
    regulars = new_customers(20)
    await asyncio.gather(*(house.exchange(customer, "hello") for customer in regulars))
    load = asyncio.create_task(_trickle(house, customers=400 if chaos else 80, every=0.03))
    await asyncio.sleep(1)
    await house.until(house.is_posting, within=10, what="some are in mid-post")
    house.supervisor.kill("temporal")
    house.supervisor.kill("worker")
    apart = await house.sending()
    assert apart, "nothing was in mid-post when it was killed"
    assert house.stack.temporal
    house.stack.temporal.delete_file()
    await asyncio.gather(house.supervisor.restart("temporal"), house.supervisor.restart("worker"))
    await asyncio.gather(*(house.says(customer, "still there?") for customer in regulars))
    await load
    unposted = await house.resolved(apart)
    took = await house.answered(within=30, but=unposted)
    record_property("all answered after the load (s)", round(took, 2))
    await house.reckon(apart=unposted)


async def _keep_writing(house: House, customers: list[str], *, seconds: float, per_second: int) -> int:
    """Let one after the other write, each again and again; how many messages."""
    began, said = time.monotonic(), 0
    for customer in cycle(customers):
        if time.monotonic() - began > seconds:
            break
        await house.says(customer, f"message {said} of {customer}")
        said += 1
        await asyncio.sleep(max(0.0, began + said / per_second - time.monotonic()))
    return said


async def _trickle(house: House, *, customers: int, every: float) -> None:
    """Customers one after another, each with so much to say that the answer is three rows."""
    for customer in new_customers(customers):
        await house.says(customer, "hello " * 2000)
        await asyncio.sleep(every)
