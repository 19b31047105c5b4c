"""Worker and API told to end (SIGTERM) with webhooks and sends in flight."""

import asyncio
import time

from tests.faults.house import Figure, House
from tests.faults.locks import held_up

WEBHOOKS, SENDS = 100, 50
_POSTING = """
    SELECT 1 FROM message_attempts a JOIN messages m ON m.id = a.message_id
    WHERE a.state = 'posting' AND m.integration_id = :line
"""
MOST = 30
"""Seconds until a process that was told to end is killed."""


async def test_a_worker_and_an_api_told_to_end_answer_100_webhooks_and_record_50_sends_in_flight_within_30_seconds(
    house: House, record_property: Figure, *, chaos: bool
) -> None:
    await house.simulator.set_webhook(connections=2 * WEBHOOKS)
    # Posts outlive their activities (1 s), and nothing but the record tells what became of them.
    answered_in = min(5 * house.slowness, 10)
    await house.simulator.change_number(house.line.phone_number_id, answer_delay=answered_in, hold_statuses=True)
    for _ in range(3 if chaos else 1):
        await house.crowd(SENDS)
        await house.until(lambda: _are_sending(house, SENDS), within=10, what=f"{SENDS} sends are in flight")
        async with held_up(house, "webhook_events"):
            await house.crowd(WEBHOOKS)
            await house.until(lambda: _are_at_the_api(house, WEBHOOKS), within=5, what=f"{WEBHOOKS} webhooks are")
            in_flight = len(await house.sending())
            record_property("sends in flight when told to end", in_flight)
            # A busy machine takes so long with the webhooks that some are answered by now; all of them make chaos asks.
            assert in_flight == SENDS if chaos else in_flight
            ending = [asyncio.create_task(_ended(house, part)) for part in ("worker", "api")]
            await asyncio.sleep(0.5)
        took = await asyncio.gather(*ending)
        record_property("ended within (s)", round(max(took), 2))
        assert max(took) < MOST
        webhooks = (await house.account())["webhooks"]
        assert (webhooks["pending"], webhooks["unreachable"], set(webhooks["answered"])) == (0, 0, {"200"})
        assert await house.sending() == set()
        assert await house.rows(_POSTING) == []
        await asyncio.gather(house.supervisor.restart("api"), house.supervisor.restart("worker"))
        await house.answered(within=30)
    await house.simulator.change_number(house.line.phone_number_id, hold_statuses=False)
    await house.simulator.release_statuses(house.line.phone_number_id)
    await house.reckon()


async def _are_sending(house: House, number: int) -> bool:
    return len(await house.sending()) == number


async def _are_at_the_api(house: House, number: int) -> bool:
    """Whether so many webhooks are unanswered, for long enough to have arrived."""
    if (await house.account())["webhooks"]["pending"] < number:
        return False
    await asyncio.sleep(0.5)
    return True


async def _ended(house: House, part: str) -> float:
    """Send SIGTERM and wait; the seconds it took (killed after 30)."""
    began = time.monotonic()
    await house.supervisor.stop(part)
    return time.monotonic() - began
