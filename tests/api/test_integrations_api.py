"""Numbers over HTTP: a token is believed when Meta says so, and shown to nobody; a deleted number leaves no secret."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from simulator.onboarding_client import Prepared
from store import unsubscribing
from store.integrations import open_token
from store.onboardings import unseal
from tests.api.edge import Tenant, tenant, until
from tests.api.linked import Linked, everything_stored, forms, linked_again
from tests.logs import logged
from tests.rows import RING, change, queued, row

PATH = "/api/v1/channels/whatsapp/integrations"
VERIFY = "canary-of-a-verify-token"


@pytest.fixture
async def shop(stage: Linked, shop: Tenant) -> Tenant:
    """To its account our app is subscribed, as it would be."""
    await stage.meta.add_waba(shop.number.waba_id, subscribed=True)
    return shop


@pytest.fixture
async def prepared(stage: Linked) -> Prepared:
    """A number at Meta that nobody has connected yet."""
    return await stage.meta.prepare_number(display_phone_number="31201234567", registered=True, status="CONNECTED")


def _order(shop: Tenant, prepared: Prepared, token: str, **more: Any) -> dict[str, Any]:
    return {
        "agent_flow_id": str(shop.number.agent_flow_id),
        "organization_id": str(shop.organization_id),
        "phone_number": "+31 20 123-4567",
        "phone_number_id": prepared.phone_number_id,
        "waba_id": prepared.waba_id,
        "access_token": token,
        "verify_token": VERIFY,
        "enabled": True,
    } | more


async def _by_hand(stage: Linked) -> list[Any]:
    async with stage.api.database.engine.connect() as connection:
        return list((await connection.execute(text("SELECT * FROM onboardings WHERE way = 'by_hand'"))).all())


async def test_a_number_is_added_with_a_token_that_meta_vouches_for(
    stage: Linked, shop: Tenant, prepared: Prepared
) -> None:
    token = await stage.meta.issue_token(prepared.waba_id)
    answer = await shop.client.post(PATH, json=_order(shop, prepared, token))
    assert answer.status_code == 201, answer.text
    shown = answer.json()["onboarding"]
    assert answer.headers["location"] == f"/api/v1/whatsapp/onboardings/{shown['id']}"
    assert (shown["way"], shown["step"], shown["state"]) == ("by_hand", "connect", "running")
    (started,) = await _by_hand(stage)
    assert unseal(RING, "token_sealed", bytes(started.token_sealed), started.id) == token
    assert unseal(RING, "verify_token_sealed", bytes(started.verify_token_sealed), started.id) == VERIFY
    assert (started.phone_number, started.phone_number_id) == ("+31201234567", prepared.phone_number_id)
    assert sorted(started.token_scopes) == ["whatsapp_business_management", "whatsapp_business_messaging"]

    async def woken() -> bool:
        return stage.temporal.woken == [(str(started.id), str(shop.organization_id))]

    await until(woken)


@pytest.mark.parametrize(
    ("spoil", "code", "named"),
    [
        ({"revoked": 460}, "token_invalid", "token"),
        ({"app_id": "999"}, "wrong_app", "999"),
        ({"remove_scopes": ["whatsapp_business_messaging"]}, "missing_permission", "whatsapp_business_messaging"),
        ({"remove_scopes": ["whatsapp_business_management"]}, "missing_permission", "whatsapp_business_management"),
    ],
)
async def test_a_token_that_meta_does_not_vouch_for_is_refused_in_words_and_nothing_is_stored(
    stage: Linked, shop: Tenant, prepared: Prepared, spoil: dict[str, Any], code: str, named: str
) -> None:
    token = await stage.meta.issue_token(prepared.waba_id)
    await stage.meta.change_tokens(token=token, **spoil)
    answer = await shop.client.post(PATH, json=_order(shop, prepared, token))
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert named in answer.json()["detail"]
    assert token not in answer.text
    assert await _by_hand(stage) == []


async def test_a_made_up_token_is_refused(stage: Linked, shop: Tenant, prepared: Prepared) -> None:
    for token in ("EAAmadeup0000000000", "no token\n", "tökén"):
        answer = await shop.client.post(PATH, json=_order(shop, prepared, token))
        assert (answer.status_code, answer.json()["code"]) == (422, "token_invalid"), answer.text
        assert token not in answer.text
    assert await _by_hand(stage) == []


async def test_an_account_or_number_that_the_token_does_not_see_is_not_found(
    stage: Linked, shop: Tenant, prepared: Prepared
) -> None:
    token = await stage.meta.issue_token(prepared.waba_id)
    other = await stage.meta.prepare_number()
    for changed in ({"waba_id": other.waba_id}, {"phone_number_id": other.phone_number_id}, {"waba_id": "404404"}):
        answer = await shop.client.post(PATH, json=_order(shop, prepared, token, **changed))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), answer.text
        assert next(iter(changed.values())) in answer.json()["detail"]
    assert await _by_hand(stage) == []


async def test_a_phone_number_that_is_not_the_ids_is_refused(stage: Linked, shop: Tenant, prepared: Prepared) -> None:
    token = await stage.meta.issue_token(prepared.waba_id)
    answer = await shop.client.post(PATH, json=_order(shop, prepared, token, phone_number="+4930123456"))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "phone_number" in answer.json()["detail"]


async def test_while_meta_does_not_answer_nothing_is_stored(stage: Linked, shop: Tenant, prepared: Prepared) -> None:
    token = await stage.meta.issue_token(prepared.waba_id)
    for call in ("debug_token", "waba", "phone_numbers"):
        await stage.meta.add_fault("drop", call=call, count=1, accepted=False)
        answer = await shop.client.post(PATH, json=_order(shop, prepared, token))
        assert (answer.status_code, answer.json()["code"]) == (503, "meta_unavailable")
    assert await _by_hand(stage) == []


async def test_a_number_of_another_organization_is_refused_in_words(stage: Linked, shop: Tenant) -> None:
    async with tenant(stage.api, digits="15550002") as stranger:
        token = await stage.meta.issue_token(shop.number.waba_id)
        held = Prepared("", shop.number.waba_id, shop.number.phone_number_id, shop.number.phone_number)
        order = _order(stranger, held, token, phone_number=shop.number.phone_number)
        answer = await stranger.client.post(PATH, json=order)
        assert (answer.status_code, answer.json()["code"]) == (409, "number_taken")
        foreign = await stranger.client.post(PATH, json=order | {"organization_id": str(shop.organization_id)})
        assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")


async def test_one_number_is_connected_by_one_onboarding_at_a_time(
    stage: Linked, shop: Tenant, prepared: Prepared
) -> None:
    token = await stage.meta.issue_token(prepared.waba_id)
    assert (await shop.client.post(PATH, json=_order(shop, prepared, token))).status_code == 201
    again = await shop.client.post(PATH, json=_order(shop, prepared, token))
    assert (again.status_code, again.json()["code"]) == (409, "onboarding_running")


async def test_of_a_token_its_last_four_are_shown(shop: Tenant) -> None:
    (listed,) = (await shop.client.get(PATH)).json()["items"]
    shown = (await shop.client.get(f"{PATH}/{shop.number.integration_id}")).json()
    assert listed == shown
    assert shown["token"]["last4"] == shop.number.token[-4:]
    assert shop.number.token not in str(shown)


async def test_a_new_token_takes_the_old_ones_place_and_releases_what_waited(stage: Linked, shop: Tenant) -> None:
    database, number = stage.api.database, shop.number
    await change(
        database,
        "UPDATE integrations SET state = 'held', state_reason = 'token' WHERE id = :id",
        id=number.integration_id,
    )
    await queued(database, number, shop.conversation_id)
    await change(database, "UPDATE conversations SET due_at = NULL WHERE id = :id", id=shop.conversation_id)
    token = await stage.meta.issue_token(number.waba_id)
    answer = await shop.client.put(f"{PATH}/{number.integration_id}", json={"access_token": token})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["token"]["last4"]) == ("live", token[-4:])
    stored = await row(database, "integrations", number.integration_id)
    assert open_token(RING, bytes(stored.access_token_sealed), stored.id) == token
    async with database.engine.connect() as connection:
        noted = await connection.execute(
            text("SELECT actor, actor_id FROM audit_log WHERE action LIKE '%token_replaced'")
        )
        ((actor, key_id),) = noted.all()
    assert (actor, (await row(database, "api_keys", key_id)).organization_id) == ("key", shop.organization_id)
    assert (await row(database, "conversations", shop.conversation_id)).due_at is not None


async def test_a_bad_token_leaves_the_good_one_in_its_place(stage: Linked, shop: Tenant) -> None:
    before = await row(stage.api.database, "integrations", shop.number.integration_id)
    request = {"access_token": "EAAmadeup0000000000", "enabled": False, "verify_token": "another"}
    answer = await shop.client.put(f"{PATH}/{shop.number.integration_id}", json=request)
    assert (answer.status_code, answer.json()["code"]) == (422, "token_invalid")
    assert tuple(await row(stage.api.database, "integrations", shop.number.integration_id)) == tuple(before)


async def test_a_number_is_switched_off_and_gets_another_verify_token(stage: Linked, shop: Tenant) -> None:
    path, database = f"{PATH}/{shop.number.integration_id}", stage.api.database
    assert (await shop.client.put(path, json={"enabled": False})).json()["enabled"] is False
    before = await row(database, "integrations", shop.number.integration_id)
    answer = await shop.client.put(path, json={"enabled": True, "verify_token": VERIFY})
    assert answer.json()["enabled"] is True
    assert VERIFY not in answer.text
    after = await row(database, "integrations", shop.number.integration_id)
    assert after.verify_token_hash != before.verify_token_hash
    asked = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "17"}
    assert (await stage.api.client.get("/api/v1/webhooks/whatsapp", params=asked)).text == "17"


async def test_a_deleted_number_leaves_its_record_and_no_secret(stage: Linked, shop: Tenant) -> None:
    database, number = stage.api.database, shop.number
    message_id = await queued(database, number, shop.conversation_id)
    answer = await shop.client.delete(f"{PATH}/{number.integration_id}")
    assert (answer.status_code, answer.json()["unsubscribed"]) == (200, "done"), answer.text
    shown = (await shop.client.get(f"{PATH}/{number.integration_id}")).json()
    assert (shown["state"], shown["token"]) == ("disconnected", None)
    stored = await row(database, "integrations", number.integration_id)
    assert (stored.access_token_sealed, stored.verify_token_hash, stored.pin_sealed) == (None, None, None)
    cancelled = await row(database, "messages", message_id)
    assert (cancelled.state, cancelled.reason) == ("cancelled", "The number was disconnected.")
    assert (await shop.client.get(PATH)).json()["items"] == []
    assert len((await shop.client.get(PATH, params={"disconnected": True})).json()["items"]) == 1
    refused = await shop.client.put(f"{PATH}/{number.integration_id}", json={"enabled": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


async def _subscribed(stage: Linked, waba_id: str) -> bool:
    (found,) = [waba for waba in await stage.meta.wabas() if waba["waba_id"] == waba_id]
    return bool(found["subscribed"])


async def test_the_last_number_of_an_account_takes_the_subscription_with_it(stage: Linked, shop: Tenant) -> None:
    assert await _subscribed(stage, shop.number.waba_id)
    await shop.client.delete(f"{PATH}/{shop.number.integration_id}")
    assert not await _subscribed(stage, shop.number.waba_id)


async def test_deleting_one_number_does_not_silence_the_other_of_its_account(stage: Linked, shop: Tenant) -> None:
    async with tenant(stage.api, digits="15550002") as other:
        await change(
            stage.api.database,
            "UPDATE integrations SET waba_id = :waba WHERE id = :id",
            waba=shop.number.waba_id,
            id=other.number.integration_id,
        )
        answer = await shop.client.delete(f"{PATH}/{shop.number.integration_id}")
    assert answer.json()["unsubscribed"] == "not_needed"
    async with stage.api.database.engine.connect() as connection:
        kept = await connection.execute(text("SELECT unsubscribe_token_sealed FROM wabas"))
    assert set(kept.scalars()) == {None}, "no token is kept for what is not to be done"
    assert await _subscribed(stage, shop.number.waba_id)
    assert await stage.meta.count("unsubscribe") == 0


async def test_while_meta_is_away_the_record_says_so(stage: Linked, shop: Tenant) -> None:
    database = stage.api.database
    await stage.meta.add_fault("drop", call="unsubscribe", count=1, accepted=False)
    answer = await shop.client.delete(f"{PATH}/{shop.number.integration_id}")
    assert (answer.status_code, answer.json()["unsubscribed"]) == (200, "later")
    shown = (await shop.client.get(f"{PATH}/{shop.number.integration_id}")).json()
    assert "Meta did not answer" in shown["unsubscribe_says"]
    again = await shop.client.delete(f"{PATH}/{shop.number.integration_id}")
    assert again.json()["unsubscribed"] == "later", "nobody tries twice at once"
    await change(database, "UPDATE wabas SET unsubscribe_due_at = now() WHERE unsubscribe_due_at IS NOT NULL")
    again = await shop.client.delete(f"{PATH}/{shop.number.integration_id}")
    assert again.json()["unsubscribed"] == "done"
    assert not await _subscribed(stage, shop.number.waba_id)
    async with database.engine.connect() as connection:
        left = await connection.execute(text("SELECT 1 FROM wabas WHERE unsubscribe_token_sealed IS NOT NULL"))
        assert left.all() == []


async def test_no_answer_log_or_row_shows_a_token(stage: Linked, shop: Tenant, prepared: Prepared) -> None:
    token = await stage.meta.issue_token(prepared.waba_id)
    said: list[httpx.Response] = []
    with logged() as lines:
        said.append(await shop.client.post(PATH, json=_order(shop, prepared, token)))
        said.append(await shop.client.post(PATH, json=_order(shop, prepared, token)))
        said.append(
            await shop.client.post(PATH, json=_order(shop, prepared, token, enabled=token, verify_token=[VERIFY]))
        )
        said.append(await shop.client.put(f"{PATH}/{shop.number.integration_id}", json={"access_token": token}))
        await stage.meta.change_tokens(token=token, revoked=460)
        said.append(await shop.client.put(f"{PATH}/{shop.number.integration_id}", json={"access_token": token}))
        await stage.meta.add_fault("cut", call="debug_token", count=1)
        said.append(await shop.client.post(PATH, json=_order(shop, prepared, token)))
        await change(stage.api.database, "ALTER TABLE integrations RENAME COLUMN quality TO moved")
        said.append(await shop.client.put(f"{PATH}/{shop.number.integration_id}", json={"access_token": token}))
        said.append(await shop.client.get(PATH))
    assert said[0].status_code == 201
    assert said[-1].status_code == 500
    seen = "\n".join([*(answer.text for answer in said), lines.getvalue(), await everything_stored(stage.api.database)])
    assert [form for secret in (token, VERIFY) for form in forms(secret) if form in seen] == []


async def test_agent_flows_are_made_and_listed(stage: Linked, shop: Tenant) -> None:
    made = await shop.client.post(
        "/api/v1/agent-flows", json={"name": "Orders", "kind": "http", "url": "https://agent.example.com/whatsapp"}
    )
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    listed = (await shop.client.get("/api/v1/agent-flows")).json()["items"]
    assert [flow["name"] for flow in listed] == ["Orders", "echo"]
    assert "secret" not in str(listed)
    assert listed[0] == made.json()["agent_flow"]
    assert (await row(stage.api.database, "agent_flows", UUID(listed[0]["id"]))).secret_sealed is not None
    for url in (None, "ftp://agent.example.com", "http://127.0.0.1/", "https://user:word@example.com/"):
        refused = await shop.client.post("/api/v1/agent-flows", json={"name": "Orders", "kind": "http", "url": url})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


async def test_what_meta_did_not_answer_is_repeated_by_itself(stage: Linked, shop: Tenant) -> None:
    database = stage.api.database
    await stage.meta.add_fault("drop", call="unsubscribe", count=1, accepted=False)
    assert (await shop.client.delete(f"{PATH}/{shop.number.integration_id}")).json()["unsubscribed"] == "later"
    await change(database, "UPDATE wabas SET unsubscribe_due_at = now() WHERE unsubscribe_due_at IS NOT NULL")
    async with linked_again(stage):

        async def unsubscribed() -> bool:
            return not await _subscribed(stage, shop.number.waba_id)

        await until(unsubscribed)


async def test_an_account_that_is_used_again_keeps_its_subscription(stage: Linked, shop: Tenant) -> None:
    database = stage.api.database
    await stage.meta.add_fault("drop", call="unsubscribe", count=1, accepted=False)
    await shop.client.delete(f"{PATH}/{shop.number.integration_id}")
    await change(database, "UPDATE wabas SET unsubscribe_due_at = now() WHERE unsubscribe_due_at IS NOT NULL")
    await change(database, "UPDATE integrations SET state = 'connecting' WHERE id = :id", id=shop.number.integration_id)
    assert await unsubscribing.claim(database, RING) is None, "nobody may try it any more, forgotten or not"
    async with linked_again(stage):

        async def forgotten() -> bool:
            async with database.engine.connect() as connection:
                left = await connection.execute(text("SELECT 1 FROM wabas WHERE unsubscribe_token_sealed IS NOT NULL"))
                return left.all() == []

        await until(forgotten)
    assert await _subscribed(stage, shop.number.waba_id)
