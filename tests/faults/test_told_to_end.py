"""Worker and API told to end (SIGTERM) with webhooks and sends in flight."""

import asyncio
import time

import httpx

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
    number = house.line.phone_number_id
    unreachable = (await house.account())["webhooks"]["unreachable"]
    for _ in range(3 if chaos else 1):
        customers = await house.crowd(SENDS)
        await house.answered(within=15)
        # Posts outlive their activities (1 s), and nothing but the record tells what became of them.
        await house.simulator.change_number(number, answer_delay=min(5 * house.slowness, 10), hold_statuses=True)
        async with held_up(house, "webhook_events"):
            await house.crowd(WEBHOOKS)
            await house.until(lambda: _are_at_the_api(house, WEBHOOKS), within=5, what=f"{WEBHOOKS} webhooks are")
            await _write_to(house, customers)
            await house.until(lambda: _are_sending(house, SENDS), within=10, what=f"{SENDS} sends are in flight")
            ending = [asyncio.create_task(_ended(house, part)) for part in ("worker", "api")]
            await asyncio.sleep(0.5)
        took = await asyncio.gather(*ending)
        record_property("ended within (s)", round(max(took), 2))
        assert max(took) < MOST
        webhooks = (await house.account())["webhooks"]
        found = webhooks["pending"], webhooks["unreachable"], set(webhooks["answered"])
        assert found == (0, unreachable, {"200"})
        assert await house.sending() == set()
        assert await house.rows(_POSTING) == []
        await house.simulator.change_number(number, answer_delay=0)
        await asyncio.gather(house.supervisor.restart("api"), house.supervisor.restart("worker"))
        await house.answered(within=30)
    await house.simulator.change_number(number, hold_statuses=False)
    await house.simulator.release_statuses(number)
    await house.reckon()


async def _write_to(house: House, customers: list[str]) -> None:
    """Queue a message to each by the API, ten at a time."""
    headers = {"Authorization": f"Bearer {house.line.api_key}"}
    waiting = iter(customers)

    async def write(api: httpx.AsyncClient) -> None:
        for customer in waiting:
            message = {"to": customer, "type": "text", "text": {"body": "One more thing."}}
            answer = await api.post("/api/v1/whatsapp/send-message", json=message)
            assert answer.is_success, answer.text

    async with httpx.AsyncClient(base_url=house.stack.api_url, headers=headers, trust_env=False) as api:
        await asyncio.gather(*(write(api) for _ in range(10)))


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
