"""Fifty offers wait, one customer says stop meanwhile: forty-nine leave, and the one says why it did not."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.faults.house import House, new_customers
from tests.rows import Number, change
from tests.templates import at_meta, synced

SEND = "/api/v1/whatsapp/send-proactive-message"
_BODY = [{"type": "BODY", "text": "Hello"}]
_STOPPED = """
    SELECT t.id FROM contacts t JOIN conversations c ON c.contact_id = t.id
    WHERE c.integration_id = :line AND t.marketing_source = 'stop_word'
"""
_CONTACT = """
    SELECT t.id, t.marketing_source FROM contacts t JOIN conversations c ON c.contact_id = t.id
    WHERE c.integration_id = :line
"""
_REFUSED = "SELECT id, reason FROM messages WHERE integration_id = :line AND state = 'failed'"
_CATEGORIES = {"offer": "MARKETING", "shipped": "UTILITY"}


async def _make_templates(house: House) -> None:
    """At the simulator and here, as a check would read them."""
    line = house.line
    for name, category in _CATEGORIES.items():
        await house.simulator.add_template(line.waba_id, name, "en", _BODY, category=category)
    number = Number(line.organization_id, line.organization_id, line.integration_id, line.waba_id, "", "", "")
    templates = [at_meta(name, "en", category=category, components=_BODY) for name, category in _CATEGORIES.items()]
    await synced(house.database, number, *templates)


async def _send(client: httpx.AsyncClient, customer: str, name: str) -> Any:
    request = {"to": f"+{customer}", "template": {"name": name, "language": {"code": "en"}}}
    answer = await client.post(SEND, json=request)
    return answer.status_code, answer.json()


async def test_of_fifty_offers_that_wait_forty_nine_leave_when_one_customer_says_stop_meanwhile(house: House) -> None:
    await _make_templates(house)
    customers = new_customers(50)
    async with httpx.AsyncClient(base_url=house.stack.api_url, trust_env=False, timeout=20) as client:
        client.headers["Authorization"] = f"Bearer {house.line.api_key}"
        number = f"/api/v1/channels/whatsapp/integrations/{house.line.integration_id}"
        assert (await client.put(number, json={"enabled": False})).status_code == 200
        sent = await asyncio.gather(*(_send(client, customer, "offer") for customer in customers))
        assert {status for status, _ in sent} == {202}
        await house.says(customers[17], "Stop!")

        async def is_told() -> bool:
            return len(await house.rows(_STOPPED)) == 1

        await house.until(is_told, within=10, what="the stop is recorded")
        assert await house.states("out") == {"queued": 50}
        assert (await client.put(number, json={"enabled": True})).status_code == 200

        async def is_over() -> bool:
            return (await house.states("out")) == {"accepted": 49, "failed": 1}

        await house.until(is_over, within=40, what="49 leave and one ends")
        (refused,) = await house.rows(_REFUSED)
        assert str(refused.id) == sent[17][1]["message_id"]
        assert refused.reason.startswith("The contact has stopped marketing messages: since ")
        assert refused.reason.endswith(" UTC, by a word that they wrote.")
        assert (await house.account())["accepted"] == 49
        assert await house.simulator.sent(house.line.phone_number_id, customers[17]) == []
        status, problem = await _send(client, customers[17], "offer")
        assert (status, problem["code"]) == (409, "opted_out")
        assert (await _send(client, customers[17], "shipped"))[0] == 202

    async def has_left() -> bool:
        return len(await house.simulator.sent(house.line.phone_number_id, customers[17])) == 1

    await house.until(has_left, within=10, what="what is no marketing leaves")


async def test_a_choice_in_whatsapp_is_known_here_and_one_that_was_missed_is_learned_from_metas_refusal(
    house: House,
) -> None:
    await _make_templates(house)
    (customer,) = new_customers(1)
    number = house.line.phone_number_id

    async def told_by(*sources: str | None) -> None:
        async def is_told() -> bool:
            return any(row.marketing_source in sources for row in await house.rows(_CONTACT))

        await house.until(is_told, within=10, what=f"it is told by {sources}")

    async with httpx.AsyncClient(base_url=house.stack.api_url, trust_env=False, timeout=20) as client:
        client.headers["Authorization"] = f"Bearer {house.line.api_key}"
        assert await house.simulator.customer_prefers(number, customer, "stop")
        await told_by("preference")
        status, problem = await _send(client, customer, "offer")
        assert (status, problem["code"]) == (409, "opted_out")
        assert problem["detail"].endswith("by their choice in WhatsApp.")
        (contact,) = await house.rows(_CONTACT)
        await change(house.database, "DELETE FROM consents WHERE contact_id = :id", id=contact.id)
        await change(
            house.database,
            "UPDATE contacts SET marketing_stopped_at = NULL, marketing_source = NULL WHERE id = :id",
            id=contact.id,
        )
        assert (await _send(client, customer, "offer"))[0] == 202
        await told_by("answer", "status")
        status, problem = await _send(client, customer, "offer")
        assert (status, "131050" in problem["detail"]) == (409, True)
        later = datetime.now(UTC) + timedelta(seconds=1)  # Meta tells whole seconds
        assert await house.simulator.customer_prefers(number, customer, "resume", timestamp=later)
        await told_by("preference")
        assert (await _send(client, customer, "offer"))[0] == 202

    async def has_left() -> bool:
        return (await house.states("out"))["accepted"] == 1

    await house.until(has_left, within=10, what="the offer leaves once it is wanted again")
