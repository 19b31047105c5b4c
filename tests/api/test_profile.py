"""A number's profile through the API, against a Meta with limits of its own: read and changed there."""

from collections.abc import Iterator
from typing import Any

import pytest

from store.integrations import replace_token
from store.profile import hold_for_token, number_at_meta
from tests.api.edge import Tenant
from tests.api.linked import Linked, everything_stored
from tests.api.profiles import audited, path, put, read
from tests.pictures import picture
from tests.rows import RING, change, row

ALL = {
    "about": "Bread since 1902",
    "address": "Keizersgracht 1",
    "description": "Sourdough & cakes",
    "email": "hello@bakery.example.com",
    "vertical": "RESTAURANT",
    "websites": ["https://bakery.example.com", "http://bread.example.com/a?b=c"],
}
NOTHING: dict[str, Any] = dict.fromkeys(ALL) | {"websites": [], "picture_url": None}


async def test_what_is_changed_is_what_meta_tells_then_and_the_rest_stays(stage: Linked, shop: Tenant) -> None:
    assert await read(shop) == NOTHING
    assert await put(shop, **ALL) == ALL | {"picture_url": None}
    assert await put(shop, about="Cakes too") == ALL | {"about": "Cakes too", "picture_url": None}
    gone = {"address": "", "description": "", "email": "", "websites": []}
    assert await put(shop, **gone) == NOTHING | {"about": "Cakes too", "vertical": "RESTAURANT"}
    asked = await stage.meta.count("change_profile")
    assert await put(shop) == await read(shop)
    assert await stage.meta.count("change_profile") == asked, "nothing to change is no change"


def _at_their_limits() -> Iterator[tuple[str, Any, Any]]:
    yield "about", "a" * 139, "a" * 140
    yield "about", "a", ""
    yield "address", "ä" * 256, "ä" * 257
    yield "description", "\N{BREAD}" * 256, "\N{BREAD}" * 257
    email = "@bakery.example.com"
    yield "email", "e" * (128 - len(email)) + email, "e" * (129 - len(email)) + email
    yield "email", "a@b.c", "nobody"
    yield "vertical", "OTC_DRUGS", "BAKERY"
    site = "https://bakery.example.com/"
    yield "websites", [site + "w" * (256 - len(site))], [site + "w" * (257 - len(site))]
    yield "websites", [site, site + "2"], [site, site + "2", site + "3"]
    yield "websites", ["http://a.example.com"], ["a.example.com"]


@pytest.mark.parametrize(("field", "most", "over"), list(_at_their_limits()))
async def test_each_limit_is_taken_at_and_refused_over_by_its_fields_name_before_meta_is_asked(
    stage: Linked, shop: Tenant, field: str, most: Any, over: Any
) -> None:
    assert (await put(shop, **{field: most}))[field] == most
    asked = await stage.meta.count("change_profile")
    answer = await shop.client.put(path(shop), json={field: over})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"][0]["field"].startswith(f"body.{field}")
    assert await stage.meta.count("change_profile") == asked
    assert (await read(shop))[field] == most


async def test_a_refusal_names_the_limit_in_words_and_not_the_text(shop: Tenant) -> None:
    wrong = {"email": "canary", "websites": ["canary.example.com"]}
    unlike = (await shop.client.put(path(shop), json=wrong)).json()
    assert [found["message"].partition(", ")[2] for found in unlike["errors"]] == [
        "must be an address with an @ and a domain",
        "must begin with http:// or https:// and hold no spaces",
    ]
    assert "canary" not in str(unlike)
    answer = await shop.client.put(path(shop), json={"about": "canary" * 30})
    assert "139" in answer.json()["errors"][0]["message"]
    assert "canary" not in answer.text
    half = await shop.client.put(
        path(shop), content=rb'{"about": "\ud83c"}', headers={"Content-Type": "application/json"}
    )
    assert half.status_code == 422, "half a character is none"


async def test_who_changed_what_is_kept_and_what_it_says_is_not(stage: Linked, shop: Tenant) -> None:
    await put(shop, about="canary of an about", email="canary@bakery.example.com")
    (noted,) = await audited(stage.api.database)
    assert noted.detail == {"changed": ["about", "email"], "outcome": "done"}
    assert (noted.actor, noted.subject_id) == ("key", shop.number.integration_id)
    assert noted.actor_id is not None
    assert "canary" not in await everything_stored(stage.api.database)


