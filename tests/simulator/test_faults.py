import asyncio
import time
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.simulator.stage import CUSTOMER, NUMBER, Simulated, Webhook


async def _accepted(simulator: Simulated) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await simulator.client.account(NUMBER, lists=True))["accepted_messages"]
    return rows


async def test_a_message_is_accepted_though_the_connection_drops(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.client.add_fault("drop", count=1)
    with pytest.raises(httpx.TransportError):
        await simulator.send(biz_opaque_callback_data="m1.1")
    assert (await simulator.send()).status_code == 200
    dropped, answered = await _accepted(simulator)
    assert (dropped["outcome"], dropped["answer"], answered["answer"]) == ("delivered", "drop", "answer")
    await simulator.client.settle()
    assert sum(status.get("biz_opaque_callback_data") == "m1.1" for status in webhook.statuses) == 3


async def test_an_answer_is_cut_in_the_middle(simulator: Simulated) -> None:
    await simulator.client.add_fault("cut", count=1)
    with pytest.raises(httpx.RemoteProtocolError):
        await simulator.send()
    assert len(await _accepted(simulator)) == 1


async def test_a_connection_drops_before_the_message_was_accepted(simulator: Simulated) -> None:
    await simulator.client.add_fault("drop", accepted=False)
    with pytest.raises(httpx.TransportError):
        await simulator.send()
    account = await simulator.client.account()
    assert (account["accepted"], account["lost_unaccepted"]) == (0, 1)


@pytest.mark.parametrize(("code", "status"), [(None, 500), (131000, 500), (131016, 503)])
async def test_a_message_is_accepted_though_the_answer_is_an_error(
    simulator: Simulated, code: int | None, status: int
) -> None:
    await simulator.client.add_fault("server_error", code=code)
    answer = await simulator.send()
    assert answer.status_code == status
    if code is None:
        assert not answer.headers["content-type"].startswith("application/json")
    else:
        assert answer.json()["error"]["code"] == code
    assert len(await _accepted(simulator)) == 1


async def test_a_slow_answer_comes_after_the_statuses(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.client.add_fault("slow", seconds=0.4)
    began = time.perf_counter()
    await simulator.send()
    assert time.perf_counter() - began >= 0.4
    assert {status["status"] for status in webhook.statuses} == {"sent", "delivered", "read"}


async def test_a_message_reaches_the_customer_though_the_caller_did_not_wait(simulator: Simulated) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.client.change_number(NUMBER, answer_delay=0.3)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await simulator.send()
    assert (await simulator.client.conversation(NUMBER, CUSTOMER))["replies"] == []
    assert (await simulator.client.wait_for_reply(NUMBER, CUSTOMER)).text == "hello"


async def test_a_refusal_carries_what_was_ordered(simulator: Simulated) -> None:
    fault = {"subcode": 2494055, "http_status": 429, "is_transient": False, "details": "enough"}
    await simulator.client.add_fault("refuse", code=130429, **fault)
    answer = await simulator.send()
    error = answer.json()["error"]
    assert answer.status_code == 429
    assert (error["code"], error["error_subcode"], error["error_data"]["details"]) == (130429, 2494055, "enough")
    assert "is_transient" not in error
    assert await _accepted(simulator) == []


async def test_a_message_fails_late_and_never_reaches_the_customer(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.client.add_fault("fail", code=131026)
    assert (await simulator.send(biz_opaque_callback_data="m1.1")).status_code == 200
    await simulator.client.settle()
    status = webhook.statuses[0]
    assert (status["status"], status["recipient_id"]) == ("failed", CUSTOMER)
    assert status["errors"][0]["code"] == 131026
    assert "recipient_user_id" not in status
    assert "contacts" not in webhook.values[-1]
    assert (await simulator.client.conversation(NUMBER, CUSTOMER))["replies"] == []
    assert (await simulator.client.account())["unanswered"] == 1


async def test_a_messages_statuses_are_withheld_or_doubled(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.client.add_fault("withhold", count=1)
    await simulator.send()
    await simulator.client.settle()
    assert webhook.statuses == []
    await simulator.client.add_fault("duplicate", copies=2)
    await simulator.send()
    await simulator.client.settle()
    assert len(webhook.statuses) == 6
    assert (await simulator.client.account())["withheld"] == 1


async def test_a_fault_meets_only_its_number_recipient_and_call(simulator: Simulated) -> None:
    await simulator.client.add_fault("refuse", phone_number_id="another", code=1)
    await simulator.client.add_fault("refuse", recipient="1999", code=1)
    fault = await simulator.client.add_fault("refuse", call="read", code=131000)
    assert (await simulator.send()).status_code == 200
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1"}
    assert (await simulator.post(read)).json()["error"]["code"] == 131000
    assert [fault["hits"] for fault in await simulator.client.faults()] == [0, 0, 1]
    await simulator.client.end_faults(fault)
    assert (await simulator.post(read)).status_code == 200
    await simulator.client.end_faults()
    assert await simulator.client.faults() == []


async def test_a_fault_by_probability_meets_its_share(simulator: Simulated) -> None:
    await simulator.client.change_number(NUMBER, throughput=0, pair_limit=False)
    await simulator.client.add_fault("refuse", probability=0.3, code=1)
    answers = await asyncio.gather(*(simulator.send() for _ in range(100)))
    assert 15 <= sum(answer.status_code != 200 for answer in answers) <= 45


async def test_doubled_counts_a_message_that_reached_the_customer_twice(simulator: Simulated) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.client.add_fault("fail", count=1, code=131026)
    for data in ("failed-first.1", "failed-first.2", "twice.1", "twice.2", "once.1"):
        await simulator.send(biz_opaque_callback_data=data)
    account = await simulator.client.account(lists=True)
    assert (account["doubled"], account["doubled_ids"]) == (1, ["twice"])
    assert (account["repeated"], account["repeated_ids"]) == (2, ["failed-first", "twice"])
    assert [row["callback_data"] for row in account["accepted_messages"]][-1] == "once.1"
    other = await simulator.client.account("another number", lists=True)
    assert (other["accepted"], other["doubled_ids"]) == (0, [])


async def test_what_was_said_last_is_unanswered_until_a_reply_comes(simulator: Simulated) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.send()
    wamid = await simulator.client.customer_says(NUMBER, CUSTOMER, "and?")
    account = await simulator.client.account(lists=True)
    expected = {"phone_number_id": NUMBER, "customer": CUSTOMER, "wamid": wamid}
    assert (account["inbound"], account["unanswered_messages"]) == (2, [expected])
    await simulator.send()
    assert (await simulator.client.account())["unanswered"] == 0


async def test_the_load_counts_exchanges_and_replaces_its_customers(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.change_number(NUMBER, throughput=0, statuses=[])
    running = asyncio.create_task(
        simulator.client.run_load(NUMBER, customers=2, duration=timedelta(seconds=2), exchanges_each=3, patience=0.3)
    )
    answered = 0
    while not running.done():
        for message in webhook.messages[answered:]:
            answered += 1
            if answered <= 20:
                await simulator.send(to=f"+{message['from']}")
        await asyncio.sleep(0.005)
    report = await running
    assert report.exchanges == 20
    assert report.unanswered >= 2
    assert report.customers_used >= 6
    assert report.p50_ms is not None
    assert 0 < report.p50_ms < 300
