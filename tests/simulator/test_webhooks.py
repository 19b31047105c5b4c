import json
from collections import Counter
from datetime import timedelta

from tests.simulator.stage import CUSTOMER, NUMBER, WABA, Simulated, Webhook


async def test_a_reply_brings_sent_delivered_and_read_with_our_own_text(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.change_number(NUMBER, status_interval=0.1)
    wamid = await simulator.client.customer_says(NUMBER, CUSTOMER, "hi", name="Sheena")
    await simulator.send(biz_opaque_callback_data="m1.1")
    assert await simulator.client.settle()
    assert webhook.refused == 0
    inbound = webhook.messages[0]
    assert (inbound["id"], inbound["from"], inbound["text"]) == (wamid, CUSTOMER, {"body": "hi"})
    assert isinstance(inbound["timestamp"], str)
    assert [status["status"] for status in webhook.statuses] == ["sent", "delivered", "read"]
    assert {status["biz_opaque_callback_data"] for status in webhook.statuses} == {"m1.1"}
    assert {status["recipient_id"] for status in webhook.statuses} == {CUSTOMER}
    assert all("conversation" not in status for status in webhook.statuses)
    assert webhook.bodies[0]["entry"][0]["id"] == WABA
    assert webhook.values[0]["metadata"] == {"display_phone_number": "15550783881", "phone_number_id": NUMBER}


async def test_a_customer_has_one_bsuid_per_portfolio(simulator: Simulated, webhook: Webhook) -> None:
    for number, portfolio in (("1", "p1"), ("2", "p1"), ("3", "p2")):
        knobs = {"business_id": portfolio}
        await simulator.client.add_number(number, "w", display_phone_number=f"1555{number}", token=number, **knobs)
        await simulator.client.customer_says(number, CUSTOMER, "hi")
        await simulator.client.settle()
    one, two, three = (message["from_user_id"] for message in webhook.messages)
    assert one == two != three


async def test_anything_but_200_is_repeated_until_it_is_200(simulator: Simulated, webhook: Webhook) -> None:
    webhook.answer = lambda request: {1: 503, 2: 202, 3: 401}.get(request, 200)
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    assert await simulator.client.settle()
    assert len(webhook.messages) == 1
    webhooks = (await simulator.client.account())["webhooks"]
    assert webhooks["answered"] == {"200": 1, "202": 1, "401": 1, "503": 1}
    assert (webhooks["attempts"], webhooks["delivered"], webhooks["pending"]) == (4, 1, 0)


async def test_a_webhook_that_is_not_there_is_tried_until_it_is(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.set_webhook("http://127.0.0.1:9/hook")
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    assert not await simulator.client.settle(timedelta(milliseconds=60))
    assert (await simulator.client.account())["webhooks"]["unreachable"] >= 1
    await simulator.client.set_webhook(webhook.url)
    assert await simulator.client.settle()
    assert len(webhook.messages) == 1


async def test_metas_patience_ends(simulator: Simulated, webhook: Webhook) -> None:
    webhook.answer = lambda _: 500
    await simulator.client.set_webhook(retry_for=0.05)
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    assert await simulator.client.settle()
    assert (await simulator.client.account())["webhooks"]["given_up"] == 1


async def test_each_body_is_delivered_as_often_as_asked(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.change_number(NUMBER, webhook_copies=3)
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.send()
    await simulator.client.settle()
    assert Counter(message["text"]["body"] for message in webhook.messages) == {"hi": 3}
    assert Counter(status["status"] for status in webhook.statuses) == {"sent": 3, "delivered": 3, "read": 3}


async def test_statuses_are_shuffled_repeatably(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.change_number(NUMBER, shuffle_statuses=True, status_interval=0.02)
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    orders = set()
    for _ in range(8):
        seen = len(webhook.statuses)
        await simulator.send()
        await simulator.client.settle()
        orders.add(tuple(status["status"] for status in webhook.statuses[seen:]))
    assert len(orders) > 2


async def test_statuses_can_be_held_and_released(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.change_number(NUMBER, hold_statuses=True)
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.send()
    await simulator.client.settle()
    assert webhook.statuses == []
    assert await simulator.client.release_statuses(NUMBER, shuffle=True) == 3
    await simulator.client.settle()
    assert len(webhook.statuses) == 3


async def test_a_status_can_overtake_the_answer(simulator: Simulated, webhook: Webhook) -> None:
    knobs = {"answer_delay": 0.4, "statuses_before_answer": True, "statuses": ["sent"]}
    await simulator.client.change_number(NUMBER, **knobs)
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    answer = await simulator.send()
    assert webhook.statuses[0]["id"] == answer.json()["messages"][0]["id"]


async def test_updates_are_collected_into_batches(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.add_number("2", "another", display_phone_number="15552", token="t")
    await simulator.client.collect()
    for number in (NUMBER, NUMBER, "2", NUMBER, "2"):
        await simulator.client.customer_says(number, CUSTOMER, "hi")
    assert webhook.requests == 0
    assert await simulator.client.flush(size=4) == 2
    await simulator.client.settle()
    batch = max(webhook.bodies, key=lambda body: len(body["entry"]))
    entries = [(entry["id"], len(entry["changes"])) for entry in batch["entry"]]
    assert entries == [(WABA, 2), ("another", 1), (WABA, 1)]
    assert len(webhook.messages) == 5
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.client.settle()
    assert len(webhook.messages) == 6


async def test_a_thousand_updates_fit_one_post(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.collect()
    await simulator.client.emit(WABA, "messages", {"messaging_product": "whatsapp"}, copies=1000)
    await simulator.client.emit(WABA, "messages", {"messaging_product": "whatsapp"}, copies=1)
    assert await simulator.client.flush() == 2
    await simulator.client.settle()
    assert max(len(body["entry"][0]["changes"]) for body in webhook.bodies) == 1000


async def test_deliveries_keep_to_the_connections_allowed(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.set_webhook(connections=2)
    await simulator.client.emit(WABA, "account_update", {"event": "ACCOUNT_RESTRICTION"}, copies=20)
    assert await simulator.client.settle()
    assert (webhook.requests, webhook.most_at_once) == (20, 2)


async def test_a_raw_body_is_delivered_as_it_is_and_many_at_once(simulator: Simulated, webhook: Webhook) -> None:
    body = json.dumps({"object": "whatsapp_business_account", "entry": [], "name": "Zoë"}).encode()
    assert await simulator.client.send_raw(body, times=10) == [200] * 10
    assert webhook.most_at_once > 1
    assert webhook.bodies[0]["name"] == "Zoë"
    assert await simulator.client.send_raw(body, signature="wrong") == [403]
    assert await simulator.client.send_raw(body, signature="none") == [403]
    assert await simulator.client.send_raw(body, url="http://127.0.0.1:9/") == [None]
    webhook.answer = lambda _: 500
    assert await simulator.client.send_raw(body) == [500]
    assert await simulator.client.settle()


async def test_the_dashboards_sample_has_the_entry_id_0(simulator: Simulated, webhook: Webhook) -> None:
    assert await simulator.client.dashboard_sample() == [200]
    assert webhook.bodies[0]["entry"][0]["id"] == "0"


async def test_the_webhook_address_is_verified_by_its_challenge(simulator: Simulated, webhook: Webhook) -> None:
    assert webhook.requests == 0
    assert await simulator.client.verify_webhook("verify-me")
    assert not await simulator.client.verify_webhook("another")


async def test_a_message_may_be_of_any_type_and_lack_its_contacts(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.customer_says(
        NUMBER,
        CUSTOMER,
        type="unsupported",
        extra={"errors": [{"code": 131051}]},
        contacts=False,
    )
    await simulator.client.settle()
    assert webhook.messages[0]["errors"] == [{"code": 131051}]
    assert "unsupported" not in webhook.messages[0]
    assert "contacts" not in webhook.values[0]


async def test_the_time_stands_in_webhooks_of_accounts_alone_collected_or_not(
    simulator: Simulated, webhook: Webhook
) -> None:
    for collected in (False, True):
        if collected:
            await simulator.client.collect()
        await simulator.client.emit(WABA, "account_update", {"event": "ACCOUNT_VIOLATION"})
        await simulator.client.account_update("ACCOUNT_VIOLATION", WABA)
        await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.client.flush()
    await simulator.client.settle()
    entries = [entry for body in webhook.bodies for entry in body["entry"]]
    timed = {(change["field"], "time" in entry) for entry in entries for change in entry["changes"]}
    assert timed == {("account_update", True), ("messages", False)}
