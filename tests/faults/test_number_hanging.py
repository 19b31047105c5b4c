"""One number's Graph calls hang: whoever writes to another number, and whoever connects one, notices nothing."""

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta

from settings import WorkerSettings
from tests.faults.conftest import AS_IN_PRODUCTION, OpenHouse
from tests.faults.house import Figure, House, Line, new_customers
from tests.faults.ledger import percentile
from tests.faults.signups import HASTE, Signups, signing_up
from tests.pace import watched

HANGS = 12.0
"""Seconds: as long as a post waits for its answer at most."""
PATIENCE = timedelta(minutes=1)
MORE = 1.5
"""Seconds by which replies of others, and an onboarding, may take longer than usual."""


@dataclass(frozen=True, slots=True)
class Service:
    """How soon others were served: replies, 99 of 100, and an onboarding, in seconds."""

    replies: float
    onboarding: float


async def test_a_number_whose_graph_hangs_slows_down_no_other_number_and_no_onboarding(
    open_house: OpenHouse, record_property: Figure, *, chaos: bool
) -> None:
    busy, lasts = (120, HANGS) if chaos else (40, HANGS / 3)
    house = await open_house(environment=HASTE | AS_IN_PRODUCTION)
    hanging, other = house.line, await house.connect()
    slots = WorkerSettings()
    record_property("workers", 1)
    record_property("slots for tasks, local activities", f"{slots.workflow_task_slots}, {slots.local_activity_slots}")
    async with signing_up(house) as signups, watched() as meanwhile:
        usual = await _service(house, other, signups, seconds=lasts / 2)
        fault = await house.simulator.add_fault("slow", phone_number_id=hanging.phone_number_id, seconds=HANGS)
        customers = new_customers(busy)
        crowd = asyncio.create_task(_keep_busy(house, hanging, customers, seconds=lasts))
        watching = asyncio.create_task(_hanging_at_once(house, hanging, seconds=lasts))
        served = await _service(house, other, signups, seconds=lasts)
        await crowd
        at_once = await watching
    record_property("posts that hung at once", at_once)
    assert at_once >= busy / 3, "the other number does not hang"
    await house.simulator.end_faults(fault)
    pace = max(house.slowness, meanwhile.slowness)
    record_property("slower than usual (times)", round(pace, 1))
    record_property("replies of another number: usual, meanwhile (s, p99)", f"{usual.replies:.2f} {served.replies:.2f}")
    record_property("an onboarding: usual, meanwhile (s)", f"{usual.onboarding:.2f} {served.onboarding:.2f}")
    assert served.replies < usual.replies + MORE * pace
    assert served.onboarding < usual.onboarding + MORE * pace
    for line in (hanging, other):
        house.line = line
        await house.answered(within=30)
        await house.reckon()


async def _service(house: House, line: Line, signups: Signups, *, seconds: float) -> Service:
    """Let five customers of a number write again and again, and one number be connected."""
    until = time.monotonic() + seconds
    served = await asyncio.gather(
        _onboarded(signups), *(_talk(house, line, customer, until=until) for customer in new_customers(5))
    )
    onboarding, *replies = served
    return Service(percentile([wait for waits in replies for wait in waits], 0.99), sum(onboarding))


async def _talk(house: House, line: Line, customer: str, *, until: float) -> list[float]:
    """The seconds to each reply."""
    took: list[float] = []
    while (began := time.monotonic()) < until:
        wamid = await house.simulator.customer_says(line.phone_number_id, customer, f"hello {len(took)}")
        await house.simulator.wait_for_reply(line.phone_number_id, customer, after=wamid, timeout=PATIENCE)
        took.append(time.monotonic() - began)
        await asyncio.sleep(0.3)
    return took


async def _onboarded(signups: Signups) -> list[float]:
    """The seconds that an onboarding takes until its number is live."""
    began = time.monotonic()
    onboarding = await signups.ended(await signups.begin())
    assert onboarding["state"] == "live", onboarding["error"]
    return [time.monotonic() - began]


async def _hanging_at_once(house: House, line: Line, *, seconds: float) -> int:
    """The most posts of a number that waited for their answers at the same time."""
    most, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        messages = (await house.simulator.account(line.phone_number_id, lists=True))["accepted_messages"]
        most = max(most, sum(message["answer"] == "pending" for message in messages))
        await asyncio.sleep(0.5)
    return most


async def _keep_busy(house: House, line: Line, customers: list[str], *, seconds: float) -> None:
    """Let thirty of them write each second, and ten a second once all have."""
    began, number = time.monotonic(), line.phone_number_id
    moments = [index / 30 for index in range(len(customers))]
    moments += [moments[-1] + index / 10 for index in range(1, len(customers) + 1)]
    for customer, moment in zip([*customers, *customers], moments, strict=True):
        await asyncio.sleep(max(0.0, began + moment - time.monotonic()))
        if time.monotonic() - began > seconds:
            return
        await house.simulator.customer_says(number, customer, f"hello at {moment:.2f}")
