"""Webhooks that come late, often, batched and again though they were answered; never not at all."""

import asyncio
import time
from collections import Counter
from datetime import timedelta
from typing import Any

from tests.simulator.stage import CUSTOMER, NUMBER, TOKEN, WABA, Simulated, Webhook

_SOON = timedelta(milliseconds=20)


async def _chat(simulator: Simulated, messages: int) -> None:
    """Customers write and get replies, on two numbers of two WABAs."""
    await simulator.client.add_number("2", "another", display_phone_number="15552", token="t", status_interval=0.005)

    async def exchange(n: int) -> None:
        customer, number, token = f"49155500{n:02}", (NUMBER, "2")[n % 2], (TOKEN, "t")[n % 2]
        await simulator.client.customer_says(number, customer, f"hi {n}")
        text = {"messaging_product": "whatsapp", "to": f"+{customer}", "text": {"body": "hello"}}
        await simulator.post(text | {"biz_opaque_callback_data": f"m{n}.1"}, number=number, token=token)

    for first in range(0, messages, 8):
        await asyncio.gather(*(exchange(n) for n in range(first, first + 8)))
    await simulator.client.settle()


async def test_webhooks_come_late_in_another_order_and_all_of_them(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.add_fault("late", call="webhook", seconds=0.3)
    began = time.perf_counter()
    said = [await simulator.client.customer_says(NUMBER, f"4915550{n:02}", "hi") for n in range(12)]
    assert time.perf_counter() - began < 0.3
    assert not await simulator.client.settle(_SOON)
    assert await simulator.client.settle()
    came = [message["id"] for message in webhook.messages]
    assert sorted(came) == sorted(said)
    assert came != said


async def test_webhooks_are_doubled(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.add_fault("duplicate", call="webhook", copies=3, count=1)
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.client.customer_says(NUMBER, CUSTOMER, "there")
    await simulator.client.settle()
    assert Counter(message["text"]["body"] for message in webhook.messages) == {"hi": 3, "there": 1}


async def test_a_webhook_is_repeated_though_it_was_answered_200(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.add_fault("repeat", call="webhook", copies=3, count=1)
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    assert await simulator.client.settle()
    assert len(webhook.messages) == 3
    webhooks = (await simulator.client.account())["webhooks"]
    assert (webhooks["bodies"], webhooks["delivered"], webhooks["unheard"], webhooks["attempts"]) == (1, 1, 2, 3)


async def test_batches_have_every_shape_and_lose_nothing(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.add_fault("batch", call="webhook", seconds=0.05)
    await _chat(simulator, 40)
    assert Counter(message["text"]["body"] for message in webhook.messages) == {f"hi {n}": 1 for n in range(40)}
    told = Counter(status["biz_opaque_callback_data"] for status in webhook.statuses)
    assert told == {f"m{n}.1": 3 for n in range(40)}
    assert webhook.requests < 80
    entries = [entry for body in webhook.bodies for entry in body["entry"]]
    assert any(len(body["entry"]) > 2 for body in webhook.bodies)
    assert any(len(entry["changes"]) > 1 for entry in entries)
    assert any(len(value.get("messages", [])) > 1 for value in webhook.values)
    for entry in entries:
        numbers = {change["value"]["metadata"]["phone_number_id"] for change in entry["changes"]}
        assert numbers == {NUMBER if entry["id"] == WABA else "2"}


async def test_a_batch_names_each_customer_once_and_not_in_the_order_of_messages(
    simulator: Simulated, webhook: Webhook
) -> None:
    await simulator.client.add_fault("batch", call="webhook", seconds=0.05)
    merged: list[dict[str, Any]] = []
    while not merged:
        for customer in ("4915550001", "4915550002", "4915550001"):
            await simulator.client.customer_says(NUMBER, customer, "hi")
        await simulator.client.settle()
        merged = [value for value in webhook.values if len(value["messages"]) == 3]
    assert [message["from"] for message in merged[0]["messages"]] == ["4915550001", "4915550002", "4915550001"]
    assert [contact["wa_id"] for contact in merged[0]["contacts"]] == ["4915550002", "4915550001"]


async def test_account_webhooks_keep_their_time_when_batches_are_made(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.add_fault("batch", call="webhook", seconds=0.05)
    await simulator.client.account_update("ACCOUNT_RESTRICTION", WABA, apply=False)
    await simulator.client.settle()
    assert abs(webhook.bodies[0]["entry"][0]["time"] - time.time()) < 5


async def test_what_waits_for_company_ends_with_the_simulator(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.add_fault("batch", call="webhook", seconds=30)
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    assert not await simulator.client.settle(_SOON)
    await asyncio.sleep(0)
    assert webhook.requests == 0
