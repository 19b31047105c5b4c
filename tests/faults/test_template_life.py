"""A template's life in a whole installation: made, reviewed, sent, paused, edited, moved, disabled, deleted.

Meta's part is the simulator's, and all that Holdfast hears of it are webhooks; what is sent, conversations' runs send.
"""

from dataclasses import dataclass
from typing import Any

import httpx

from tests.faults.house import House, new_customers

TEMPLATES = "/api/v1/whatsapp/templates"
_ABOUT = ("shipped", "en_US")
_BODY = {"type": "BODY", "text": "Hello {{1}}, your order {{2}} is on its way."}
_SHORTER = {"type": "BODY", "text": "Your order {{1}} is on its way."}


@dataclass
class Life:
    """The template, as the business's own software sees it."""

    house: House
    client: httpx.AsyncClient
    customers: list[str]
    sent: int = 0

    async def make(self) -> Any:
        made = await self.client.post(
            TEMPLATES,
            json={"name": "shipped", "language": "en_US", "category": "UTILITY", "components": [_BODY]},
        )
        assert made.status_code == 201, made.text
        return made.json()

    async def decide(self, event: str, **parts: Any) -> None:
        """Meta decides; nothing but its webhook tells us."""
        assert await self.house.simulator.decide_template(self.house.line.waba_id, *_ABOUT, event, **parts)

    async def is_told(self, **wanted: str) -> None:
        """Wait until the API tells this of the template."""

        async def told() -> bool:
            found = (await self.client.get(TEMPLATES, params={"deleted": True})).json()["items"]
            return bool(found and wanted.items() <= found[0].items())

        await self.house.until(told, within=15, what=f"the API tells {wanted}")

    async def queue(self, *values: str, to: str | None = None) -> Any:
        parameters = [{"type": "text", "text": value} for value in values]
        template = {"name": "shipped", "language": {"code": "en_US"}}
        components = [{"type": "body", "parameters": parameters}]
        request = {"to": f"+{to or self.customers[0]}", "template": template | {"components": components}}
        return await self.client.post("/api/v1/whatsapp/send-proactive-message", json=request)

    async def arrives(self, *values: str) -> None:
        """Send it, and wait until the customer has it."""
        queued = await self.queue(*values)
        assert queued.status_code == 202, queued.text
        self.sent += 1
        await self.become(queued.json()["message_id"], "accepted", "delivery IN ('delivered', 'read')")
        last = (await self.house.simulator.sent(self.house.line.phone_number_id, self.customers[0]))[-1]
        assert [one["text"] for one in last.content["components"][0]["parameters"]] == list(values)

    async def become(self, message_id: str, state: str, also: str = "true") -> str | None:
        """Wait until a message is in this state; the reason that stands at it."""
        query = f"SELECT reason FROM messages WHERE id = CAST(:id AS uuid) AND state = :state AND {also}"  # noqa: S608 - ours

        async def is_so() -> bool:
            return bool(await self.house.rows(query, id=message_id, state=state))

        await self.house.until(is_so, within=20, what=f"a message is {state}")
        [row] = await self.house.rows(query, id=message_id, state=state)
        return None if row.reason is None else str(row.reason)

    async def is_refused(self, says: str, *values: str, code: str = "template_unusable", to: str | None = None) -> None:
        """It is refused at once, and nothing is queued."""
        refused = await self.queue(*(values or ("Ada", "4711")), to=to)
        assert not refused.is_success
        assert (refused.json()["code"], says in refused.text) == (code, True), refused.text

    async def enable(self, *, enabled: bool) -> None:
        number = f"/api/v1/channels/whatsapp/integrations/{self.house.line.integration_id}"
        assert (await self.client.put(number, json={"enabled": enabled})).is_success


async def test_a_template_lives_from_its_making_to_its_end_and_is_sent_only_while_meta_would_take_it(
    house: House,
) -> None:
    async with httpx.AsyncClient(base_url=house.stack.api_url, trust_env=False, timeout=20) as client:
        client.headers["Authorization"] = f"Bearer {house.line.api_key}"
        life = Life(house, client, new_customers(2))
        path = f"{TEMPLATES}/{(await life.make())['id']}"
        await life.is_refused("Meta has not reviewed the template yet.")
        await life.decide("APPROVED")
        await life.is_told(status="APPROVED")
        await life.arrives("Ada", "4711")

        await _is_paused_while_a_message_waits(life)

        changed = await client.put(path, json={"components": [_SHORTER]})
        assert (changed.status_code, changed.json()["status"]) == (200, "PENDING"), changed.text
        await life.is_refused("Meta has not reviewed the template yet.", "4712")
        await life.decide("APPROVED")
        await life.is_told(status="APPROVED")
        await life.is_refused("template.components[0].parameters", "Ada", "4712", code="invalid_request")
        await life.arrives("4712")

        await _becomes_marketing(life)

        await life.decide("DISABLED")
        await life.is_told(status="DISABLED")
        await life.is_refused("Make a new template that customers expect.", "4714")
        assert (await client.delete(path)).is_success
        await life.is_told(status="DELETED")
        assert (await client.get(TEMPLATES)).json()["items"] == []
        assert await house.simulator.templates(house.line.waba_id) == []
        await life.is_refused("Meta has deleted this template.", "4714", code="template_unknown")

        taken = await house.simulator.sent(house.line.phone_number_id)
        assert [message.type for message in taken].count("template") == life.sent
        assert (await house.account())["refused"] == {}, "what was refused here Meta never saw"
        await house.no_run_failed()


async def _is_paused_while_a_message_waits(life: Life) -> None:
    """What waits ends with the reason when it could leave; what comes meanwhile is refused at once."""
    await life.enable(enabled=False)
    waiting = (await life.queue("Ada", "4712")).json()["message_id"]
    await life.decide("PAUSED", parts={"other_info": {"title": "FIRST_PAUSE", "description": "Paused for 3 hours."}})
    await life.is_told(status="PAUSED")
    await life.is_refused("Paused for 3 hours.")
    await life.enable(enabled=True)
    reason = await life.become(waiting, "failed")
    assert reason is not None
    assert reason.startswith("Meta has paused the template")
    await life.decide("REINSTATED")
    await life.is_told(status="APPROVED")


async def _becomes_marketing(life: Life) -> None:
    """Whoever has stopped marketing gets it no more, others do."""
    stopped = life.customers[1]
    await life.house.says(stopped, "STOP")
    about = (life.house.line.waba_id, *_ABOUT)
    assert await life.house.simulator.rate_template(*about, "YELLOW")
    assert await life.house.simulator.move_template(*about, "MARKETING")
    await life.is_told(category="MARKETING", quality="YELLOW", status="APPROVED")

    async def has_stopped() -> bool:
        query = "SELECT 1 FROM contacts WHERE organization_id = :organization AND marketing_source = 'stop_word'"
        return bool(await life.house.rows(query, organization=life.house.line.organization_id))

    await life.house.until(has_stopped, within=10, what="the stop is recorded")
    await life.is_refused("stopped marketing", "4713", code="opted_out", to=stopped)
    await life.arrives("4713")
