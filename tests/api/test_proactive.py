"""`send-proactive-message`: whoever is written to becomes a contact by it, once, and only if it may be sent."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from store import consents
from store.claims import Claimed, Unclaimed, claim
from store.ids import new_id
from store.integrations import connect_number, set_state
from tests.api.edge import Edge, Tenant
from tests.intake.letters import Customer, Letters, ago, take_in
from tests.intake.people import ADA_NOW, changed
from tests.rows import KEYED_HASH, RING, change, row, rows
from tests.templates import at_meta, synced

SEND = "/api/v1/whatsapp/send-proactive-message"
NEW = "+31612345678"


def _template(name: str = "order_shipped", *values: str) -> dict[str, Any]:
    parameters = [{"type": "text", "text": value} for value in values]
    components = [{"type": "body", "parameters": parameters}] if values else []
    return {"name": name, "language": {"code": "en"}} | ({"components": components} if components else {})


async def _send(sender: Tenant, *, key: str | None = None, **request: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await sender.client.post(SEND, json={"template": _template()} | request, headers=headers)


async def _count(api: Edge) -> tuple[int, ...]:
    """Contacts, identities, conversations and messages of ours."""
    counts = await rows(
        api.database,
        "SELECT (SELECT count(*) FROM contacts) AS contacts, (SELECT count(*) FROM contact_identities) AS identities, "
        "(SELECT count(*) FROM conversations) AS conversations, "
        "(SELECT count(*) FROM messages WHERE direction = 'out') AS messages",
    )
    return tuple(counts[0])


@pytest.fixture
async def shop(api: Edge, bakery: Tenant) -> Tenant:
    """The bakery, with a template of each category."""
    made = (("order_shipped", "UTILITY"), ("offer", "MARKETING"), ("code", "AUTHENTICATION"))
    body = [{"type": "BODY", "text": "Hello"}]
    templates = [at_meta(name, "en", category=category, components=body) for name, category in made]
    await synced(api.database, bakery.number, *templates)
    return bakery


@pytest.mark.parametrize(
    ("to", "kind", "value"),
    [
        ({"to": "+31 6 1234-5678"}, "wa_id", "31612345678"),
        ({"user_id": "NL.1349001122334455"}, "bsuid", "NL.1349001122334455"),
    ],
)
async def test_somebody_new_becomes_a_contact_and_their_answer_comes_into_the_same_conversation(
    api: Edge, shop: Tenant, to: dict[str, str], kind: str, value: str
) -> None:
    answer = await _send(shop, **to)
    assert answer.status_code == 202, answer.text
    sent = answer.json()
    message = await row(api.database, "messages", UUID(sent["message_id"]))
    assert (message.type, message.state, message.author, message.category) == ("template", "queued", "api", "utility")
    assert message.template_id is not None
    conversation = await row(api.database, "conversations", UUID(sent["conversation_id"]))
    assert (str(conversation.contact_id), str(conversation.integration_id)) == (
        sent["contact_id"],
        sent["integration_id"],
    )
    assert sent["integration_id"] == str(shop.number.integration_id)
    assert conversation.due_at is not None
    assert conversation.window_opened_at is None
    (identity,) = await rows(
        api.database, "SELECT kind, value FROM contact_identities WHERE contact_id = :id", id=conversation.contact_id
    )
    assert tuple(identity) == (kind, value)
    wa_id, user_id = (value, None) if kind == "wa_id" else (None, value)
    customer = Customer(wa_id, user_id)
    await take_in(api.database, Letters(shop.number, customer).message("thank you", wamid="thanks"))
    (inbound,) = await rows(api.database, "SELECT conversation_id FROM messages WHERE wamid = 'thanks'")
    assert inbound.conversation_id == conversation.id


async def test_twenty_requests_for_the_same_new_person_at_once_make_one_contact(api: Edge, shop: Tenant) -> None:
    before = await _count(api)
    answers = await asyncio.gather(*(_send(shop, to=NEW) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["contact_id"] for answer in answers}) == 1
    assert len({answer.json()["message_id"] for answer in answers}) == 20
    assert [now - then for now, then in zip(await _count(api), before, strict=True)] == [1, 1, 1, 20]


async def test_a_contact_that_is_known_keeps_its_conversation(shop: Tenant) -> None:
    sent = (await _send(shop, to=f"+{shop.wa_id}")).json()
    assert (sent["contact_id"], sent["conversation_id"]) == (str(shop.contact_id), str(shop.conversation_id))


async def test_nobody_is_written_to_under_a_number_that_they_have_left(api: Edge, shop: Tenant) -> None:
    await take_in(api.database, changed(Letters(shop.number, Customer(shop.wa_id)), ADA_NOW, at=ago(seconds=30)))
    before = await _count(api)

    refused = await _send(shop, to=f"+{shop.wa_id}", template=_template("code"))

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert "changed to another" in refused.json()["detail"], "the code is for that number, and they read at another"
    assert await _count(api) == before
    assert (await _send(shop, to=f"+{ADA_NOW.wa_id}")).json()["contact_id"] == str(shop.contact_id)


async def test_the_same_key_sends_once_and_is_answered_alike_also_at_once(api: Edge, shop: Tenant) -> None:
    answers = await asyncio.gather(*(_send(shop, key="order 17", to=NEW) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    other = await _send(shop, key="order 17", to="+31612345679")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    elsewhere = await shop.client.post(
        "/api/v1/whatsapp/send-message",
        json={"to": shop.wa_id, "text": {"body": "hi"}},
        headers={"Idempotency-Key": "order 17"},
    )
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (422, "idempotency_key_reused")
    assert (await _count(api))[-1] == 1


@pytest.mark.parametrize(
    ("request_body", "says"),
    [
        ({}, "name exactly one of to and user_id"),
        ({"to": NEW, "user_id": "NL.1"}, "name exactly one of to and user_id"),
        ({"to": "0612345678"}, "must begin with +"),
        ({"to": "+999123456789"}, "country code that no country has"),
        ({"to": "+316123"}, "is too short"),
        ({"user_id": "canary"}, "user_id"),
        ({"user_id": "NL.canary\x00"}, "user_id"),
        ({"to": NEW, "integration_id": str(new_id()), "phone_number_id": "1"}, "at most one of"),
        ({"to": NEW, "phone_number_id": "1; x"}, "phone_number_id"),
        ({"to": NEW, "template": {"name": "order_shipped"}}, "language"),
        ({"to": NEW, "template": _template("order_shipped", "too", "many")}, "body"),
        ({"to": NEW, "template": "canary"}, "template"),
        ({"to": NEW, "type": "text"}, "type"),
        ({"to": NEW, "surprise": 1}, "surprise"),
        ({"to": NEW, "send_before": "2020-01-01T00:00:00Z"}, "send_before"),
        ({"to": NEW, "send_before": "9999-12-31T23:59:59-23:00"}, "send_before"),
        ({"to": NEW, "unknown_policy": "canary"}, "unknown_policy"),
    ],
)
async def test_what_cannot_be_sent_is_refused_with_what_is_wrong_and_leaves_nothing(
    api: Edge, shop: Tenant, request_body: dict[str, Any], says: str
) -> None:
    before = await _count(api)
    answer = await _send(shop, **request_body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text
    assert says in answer.text
    assert "canary" not in answer.text
    assert await _count(api) == before


async def _second(api: Edge, shop: Tenant) -> UUID:
    number = shop.number
    return await connect_number(
        api.database,
        RING,
        KEYED_HASH,
        organization_id=number.organization_id,
        agent_flow_id=number.agent_flow_id,
        waba_id=number.waba_id,
        phone_number="+15559999",
        phone_number_id="4242",
        access_token="token",
        verify_token="verify",
    )


async def test_of_several_numbers_one_is_named_and_a_closed_one_says_so(
    api: Edge, shop: Tenant, florist: Tenant
) -> None:
    second = await _second(api, shop)
    unclear = await _send(shop, to=NEW)
    assert (unclear.status_code, "integration_id or phone_number_id" in unclear.json()["detail"]) == (422, True)
    for named in ({"integration_id": str(second)}, {"phone_number_id": "4242"}):
        assert (await _send(shop, to=NEW, **named)).json()["integration_id"] == str(second)
    theirs = (florist.number.phone_number_id, str(florist.number.integration_id))
    for named in ({"phone_number_id": theirs[0]}, {"integration_id": theirs[1]}):
        stranger = await _send(shop, to=NEW, **named)
        assert (stranger.status_code, stranger.json()["detail"]) == (404, "There is no such number.")
    owner = {"organization_id": shop.organization_id, "state": "disconnected"}
    await set_state(api.database, integration_id=second, **owner)  # type: ignore[arg-type]
    gone = await _send(shop, to=NEW, integration_id=str(second))
    assert (gone.status_code, gone.json()["code"]) == (409, "conflict")
    assert (await _send(shop, to=NEW)).json()["integration_id"] == str(shop.number.integration_id)
    await set_state(api.database, integration_id=shop.number.integration_id, **owner)  # type: ignore[arg-type]
    none = await _send(shop, to=NEW)
    assert (none.status_code, none.json()["detail"]) == (409, "The organization has no connected number.")


async def test_marketing_to_somebody_who_has_stopped_it_is_refused_with_since_when_and_by_what(
    api: Edge, shop: Tenant
) -> None:
    letters = Letters(shop.number, Customer(shop.wa_id, None))
    await take_in(api.database, letters.message("STOP", at=datetime(2026, 11, 21, 9, tzinfo=UTC)))
    before = await _count(api)
    marketing = await _send(shop, to=f"+{shop.wa_id}", template=_template("offer"))
    assert (marketing.status_code, marketing.json()["code"]) == (409, "opted_out")
    words = "The contact has stopped marketing messages: since 2026-11-21 09:00 UTC, by a word that they wrote."
    assert marketing.json()["detail"] == words
    by_send_message = await shop.client.post(
        "/api/v1/whatsapp/send-message", json={"to": shop.wa_id, "type": "template", "template": _template("offer")}
    )
    assert (by_send_message.status_code, by_send_message.json()["detail"]) == (409, words)
    assert await _count(api) == before
    for name in ("order_shipped", "code"):
        assert (await _send(shop, to=f"+{shop.wa_id}", template=_template(name))).status_code == 202
    assert (await _send(shop, to=NEW, template=_template("offer"))).status_code == 202, "of somebody else"
    await take_in(api.database, letters.message("START"))
    assert (await _send(shop, to=f"+{shop.wa_id}", template=_template("offer"))).status_code == 202


async def test_one_that_stopped_at_one_number_has_stopped_for_the_whole_organization(api: Edge, shop: Tenant) -> None:
    second = await _second(api, shop)
    async with api.database.transaction() as connection:
        await consents.record(
            connection,
            organization_id=shop.organization_id,
            contact_id=shop.contact_id,
            choice="stop",
            source="api",
            told_at=datetime.now(UTC),
        )
    answer = await _send(shop, to=f"+{shop.wa_id}", integration_id=str(second), template=_template("offer"))
    assert (answer.status_code, answer.json()["code"]) == (409, "opted_out")


async def test_a_number_that_is_held_takes_it_and_it_waits(api: Edge, shop: Tenant) -> None:
    await change(api.database, "UPDATE integrations SET state = 'held', state_reason = 'token'")
    answer = await _send(shop, to=NEW)
    assert answer.status_code == 202
    assert (await row(api.database, "messages", UUID(answer.json()["message_id"]))).state == "queued"


async def test_whoever_is_written_to_first_counts_for_the_limit_that_meta_sets(api: Edge, shop: Tenant) -> None:
    await change(api.database, "UPDATE integrations SET messaging_limit = 'TIER_1'")
    first, second = [UUID((await _send(shop, to=to)).json()["message_id"]) for to in (NEW, "+31612345679")]
    assert isinstance(await claim(api.database, first), Claimed)
    assert isinstance(await claim(api.database, second), Unclaimed)
    waits = await row(api.database, "messages", second)
    assert (waits.state, waits.hold) == ("queued", "portfolio")
