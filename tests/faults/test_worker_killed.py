"""The worker killed with -9, with conversations in all stages."""

import asyncio
import time
from datetime import UTC, datetime

from tests.faults.conftest import AS_IN_PRODUCTION, OpenHouse
from tests.faults.histories import task_time_outs
from tests.faults.house import PROMPT, Figure, House, new_customers
from tests.faults.ledger import percentile, read
from tests.pace import slowness, watched

TAKEN_UP = 4.5
"""Seconds after which the server gives a killed worker's tasks to another: the workflow task time-out is 4 s."""

LONGEST_LOOK = 8.0

IN_FLIGHT = 20
"""Sends that Meta has accepted when the worker is killed."""
HOT = 10.0
"""Seconds until a conversation is answered whose worker was killed with hundreds of others, 99 of 100."""
WRITE_PER_SECOND = 30
"""Hot conversations: half of what two cores answer of those whose run is in no cache."""
USUAL_WORKER_START = 2.0
"""Seconds: 1.5 with nothing beside it."""


async def test_a_worker_killed_in_mid_conversation_loses_and_doubles_nothing_and_idle_conversations_go_on_promptly(
    house: House, record_property: Figure, *, chaos: bool
) -> None:
    idle = new_customers(20)
    await asyncio.gather(*(house.exchange(customer, "hello") for customer in idle))
    unposted = 0
    # In the short form one beside another is killed by test_random_kills only.
    for workers in (1, 1, 1, 1, 1, 2, 2, 2, 2, 2) if chaos else (1,):
        if workers > 1 and not house.supervisor.is_running("worker-2"):
            await house.supervisor.run(
                house.stack.part("worker", name="worker-2", environment={"WORKER_METRICS_PORT": "0"})
            )
        # No status tells that a row has left until everything at work was taken up by the worker that lives.
        await house.simulator.change_number(house.line.phone_number_id, answer_delay=0.2, hold_statuses=True)
        await house.crowd(40)
        await house.until(house.is_posting, within=10, what="some are in mid-post")
        house.supervisor.kill("worker")
        await asyncio.sleep(0.2)  # a claim of its that was on the way to Postgres is committed by then
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


async def test_sends_that_meta_accepted_and_no_worker_lived_to_record_are_delivered_once(
    house: House, *, chaos: bool
) -> None:
    number = house.line.phone_number_id
    # Meta has them, and tells it neither by an answer nor by a status before the worker is killed.
    await house.simulator.change_number(number, statuses_before_answer=True)
    await house.simulator.add_fault("slow", phone_number_id=number, seconds=8)
    for kill in range(1, (5 if chaos else 1) + 1):
        await house.simulator.change_number(number, hold_statuses=True)
        # All in one body: they are posted together, within the second for which an activity waits for its post.
        await house.simulator.collect()
        await house.crowd(IN_FLIGHT)
        await house.simulator.flush()
        await house.until(lambda: _are_taken(house, kill * IN_FLIGHT), within=8, what="Meta has taken every send")  # noqa: B023
        house.supervisor.kill("worker")
        assert len(await house.sending()) == IN_FLIGHT
        await house.supervisor.restart("worker")
        # Not longer: 20 s after the claim they are `unknown`, and rightly so.
        await asyncio.sleep(min(TAKEN_UP * house.slowness, LONGEST_LOOK))
        assert len(await house.sending()) == IN_FLIGHT, "something was done about what nobody knows"
        await house.simulator.change_number(number, hold_statuses=False)
        await house.simulator.release_statuses(number)
        await house.until(lambda: _none_is_sending(house), within=10, what="statuses tell what became of them")
    account = await house.account()
    sent = (5 if chaos else 1) * IN_FLIGHT
    assert (account["accepted"], account["delivered"]) == (sent, sent)
    assert await house.states("out") == {"accepted": sent}
    await house.reckon()


async def test_a_restarted_worker_takes_up_hot_conversations_soon_and_no_task_of_theirs_times_out(
    open_house: OpenHouse, record_property: Figure, *, chaos: bool
) -> None:
    # Temporal gives a task 4 s at the usual pace; what replays in the sandbox is another, slower program.
    enough = {"TEMPORAL_WORKFLOW_TASK_TIMEOUT": str(round(4 * slowness(), 1))}
    house = await open_house(environment=AS_IN_PRODUCTION | enough)
    hot = new_customers(500 if chaos else 60)
    for number in range(8 if chaos else 3):
        await asyncio.gather(*(house.exchange(customer, f"{number} of {customer}") for customer in hot))
    said = asyncio.create_task(_one_after_the_other(house, hot, within=len(hot) / WRITE_PER_SECOND))
    await asyncio.sleep(len(hot) / WRITE_PER_SECOND / 4)
    killed_at = time.time()
    house.supervisor.kill("worker")
    dead_at = time.time()
    apart = await house.sending()
    async with watched() as meanwhile:
        await house.supervisor.restart("worker")
        restarted_at = datetime.now(UTC)
        await said
        unposted = await house.resolved(apart)
        await house.answered(within=40, but=unposted)
    ledger = await read(house, hot)
    pace = max(house.slowness, meanwhile.slowness)
    of_the_dead = {row.customer for row in ledger.under_way(killed_at, dead_at)}
    waits = [wait for customer, wait in ledger.waits(killed_at) if customer not in of_the_dead]
    record_property("slower than usual (times)", round(pace, 1))
    record_property("restarted within (s)", round(restarted_at.timestamp() - killed_at, 2))
    shares = " ".join(f"{percentile(waits, share):.2f}" for share in (0.5, 0.99, 1.0))
    record_property(f"{len(waits)} conversations answered after (s; p50, p99, longest)", shares)
    assert len(waits) > len(hot) / 2
    assert percentile(waits, 0.99) <= HOT * pace
    time_outs = await task_time_outs(house, after=restarted_at)
    record_property("tasks that timed out after the restart", time_outs)
    assert time_outs == 0
    await house.reckon(apart=unposted)


async def _are_taken(house: House, number: int) -> bool:
    return int((await house.account())["accepted"]) == number


async def _one_after_the_other(house: House, customers: list[str], *, within: float) -> None:
    """Each of them writes once."""
    async with asyncio.TaskGroup() as writing:
        for customer in customers:
            writing.create_task(house.says(customer, f"still there? asks {customer}"))
            await asyncio.sleep(within / len(customers))


async def _none_is_sending(house: House) -> bool:
    return not await house.sending()


async def _started_again(house: House) -> float:
    """Start the worker again; the seconds until it asks for work."""
    began = time.monotonic()
    await house.supervisor.restart("worker")
    return time.monotonic() - began
