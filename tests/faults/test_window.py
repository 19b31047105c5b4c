"""The 24-hour window end to end: anchored on Meta's own timestamps, so that a test comes to its end in seconds."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.faults.house import House, new_customers

WINDOW = timedelta(hours=24)
MARGIN = timedelta(seconds=2)


async def test_a_reply_leaves_at_23_59_58_is_refused_2_seconds_after_24_h_and_the_run_ends(house: House) -> None:
    (customer,) = new_customers(1)
    closes_at = datetime.now(UTC).replace(microsecond=0) + 2 * MARGIN
    await house.says(customer, "last words?", timestamp=closes_at - WINDOW)
    await house.answered(within=2)
    (conversation,) = await house.rows("SELECT id, window_opened_at FROM conversations WHERE integration_id = :line")
    assert conversation.window_opened_at == closes_at - WINDOW
    async with httpx.AsyncClient(base_url=house.stack.api_url, trust_env=False) as client:
        client.headers["Authorization"] = f"Bearer {house.line.api_key}"
        await _until(closes_at - MARGIN)
        in_time = await _send(client, conversation.id, "at 23:59:58")
        assert in_time.status_code == 202
        await house.simulator.wait_for_replies(house.line.phone_number_id, customer, 2)
        assert datetime.now(UTC) < closes_at
        await _until(closes_at + MARGIN)
        too_late = await _send(client, conversation.id, "at 24:00:02")
        assert (too_late.status_code, too_late.json()["code"]) == (409, "template_required")
    await _ends(house)
    account = await house.account()
    assert (account["delivered"], account["failed"], account["refused"]) == (2, 0, {})


async def test_a_message_queued_in_time_that_can_leave_only_after_the_window_is_refused_and_says_so(
    house: House,
) -> None:
    (customer,) = new_customers(1)
    closes_at = datetime.now(UTC).replace(microsecond=0) + 2 * MARGIN
    await house.simulator.add_fault("refuse", code=130429, recipient=customer)
    await house.says(customer, "last words?", timestamp=closes_at - WINDOW)

    async def is_over() -> bool:
        return "failed" in await house.states("out")

    await house.until(is_over, within=15, what="the answer is refused")
    (row,) = await house.rows("SELECT reason FROM messages WHERE integration_id = :line AND direction = 'out'")
    assert row.reason == "The 24-hour window is closed: only a template can be sent."
    assert (await house.account())["accepted"] == 0
    await _ends(house)


async def test_a_message_that_a_stopped_worker_takes_up_after_the_window_is_refused(house: House) -> None:
    (customer,) = new_customers(1)
    closes_at = datetime.now(UTC).replace(microsecond=0) + 2 * MARGIN
    await house.says(customer, "last words?", timestamp=closes_at - WINDOW)
    await house.answered(within=2)
    (conversation,) = await house.rows("SELECT id FROM conversations WHERE integration_id = :line")
    house.supervisor.pause("worker")
    try:
        async with httpx.AsyncClient(base_url=house.stack.api_url, trust_env=False) as client:
            client.headers["Authorization"] = f"Bearer {house.line.api_key}"
            assert (await _send(client, conversation.id, "in time")).status_code == 202
        await _until(closes_at + MARGIN / 2)
    finally:
        house.supervisor.resume("worker")

    async def is_over() -> bool:
        return "failed" in await house.states("out")

    await house.until(is_over, within=15, what="the message is refused")
    assert (await house.account())["accepted"] == 1
    await _ends(house)


async def _ends(house: House) -> None:
    client = await house.temporal()
    of_the_line = f"WaOrganization = '{house.line.organization_id}' AND ExecutionStatus = 'Completed'"

    async def has_ended() -> bool:
        return [run async for run in client.list_workflows(of_the_line)] != []

    await house.until(has_ended, within=10, what="the run has ended")
    await house.no_run_failed()


async def _send(client: httpx.AsyncClient, conversation_id: object, words: str) -> httpx.Response:
    order: dict[str, Any] = {"conversation_id": str(conversation_id), "type": "text", "text": {"body": words}}
    return await client.post("/api/v1/whatsapp/send-message", json=order)


async def _until(moment: datetime) -> None:
    await asyncio.sleep((moment - datetime.now(UTC)).total_seconds())