async def test_a_dead_token_holds_the_number_and_a_held_number_answers_without_asking_meta(
    stage: Linked, shop: Tenant
) -> None:
    await stage.meta.change_tokens(phone_number_id=shop.number.phone_number_id, revoked=463)
    first = await shop.client.get(path(shop))
    assert (first.status_code, first.json()["code"]) == (409, "number_held")
    assert "access token is not valid" in first.json()["detail"]
    assert "new access token" in first.json()["next_step"]
    number = await row(stage.api.database, "integrations", shop.number.integration_id)
    assert (number.state, number.state_reason) == ("held", "token")
    assert number.check_due_at is not None, "it is checked at once, as after a refused send"
    asked = len(await stage.meta.calls())
    for answer in (
        await shop.client.get(path(shop)),
        await shop.client.put(path(shop), json={"about": "anything"}),
        await shop.client.put(path(shop, picture=True), content=picture()),
    ):
        assert (answer.status_code, answer.json()) == (409, first.json())
    assert len(await stage.meta.calls()) == asked


async def test_a_number_that_has_another_token_by_now_is_not_held_for_the_old_one(stage: Linked, shop: Tenant) -> None:
    ids: dict[str, Any] = {"organization_id": shop.organization_id, "integration_id": shop.number.integration_id}
    asked_with = await number_at_meta(stage.api.database, RING, **ids)
    await replace_token(stage.api.database, RING, **ids, access_token="another token")
    await hold_for_token(stage.api.database, asked_with, says="dead", next_step="replace it")
    assert (await row(stage.api.database, "integrations", shop.number.integration_id)).state == "live"


async def test_a_permission_that_profiles_need_and_sends_do_not_holds_nothing(stage: Linked, shop: Tenant) -> None:
    await stage.meta.change_tokens(
        phone_number_id=shop.number.phone_number_id, remove_scopes=["whatsapp_business_management"]
    )
    answer = await shop.client.put(path(shop), json={"about": "anything"})
    assert (answer.status_code, answer.json()["code"]) == (422, "missing_permission")
    assert "whatsapp_business_management" in answer.json()["detail"]
    assert (await row(stage.api.database, "integrations", shop.number.integration_id)).state == "live"
    assert await audited(stage.api.database) == []


@pytest.mark.parametrize(("state", "says"), [("disconnected", "disconnected"), ("connecting", "being connected")])
async def test_a_number_that_is_not_connected_says_so(stage: Linked, shop: Tenant, state: str, says: str) -> None:
    await change(
        stage.api.database, "UPDATE integrations SET state = :state WHERE id = :id",
        state=state, id=shop.number.integration_id,
    )  # fmt: skip
    answer = await shop.client.get(path(shop))
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert says in answer.json()["detail"]


async def test_a_stopped_number_shows_its_profile_all_the_same(stage: Linked, shop: Tenant) -> None:
    await change(
        stage.api.database, "UPDATE integrations SET state = 'stopped', state_reason = 'stopped' WHERE id = :id",
        id=shop.number.integration_id,
    )  # fmt: skip
    assert await read(shop) == NOTHING


async def test_what_meta_does_not_take_is_told_in_its_own_words(stage: Linked, shop: Tenant) -> None:
    await stage.meta.add_fault("refuse", call="change_profile", code=131009, details="about holds a link")
    answer = await shop.client.put(path(shop), json={"about": "see https://example.com"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "about holds a link" in answer.json()["detail"]
    assert await audited(stage.api.database) == []


async def test_meta_away_is_said_so_and_a_change_of_which_nobody_knows_is_kept_as_such(
    stage: Linked, shop: Tenant
) -> None:
    for fault in ("drop", "server_error"):
        await stage.meta.add_fault(fault, call="change_profile", count=1)
        answer = await shop.client.put(path(shop), json={"about": "perhaps"})
        assert (answer.status_code, answer.json()["code"]) == (503, "meta_unavailable")
        assert "twice changes nothing" in answer.json()["next_step"]
    assert [noted.detail["outcome"] for noted in await audited(stage.api.database)] == ["unknown", "unknown"]
    assert (await put(shop, about="perhaps"))["about"] == "perhaps"
    await stage.meta.add_fault("server_error", call="profile", count=1)
    assert (await shop.client.get(path(shop))).status_code == 503
