"""Templates over the API, with Meta behind it; and their lives, told by Meta's webhooks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from intake.batches import process
from store.engine import Database
from tests.api.edge import WEBHOOK, Tenant, stored_bodies, tenant
from tests.api.linked import Linked, linked
from tests.rows import change, events, row, rows
from tests.templates import BODY, NAMED, message, template_row
from tests.waiting import until

TEMPLATES = "/api/v1/whatsapp/templates"
MAKE = {"name": "shipped", "language": "en_US", "category": "UTILITY", "components": [BODY]}


@dataclass
class House:
    """A tenant, its API and its Meta."""

    stage: Linked
    tenant: Tenant
    other: Tenant

    async def get(self, path: str = "", **params: Any) -> Any:
        return (await self.tenant.client.get(TEMPLATES + path, params=params)).json()

    async def send(self, *values: str, name: str = "shipped", language: str = "en_US") -> Any:
        said = {"to": f"+{self.tenant.wa_id}", "type": "template"} | message(name, language, *values)
        return await self.tenant.client.post("/api/v1/whatsapp/send-message", json=said)

    async def at_meta(self, name: str = "shipped", language: str = "en_US", **details: Any) -> Any:
        return await self.stage.meta.add_template(self.waba_id, name, language, [BODY], **details)

    async def hear(self, bodies: int) -> None:
        """Wait until so many webhooks came in all, and apply them."""

        async def came() -> bool:
            return len(await stored_bodies(self.stage.api.database)) >= bodies

        await until(came, seconds=5)
        while (await process(self.stage.api.database, limit=100)).events:
            pass

    @property
    def waba_id(self) -> str:
        return self.tenant.number.waba_id


@asynccontextmanager
async def opened(database: Database, url: str) -> AsyncIterator[House]:
    async with (
        linked(database, url) as stage,
        tenant(stage.api) as ours,
        tenant(stage.api, digits="15550002", wa_id="491700000002") as other,
    ):
        await stage.meta.set_webhook(stage.api.url + WEBHOOK)
        for one in (ours, other):
            number = one.number
            await stage.meta.add_number(
                number.phone_number_id, number.waba_id, display_phone_number=number.phone_number, token=number.token
            )
        yield House(stage, ours, other)


@pytest.fixture
async def house(database: Database, database_url: str) -> AsyncIterator[House]:
    async with opened(database, database_url) as made:
        yield made


async def audited(database: Database) -> list[Any]:
    query = "SELECT actor, action FROM audit_log WHERE action LIKE 'template%' ORDER BY id"
    return [(one.actor, one.action) for one in await rows(database, query)]


async def test_a_template_is_made_changed_and_deleted_at_meta_and_kept_here(house: House, database: Database) -> None:
    client = house.tenant.client
    made = await client.post(TEMPLATES, json=MAKE | {"parameter_format": "POSITIONAL"})  # in Meta's own letters
    assert made.status_code == 201, made.text
    template = made.json()
    assert template["parameter_format"] == "positional"
    assert (template["status"], template["usable"], template["waba_id"]) == ("PENDING", False, house.waba_id)
    (kept,) = await house.stage.meta.templates(house.waba_id)
    assert (kept["id"], kept["parameter_format"]) == (template["meta_id"], "POSITIONAL")
    assert (await house.get(f"/{template['id']}")) == template

    await house.stage.meta.decide_template(house.waba_id, "shipped", "en_US", "APPROVED", tell=False)
    shorter = [{"type": "BODY", "text": "Your order {{1}} is on its way."}]
    changed = await client.put(f"{TEMPLATES}/{template['id']}", json={"components": shorter})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["status"], changed.json()["components"]) == ("PENDING", shorter)

    deleted = await client.delete(f"{TEMPLATES}/{template['id']}")
    assert [one["status"] for one in deleted.json()["deleted"]] == ["DELETED"]
    assert await house.stage.meta.templates(house.waba_id) == []
    assert (await house.get())["items"] == []
    assert [one["id"] for one in (await house.get(deleted=True))["items"]] == [template["id"]]
    actions = [("key", f"template.{done}") for done in ("made", "changed", "deleted")]
    assert await audited(database) == actions


async def test_all_languages_are_deleted_on_request(house: House) -> None:
    for language in ("en_US", "nl", "de"):
        await house.at_meta(language=language)
    await house.tenant.client.post(f"{TEMPLATES}/sync")
    first = (await house.get())["items"][0]
    deleted = await house.tenant.client.delete(f"{TEMPLATES}/{first['id']}", params={"all_languages": True})
    assert len(deleted.json()["deleted"]) == 3
    assert await house.stage.meta.templates(house.waba_id) == []


async def test_what_meta_does_not_take_comes_back_in_its_words(house: House, database: Database) -> None:
    edges = MAKE | {"components": [{"type": "BODY", "text": "{{1}} is on its way."}]}
    refused = await house.tenant.client.post(TEMPLATES, json=edges)
    assert (refused.status_code, refused.json()["code"]) == (422, "template_refused")
    assert "begins or ends with a variable" in refused.json()["detail"]
    assert (await house.get())["items"] == []
    assert await audited(database) == []


async def test_where_meta_gives_no_answer_nobody_says_that_it_was_done(house: House, database: Database) -> None:
    for fault in ("server_error", "drop"):
        await change(database, "UPDATE integrations SET check_due_at = NULL")
        await house.stage.meta.add_fault(fault, call="make_template", count=1)
        lost = await house.tenant.client.post(TEMPLATES, json=MAKE | {"name": fault})
        assert (lost.status_code, lost.json()["code"]) == (503, "meta_unavailable")
        assert "nobody knows" in lost.json()["detail"]
        integration = await row(database, "integrations", house.tenant.number.integration_id)
        assert integration.check_due_at is not None, fault
    read = await house.tenant.client.post(f"{TEMPLATES}/sync")
    assert (read.json()["templates"], read.json()["new"]) == (2, 2)


async def test_the_list_is_filtered_and_comes_in_pages(house: House) -> None:
    for place in range(5):
        category = "MARKETING" if place % 2 else "UTILITY"
        await house.at_meta(f"news_{place}", category=category)
    await house.tenant.client.post(f"{TEMPLATES}/sync", json={"waba_id": house.waba_id})
    seen, cursor = [], None
    for _ in range(3):
        page = await house.get(limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [one["name"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert (sorted(seen), cursor) == ([f"news_{place}" for place in range(5)], None)
    assert len((await house.get(category="MARKETING"))["items"]) == 2
    assert len((await house.get(name="news_1", language="en_US", status="APPROVED"))["items"]) == 1
    assert len((await house.get(phone_number_id=house.tenant.number.phone_number_id))["items"]) == 5
    assert (await house.get(waba_id="1"))["items"] == []


async def test_nobody_sees_or_changes_another_organizations_templates(house: House) -> None:
    await house.at_meta()
    await house.tenant.client.post(f"{TEMPLATES}/sync")
    (template,) = (await house.get())["items"]
    stranger, path = house.other.client, f"{TEMPLATES}/{template['id']}"
    assert (await stranger.get(TEMPLATES)).json()["items"] == []
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.put(path, json={"category": "MARKETING"})).status_code == 404
    assert (await stranger.delete(path)).status_code == 404
    assert (await stranger.post(f"{TEMPLATES}/sync", json={"waba_id": house.waba_id})).status_code == 404
    assert (await stranger.post(TEMPLATES, json=MAKE | {"waba_id": house.waba_id})).status_code == 404
    assert len(await house.stage.meta.templates(house.waba_id)) == 1


async def test_the_first_template_of_an_account_is_looked_for_at_meta_before_it_is_refused(house: House) -> None:
    await house.at_meta()
    sent = await house.send("Ada", "4711")
    assert sent.status_code == 202, sent.text
    assert len(await house.stage.meta.calls("templates")) == 1


async def test_a_name_that_nobody_has_costs_meta_one_call_a_minute(house: House, database: Database) -> None:
    await house.at_meta()
    for _ in range(3):
        refused = await house.send(name="shiped")
        assert (refused.status_code, refused.json()["code"]) == (422, "template_unknown")
    assert len(await house.stage.meta.calls("templates")) == 1
    await change(database, "UPDATE wabas SET templates_synced_at = templates_synced_at - interval '2 minutes'")
    refused_at_once = await asyncio.gather(*(house.send(name="shiped") for _ in range(10)))
    assert {answer.json()["code"] for answer in refused_at_once} == {"template_unknown"}
    assert len(await house.stage.meta.calls("templates")) == 2
    await change(database, "UPDATE wabas SET templates_synced_at = templates_synced_at - interval '2 minutes'")
    await house.at_meta("shiped")
    assert (await house.send("Ada", "4711", name="shiped")).status_code == 202


async def test_nothing_is_queued_where_nothing_is_known_and_meta_does_not_answer(house: House) -> None:
    await house.stage.meta.add_fault("refuse", call="templates", code=2)
    refused = await house.send("Ada", "4711")
    assert (refused.status_code, refused.json()["code"]) == (503, "meta_unavailable")


async def test_a_template_lives_by_metas_webhooks(house: House, database: Database) -> None:
    """Made here, approved, sent, rated, moved, paused while a message waits, resumed, disabled, deleted."""
    about = (house.waba_id, "shipped", "en_US")
    meta = house.stage.meta
    await house.tenant.client.post(TEMPLATES, json=MAKE)
    assert (await house.send("Ada", "4711")).json()["code"] == "template_unusable"

    assert await meta.decide_template(*about, "APPROVED")
    await house.hear(1)
    assert (await house.send("Ada", "4711")).status_code == 202

    assert await meta.rate_template(*about, "YELLOW")
    assert await meta.move_template(*about, "MARKETING")
    await house.hear(3)
    template = await template_row(database)
    assert (template.status, template.quality, template.category) == ("APPROVED", "YELLOW", "MARKETING")

    pause = {"other_info": {"title": "FIRST_PAUSE", "description": "Paused for 3 hours."}}
    assert await meta.decide_template(*about, "PAUSED", parts=pause)
    await house.hear(4)
    refused = (await house.send("Ada", "4711")).json()
    assert refused["code"] == "template_unusable"
    assert "Paused for 3 hours." in refused["detail"]

    assert await meta.decide_template(*about, "DISABLED")
    await house.hear(5)
    assert (await house.send("Ada", "4711")).json()["next_step"].startswith("Make a new template")
    assert await meta.decide_template(*about, "DELETED")
    await house.hear(6)
    assert (await house.get())["items"] == []
    told = [(kind, data.get("status")) for kind, data in await events(database) if kind.startswith("template")]
    assert told == [
        ("template.status_changed", "APPROVED"),
        ("template.category_changed", None),
        ("template.status_changed", "PAUSED"),
        ("template.status_changed", "DISABLED"),
        ("template.status_changed", "DELETED"),
    ]


async def test_named_parameters_are_checked_by_name(house: House) -> None:
    await house.stage.meta.add_template(house.waba_id, "named", "en_US", [NAMED], parameter_format="NAMED")
    said = {"to": f"+{house.tenant.wa_id}", "type": "template"}
    good = said | message("named", "en_US", first_name="Ada", order_id="4711")
    assert (await house.tenant.client.post("/api/v1/whatsapp/send-message", json=good)).status_code == 202
    bad = said | message("named", "en_US", first_name="Ada", order="4711")
    refused = await house.tenant.client.post("/api/v1/whatsapp/send-message", json=bad)
    assert refused.json()["detail"] == (
        "template.components[0].parameters[1].parameter_name: is none of the template's body (first_name, order_id); "
        "template.components[0].parameters: lacks order_id."
    )


async def test_a_list_is_not_asked_for_what_no_template_can_have(house: House) -> None:
    for name in ("name", "language", "status", "category"):
        refused = await house.tenant.client.get(TEMPLATES, params={name: "a\x00"})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, f"query.{name}")


@pytest.mark.parametrize(
    ("change_to", "field"),
    [
        ({"name": "Not Allowed"}, "name"),
        ({"language": "English"}, "language"),
        ({"category": "utility"}, "category"),
        ({"components": []}, "components"),
        # What Meta may take and nobody here could keep.
        ({"components": [BODY | {"text": "a NUL \x00"}]}, "components.0"),
        ({"components": [BODY | {"example": 2**70}]}, "components.0"),
        ({"parameter_format": "counted"}, "parameter_format"),
        ({"else": 1}, "else"),
    ],
)
async def test_what_is_no_template_is_refused_by_field(house: House, change_to: dict[str, Any], field: str) -> None:
    refused = await house.tenant.client.post(TEMPLATES, json=MAKE | change_to)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [f"body.{field}"]
    assert await house.stage.meta.calls("make_template") == []


async def test_an_account_that_has_no_number_connected_cannot_be_asked(house: House, database: Database) -> None:
    await change(database, "UPDATE integrations SET state = 'disconnected'")
    refused = await house.tenant.client.post(f"{TEMPLATES}/sync", json={"waba_id": house.waba_id})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
