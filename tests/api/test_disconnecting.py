"""A number deleted over HTTP: its secrets go at once, and our app's subscription with the last number of an account."""

import pytest

from store import unsubscribing
from tests.api.edge import Tenant, tenant
from tests.api.linked import Linked, linked_again
from tests.rows import RING, change, queued, row, rows
from tests.waiting import until

PATH = "/api/v1/channels/whatsapp/integrations"


@pytest.fixture
async def shop(stage: Linked, shop: Tenant) -> Tenant:
    """To its account our app is subscribed, as it would be."""
    await stage.meta.add_waba(shop.number.waba_id, subscribed=True)
    return shop


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
    kept = await rows(stage.api.database, "SELECT unsubscribe_token_sealed AS token FROM wabas")
    assert {waba.token for waba in kept} == {None}, "no token is kept for what is not to be done"
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
    assert await rows(database, "SELECT 1 FROM wabas WHERE unsubscribe_token_sealed IS NOT NULL") == []


async def test_what_meta_did_not_answer_is_repeated_by_itself(stage: Linked, shop: Tenant) -> None:
    database = stage.api.database
    await stage.meta.add_fault("drop", call="unsubscribe", count=1, accepted=False)
    assert (await shop.client.delete(f"{PATH}/{shop.number.integration_id}")).json()["unsubscribed"] == "later"
    await change(database, "UPDATE wabas SET unsubscribe_due_at = now() WHERE unsubscribe_due_at IS NOT NULL")
    async with linked_again(stage):

        async def unsubscribed() -> bool:
            return not await _subscribed(stage, shop.number.waba_id)

        await until(unsubscribed, seconds=5)


async def test_an_account_that_is_used_again_keeps_its_subscription(stage: Linked, shop: Tenant) -> None:
    database = stage.api.database
    await stage.meta.add_fault("drop", call="unsubscribe", count=1, accepted=False)
    await shop.client.delete(f"{PATH}/{shop.number.integration_id}")
    await change(database, "UPDATE wabas SET unsubscribe_due_at = now() WHERE unsubscribe_due_at IS NOT NULL")
    await change(database, "UPDATE integrations SET state = 'connecting' WHERE id = :id", id=shop.number.integration_id)
    assert await unsubscribing.claim(database, RING) is None, "nobody may try it any more, forgotten or not"
    async with linked_again(stage):

        async def forgotten() -> bool:
            return await rows(database, "SELECT 1 FROM wabas WHERE unsubscribe_token_sealed IS NOT NULL") == []

        await until(forgotten, seconds=5)
    assert await _subscribed(stage, shop.number.waba_id)
