"""Statuses that come late, in any order, or under a wamid that nobody knows."""

import asyncio

from tests.simulator.stage import CUSTOMER, NUMBER, WABA, Simulated, Webhook


async def test_statuses_come_late_by_as_much_as_was_ordered(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.client.settle()
    await simulator.client.add_fault("late", seconds=0.3, count=1)
    await simulator.send(biz_opaque_callback_data="m1.1")
    await simulator.send(biz_opaque_callback_data="m2.1")
    await asyncio.sleep(0.15)
    assert {status["biz_opaque_callback_data"] for status in webhook.statuses} == {"m2.1"}
    await simulator.client.settle()
    assert [status["biz_opaque_callback_data"] for status in webhook.statuses][3:] == ["m1.1"] * 3


async def test_statuses_of_one_message_are_shuffled(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.client.change_number(NUMBER, status_interval=0.02)
    await simulator.client.add_fault("shuffle")
    orders = set()
    for _ in range(8):
        seen = len(webhook.statuses)
        await simulator.send()
        await simulator.client.settle()
        orders.add(tuple(status["status"] for status in webhook.statuses[seen:]))
    assert len(orders) > 2


async def test_a_failed_status_names_neither_our_text_nor_a_wamid_that_was_answered(
    simulator: Simulated, webhook: Webhook
) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.client.add_fault("fail", foreign_id=True, count=1, details="no such user")
    answer = (await simulator.send(biz_opaque_callback_data="m1.1")).json()
    await simulator.client.settle()
    (failed,) = webhook.statuses
    assert failed["id"] != answer["messages"][0]["id"]
    assert "biz_opaque_callback_data" not in failed
    assert failed["errors"][0]["error_data"]["details"] == "no such user"
    assert (await simulator.client.account())["failed"] == 1


async def test_a_failure_is_told_though_statuses_are_withheld(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.client.add_fault("withhold")
    await simulator.client.add_fault("fail", count=1)
    for _ in range(2):
        await simulator.send()
    await simulator.client.settle()
    assert [status["status"] for status in webhook.statuses] == ["failed"]
    account = await simulator.client.account()
    assert (account["failed"], account["delivered"], account["withheld"]) == (1, 1, 1)


async def test_a_username_comes_once_the_message_has_reached_its_user(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.set_customer(NUMBER, CUSTOMER, username="mira")
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.send()
    await simulator.client.settle()
    told = {value["statuses"][0]["status"]: value["contacts"][0]["profile"] for value in webhook.values[1:]}
    assert {status for status, profile in told.items() if "username" in profile} == {"delivered", "read"}
    assert "sent" in told


async def test_a_message_is_charged_by_its_templates_category(simulator: Simulated, webhook: Webhook) -> None:
    template = {"name": "news", "language": {"code": "en"}}
    await simulator.send(type="template", text=None, template=template)
    await simulator.client.add_template(WABA, "news", "en", [{"type": "BODY", "text": "Hello"}], category="MARKETING")
    await simulator.send(type="template", text=None, template=template)
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.send()
    await simulator.client.settle()
    charged = [status["pricing"]["category"] for status in webhook.statuses if status["status"] == "sent"]
    assert sorted(charged) == ["marketing", "service", "utility"]
