"""A number's profile through the API, against a Meta with limits of its own: read, changed, its picture put there."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from store.engine import Database
from store.integrations import replace_token
from store.profile import hold_for_token, number_at_meta
from tests.api.edge import Tenant, tenant
from tests.api.linked import Linked, everything_stored, linked
from tests.pictures import bomb, padded, picture
from tests.rows import RING, change, row
from whatsapp.profile_picture import MOST_BYTES

ALL = {
    "about": "Bread since 1902",
    "address": "Keizersgracht 1",
    "description": "Sourdough & cakes",
    "email": "hello@bakery.example.com",
    "vertical": "RESTAURANT",
    "websites": ["https://bakery.example.com", "http://bread.example.com/a?b=c"],
}
NOTHING: dict[str, Any] = dict.fromkeys(ALL) | {"websites": [], "picture_url": None}


@pytest.fixture
async def stage(database: Database, database_url: str) -> AsyncIterator[Linked]:
    async with linked(database, database_url) as made:
        yield made


@pytest.fixture
async def shop(stage: Linked) -> AsyncIterator[Tenant]:
    async with tenant(stage.api) as made:
        number = made.number
        await stage.meta.add_number(
            number.phone_number_id, number.waba_id, display_phone_number=number.phone_number, token=number.token
        )
        yield made


def _path(shop: Tenant, *, picture: bool = False) -> str:
    path = f"/api/v1/channels/whatsapp/integrations/{shop.number.integration_id}/profile"
    return f"{path}/picture" if picture else path


async def _read(shop: Tenant) -> dict[str, Any]:
    answer = await shop.client.get(_path(shop))
    assert answer.status_code == 200, answer.text
    read: dict[str, Any] = answer.json()
    return read


async def _put(shop: Tenant, **changes: Any) -> dict[str, Any]:
    answer = await shop.client.put(_path(shop), json=changes)
    assert answer.status_code == 200, answer.text
    put: dict[str, Any] = answer.json()
    return put


async def _audited(database: Database) -> list[Any]:
    async with database.engine.connect() as connection:
        query = text("SELECT * FROM audit_log WHERE action = 'profile.changed' ORDER BY at")
        return list((await connection.execute(query)).all())


async def test_what_is_changed_is_what_meta_tells_then_and_the_rest_stays(stage: Linked, shop: Tenant) -> None:
    assert await _read(shop) == NOTHING
    assert await _put(shop, **ALL) == ALL | {"picture_url": None}
    assert await _put(shop, about="Cakes too") == ALL | {"about": "Cakes too", "picture_url": None}
    gone = {"address": "", "description": "", "email": "", "websites": []}
    assert await _put(shop, **gone) == NOTHING | {"about": "Cakes too", "vertical": "RESTAURANT"}
    asked = await stage.meta.count("change_profile")
    assert await _put(shop) == await _read(shop)
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
    assert (await _put(shop, **{field: most}))[field] == most
    asked = await stage.meta.count("change_profile")
    answer = await shop.client.put(_path(shop), json={field: over})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"][0]["field"].startswith(f"body.{field}")
    assert await stage.meta.count("change_profile") == asked
    assert (await _read(shop))[field] == most


async def test_a_refusal_names_the_limit_and_not_the_text(shop: Tenant) -> None:
    answer = await shop.client.put(_path(shop), json={"about": "canary" * 30})
    assert "139" in answer.json()["errors"][0]["message"]
    assert "canary" not in answer.text
    half = await shop.client.put(
        _path(shop), content=rb'{"about": "\ud83c"}', headers={"Content-Type": "application/json"}
    )
    assert half.status_code == 422, "half a character is none"


async def test_who_changed_what_is_kept_and_what_it_says_is_not(stage: Linked, shop: Tenant) -> None:
    await _put(shop, about="canary of an about", email="canary@bakery.example.com")
    (noted,) = await _audited(stage.api.database)
    assert noted.detail == {"changed": ["about", "email"], "outcome": "done"}
    assert (noted.actor, noted.subject_id) == ("key", shop.number.integration_id)
    assert noted.actor_id is not None
    assert "canary" not in await everything_stored(stage.api.database)


async def test_a_picture_goes_to_meta_whole_and_is_shown(stage: Linked, shop: Tenant) -> None:
    data = picture(640, form="JPEG")
    answer = await shop.client.put(_path(shop, picture=True), content=data)
    assert answer.status_code == 200, answer.text
    assert answer.json()["picture_url"].startswith("https://")
    (upload,) = await stage.meta.uploads()
    assert (upload.mime_type, upload.offsets, upload.sha256) == ("image/jpeg", [0], hashlib.sha256(data).hexdigest())
    assert (await _audited(stage.api.database))[0].detail == {"changed": ["picture"], "outcome": "done"}


@pytest.mark.parametrize("ending", ["cut", "drop", "half_close", "server_error"])
async def test_an_upload_that_breaks_in_the_middle_goes_on_behind_what_meta_has(
    stage: Linked, shop: Tenant, ending: str
) -> None:
    data = padded(picture(400), 1_000_001)
    await stage.meta.add_fault(ending, call="upload", accepted=False, count=2)
    answer = await shop.client.put(_path(shop, picture=True), content=data)
    assert answer.status_code == 200, answer.text
    (upload,) = await stage.meta.uploads()
    assert upload.offsets == [0, 500_001, 750_001]
    assert (upload.received, upload.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert answer.json()["picture_url"] is not None


async def test_an_upload_whose_handle_got_lost_begins_anew(stage: Linked, shop: Tenant) -> None:
    await stage.meta.add_fault("drop", call="upload", count=1)
    assert (await shop.client.put(_path(shop, picture=True), content=picture())).status_code == 200
    assert [upload.offsets for upload in await stage.meta.uploads()] == [[0], [0]]


async def test_an_upload_whose_place_meta_does_not_tell_is_asked_for_again(stage: Linked, shop: Tenant) -> None:
    await stage.meta.add_fault("cut", call="upload", accepted=False, count=1)
    await stage.meta.add_fault("server_error", call="upload_offset", count=1)
    assert (await shop.client.put(_path(shop, picture=True), content=picture())).status_code == 200
    (upload,) = await stage.meta.uploads()
    assert len(upload.offsets) == 2


async def test_an_upload_that_meta_has_forgotten_begins_anew(stage: Linked, shop: Tenant) -> None:
    await stage.meta.add_fault("cut", call="upload", accepted=False, count=1)
    await stage.meta.add_fault("refuse", call="upload_offset", code=100, subcode=33)
    assert (await shop.client.put(_path(shop, picture=True), content=picture())).status_code == 200
    assert len(await stage.meta.uploads()) == 2


async def test_an_upload_that_breaks_every_time_is_given_up_and_the_profile_is_as_before(
    stage: Linked, shop: Tenant
) -> None:
    await stage.meta.add_fault("cut", call="upload", accepted=False)
    answer = await shop.client.put(_path(shop, picture=True), content=picture())
    assert (answer.status_code, answer.json()["code"]) == (503, "meta_unavailable")
    assert await stage.meta.count("upload") == 4
    assert (await _read(shop))["picture_url"] is None
    assert await _audited(stage.api.database) == []


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (picture(191), "192 to 640"),
        (picture(641), "192 to 640"),
        (picture(400, 300), "square"),
        (bomb(50_000, 50_000), "192 to 640"),
        (picture()[:-20], "cut off or damaged"),
        (b"<svg/>", "JPG or PNG"),
        (b"", "JPG or PNG"),
    ],
)
async def test_what_is_no_profile_picture_is_refused_in_words_before_meta_is_asked(
    stage: Linked, shop: Tenant, data: bytes, named: str
) -> None:
    answer = await shop.client.put(_path(shop, picture=True), content=data, headers={"Content-Type": "image/png"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert named in answer.json()["detail"]
    assert await stage.meta.uploads() == []


async def test_5_mb_are_taken_and_a_byte_more_is_too_large_also_when_no_length_is_told(
    stage: Linked, shop: Tenant
) -> None:
    most = padded(picture(), MOST_BYTES)
    assert (await shop.client.put(_path(shop, picture=True), content=most)).status_code == 200

    async def parts(data: bytes) -> AsyncIterator[bytes]:
        for begin in range(0, len(data), 100_000):
            yield data[begin : begin + 100_000]

    for body in (most + b"\x00", parts(most + b"\x00")):
        answer = await shop.client.put(_path(shop, picture=True), content=body)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert "5 MB" in answer.json()["detail"]
    assert len(await stage.meta.uploads()) == 1


async def test_a_dead_token_holds_the_number_and_a_held_number_answers_without_asking_meta(
    stage: Linked, shop: Tenant
) -> None:
    await stage.meta.change_tokens(phone_number_id=shop.number.phone_number_id, revoked=463)
    first = await shop.client.get(_path(shop))
    assert (first.status_code, first.json()["code"]) == (409, "number_held")
    assert "access token is not valid" in first.json()["detail"]
    assert "new access token" in first.json()["next_step"]
    number = await row(stage.api.database, "integrations", shop.number.integration_id)
    assert (number.state, number.state_reason) == ("held", "token")
    assert number.check_due_at is not None, "it is checked at once, as after a refused send"
    asked = len(await stage.meta.calls())
    for answer in (
        await shop.client.get(_path(shop)),
        await shop.client.put(_path(shop), json={"about": "anything"}),
        await shop.client.put(_path(shop, picture=True), content=picture()),
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
    answer = await shop.client.put(_path(shop), json={"about": "anything"})
    assert (answer.status_code, answer.json()["code"]) == (422, "missing_permission")
    assert "whatsapp_business_management" in answer.json()["detail"]
    assert (await row(stage.api.database, "integrations", shop.number.integration_id)).state == "live"
    assert await _audited(stage.api.database) == []


@pytest.mark.parametrize(("state", "says"), [("disconnected", "disconnected"), ("connecting", "being connected")])
async def test_a_number_that_is_not_connected_says_so(stage: Linked, shop: Tenant, state: str, says: str) -> None:
    await change(
        stage.api.database, "UPDATE integrations SET state = :state WHERE id = :id",
        state=state, id=shop.number.integration_id,
    )  # fmt: skip
    answer = await shop.client.get(_path(shop))
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert says in answer.json()["detail"]


async def test_a_stopped_number_shows_its_profile_all_the_same(stage: Linked, shop: Tenant) -> None:
    await change(
        stage.api.database, "UPDATE integrations SET state = 'stopped', state_reason = 'stopped' WHERE id = :id",
        id=shop.number.integration_id,
    )  # fmt: skip
    assert await _read(shop) == NOTHING


async def test_what_meta_does_not_take_is_told_in_its_own_words(stage: Linked, shop: Tenant) -> None:
    await stage.meta.add_fault("refuse", call="change_profile", code=131009, details="about holds a link")
    answer = await shop.client.put(_path(shop), json={"about": "see https://example.com"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "about holds a link" in answer.json()["detail"]
    assert await _audited(stage.api.database) == []


async def test_meta_away_is_said_so_and_a_change_of_which_nobody_knows_is_kept_as_such(
    stage: Linked, shop: Tenant
) -> None:
    await stage.meta.add_fault("drop", call="change_profile", count=1)
    answer = await shop.client.put(_path(shop), json={"about": "perhaps"})
    assert (answer.status_code, answer.json()["code"]) == (503, "meta_unavailable")
    assert "twice changes nothing" in answer.json()["next_step"]
    assert [noted.detail["outcome"] for noted in await _audited(stage.api.database)] == ["unknown"]
    assert (await _put(shop, about="perhaps"))["about"] == "perhaps"
    await stage.meta.add_fault("server_error", call="profile", count=1)
    assert (await shop.client.get(_path(shop))).status_code == 503


async def test_the_token_shows_in_no_address_of_an_upload_and_every_call_is_proven(stage: Linked, shop: Tenant) -> None:
    await shop.client.put(_path(shop, picture=True), content=picture())
    made = await stage.meta.calls()
    assert {"upload_session", "upload", "change_profile", "profile"} <= {call.call for call in made}
    assert [call for call in made if call.token_in_query or call.outcome != "ok"] == []
