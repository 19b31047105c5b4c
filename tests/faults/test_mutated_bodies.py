"""Whatever is rightly signed is taken: broken bodies end as items with a reason, and the loop goes on."""

import asyncio
import hashlib
import hmac
from collections import Counter

import httpx

from tests.faults.house import House, new_customers
from tests.faults.mutations import bodies


async def test_mutated_bodies_bring_no_5xx_and_no_unhandled_exception_and_the_loop_goes_on(
    house: House, seed: int, *, chaos: bool
) -> None:
    answers = await _posted(house, list(bodies(house.line, 10_000 if chaos else 2_000, seed=seed)))
    assert set(answers) == {200}, (answers, seed)

    async def all_are_processed() -> bool:
        return await house.rows("SELECT 1 FROM webhook_events WHERE state = 'pending' LIMIT 1") == []

    await house.until(all_are_processed, within=120 if chaos else 40, what=f"all bodies are processed (seed {seed})")
    reports = await house.error_reports()
    assert reports == [], f"seed {seed}"
    outcomes = {row.outcome for row in await house.rows("SELECT DISTINCT outcome FROM webhook_items")}
    assert outcomes == {"parked", "quarantined"}, "the mutations do not reach what they are for"
    assert (await house.states("in")).total() > 50, "the mutations leave nothing to apply"
    (customer,) = new_customers(1)
    await house.exchange(customer, "are you still there?")
    await house.no_run_failed()
    # The files that they name are nowhere: asked for again and again, they would keep a shared house busy.
    await house.rows("UPDATE media SET state = 'lost' WHERE integration_id = :line AND state = 'waiting' RETURNING id")


async def _posted(house: House, sent: list[bytes]) -> Counter[int]:
    """Post rightly signed bodies, 32 at a time; how often each HTTP status was answered."""
    answers: Counter[int] = Counter()
    waiting = iter(sent)
    secret = house.stack.keys.app_secret.encode()

    async def post(client: httpx.AsyncClient) -> None:
        for body in waiting:
            signature = "sha256=" + hmac.digest(secret, body, hashlib.sha256).hex()
            answer = await client.post(
                "/api/v1/webhooks/whatsapp", content=body, headers={"X-Hub-Signature-256": signature}
            )
            answers[answer.status_code] += 1

    async with httpx.AsyncClient(base_url=house.stack.api_url, trust_env=False, timeout=10) as client:
        await asyncio.gather(*(post(client) for _ in range(32)))
    return answers
