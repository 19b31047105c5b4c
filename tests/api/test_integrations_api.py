"""Numbers over HTTP: a token is believed when Meta says so, and shown to nobody."""

from typing import Any

import httpx
import pytest

from simulator.onboarding_client import Prepared
from store.integrations import open_token
from store.onboardings import unseal
from tests.api.edge import Tenant, tenant
from tests.api.linked import Linked, everything_stored, forms
from tests.logs import logged
from tests.rows import RING, change, queued, row, rows
from tests.waiting import until

PATH = "/api/v1/channels/whatsapp/integrations"
VERIFY = "canary-of-a-verify-token"


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
    return await rows(stage.api.database, "SELECT * FROM onboardings WHERE way = 'by_hand'")


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

    await until(lambda: stage.temporal.woken == [(str(started.id), str(shop.organization_id))], seconds=5)


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
    noted = await rows(database, "SELECT actor, actor_id FROM audit_log WHERE action LIKE '%token_replaced'")
    ((actor, key_id),) = noted
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
