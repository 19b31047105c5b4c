"""Redirect OAuth: good once, for ten minutes, in the browser and for the organization that set out."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from store.engine import Database
from store.onboardings import unseal
from tests.api.edge import APP_ID, Tenant, tenant
from tests.api.linked import Linked, everything_stored, forms, linked
from tests.logs import logged
from tests.rows import RING, change, row, rows, value
from tests.waiting import until

PUBLIC = "https://holdfast.example.com"
DASHBOARD = "https://dashboard.example.com/settings?tab=whatsapp"
AUTHORIZE = "/api/v1/whatsapp/oauth/authorize"
CALLBACK = "/api/v1/whatsapp/oauth/callback"
CODE = "AQBcanary-of-a-redirect-code/with+signs="
COOKIE = "__Host-holdfast_oauth"


@pytest.fixture
async def stage(database: Database, database_url: str) -> AsyncIterator[Linked]:
    async with linked(database, database_url, public_url=PUBLIC, dashboard_url=DASHBOARD) as made:
        yield made


async def _set_out(shop: Tenant, *, path: str = AUTHORIZE, **more: str) -> httpx.Response:
    asked = {"agent_flow_id": str(shop.number.agent_flow_id)} | more
    return await shop.client.get(path, params=asked)


def _asked(answer: httpx.Response) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def _cookie(answer: httpx.Response) -> str:
    name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
    assert name == COOKIE
    return str(value)


async def _come_back(stage: Linked, cookie: str, *, path: str = CALLBACK, **brought: str) -> httpx.Response:
    headers = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
    return await stage.api.client.get(path, params=brought, headers=headers)


def _told(answer: httpx.Response) -> dict[str, str]:
    """What the dashboard is told; it keeps its own address and query."""
    assert answer.status_code == 303
    parts = urlsplit(answer.headers["location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == DASHBOARD.partition("?")[0]
    told = dict(parse_qsl(parts.query))
    assert told.pop("tab") == "whatsapp"
    return told


async def _started(stage: Linked) -> list[Any]:
    return await rows(stage.api.database, "SELECT * FROM onboardings WHERE way = 'redirect'")


@pytest.mark.parametrize("prefix", ["/api/v1/whatsapp/oauth", "/api/whatsapp/oauth"])
async def test_the_browser_is_sent_to_the_dialog_and_back_to_the_dashboard(
    stage: Linked, shop: Tenant, prefix: str
) -> None:
    answer = await _set_out(shop, path=f"{prefix}/authorize")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("https://www.facebook.com/v26.0/dialog/oauth?")
    asked = _asked(answer)
    state = asked.pop("state")
    assert asked == {
        "client_id": APP_ID,
        "redirect_uri": f"{PUBLIC}{prefix}/callback",
        "config_id": "our config",
        "response_type": "code",
    }
    told = _told(await _come_back(stage, _cookie(answer), path=f"{prefix}/callback", code=CODE, state=state))
    (started,) = await _started(stage)
    assert told == {"whatsapp_connected": "true", "onboarding": str(started.id)}
    assert started.organization_id == shop.organization_id
    assert started.agent_flow_id == shop.number.agent_flow_id
    assert started.redirect_uri == f"{PUBLIC}{prefix}/callback"
    assert unseal(RING, "code_sealed", bytes(started.code_sealed), started.id) == CODE

    await until(lambda: stage.temporal.woken == [(str(started.id), str(shop.organization_id))], seconds=5)


async def test_the_audit_log_names_the_key_that_set_out(stage: Linked, shop: Tenant) -> None:
    answer = await _set_out(shop)
    await _come_back(stage, _cookie(answer), code=CODE, state=_asked(answer)["state"])
    (started,) = await _started(stage)
    noted = (
        "SELECT a.actor, a.actor_id = k.id AS is_the_key FROM audit_log a JOIN api_keys k USING (organization_id) "
        "WHERE a.action = 'onboarding.started' AND a.subject_id = :id"
    )
    assert await rows(stage.api.database, noted, id=started.id) == [("key", True)]
    assert started.started_by is None


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(shop: Tenant) -> None:
    parts = {part.strip().lower() for part in (await _set_out(shop)).headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=lax", "secure", "path=/", "max-age=600"} <= parts
    assert not any(part.startswith("domain") for part in parts)


async def test_two_sign_ins_in_one_browser_both_come_back(stage: Linked, shop: Tenant) -> None:
    first = await _set_out(shop)
    asked = {"agent_flow_id": str(shop.number.agent_flow_id)}
    second = await shop.client.get(AUTHORIZE, params=asked, headers={"Cookie": f"{COOKIE}={_cookie(first)}"})
    assert _cookie(first) == _cookie(second)
    for answer in (first, second):
        told = _told(await _come_back(stage, _cookie(second), code=CODE, state=_asked(answer)["state"]))
        assert told["whatsapp_connected"] == "true"


async def test_a_state_is_good_once(stage: Linked, shop: Tenant) -> None:
    answer = await _set_out(shop)
    state = _asked(answer)["state"]
    await _come_back(stage, _cookie(answer), code=CODE, state=state)
    assert _told(await _come_back(stage, _cookie(answer), code=CODE, state=state)) == {"whatsapp_error": "state_used"}
    assert len(await _started(stage)) == 1


async def test_a_state_lives_ten_minutes_from_when_its_browser_set_out(stage: Linked, shop: Tenant) -> None:
    await _set_out(shop)
    lives = "SELECT extract(epoch FROM expires_at - created_at)::float FROM oauth_states"
    assert await value(stage.api.database, lives) == pytest.approx(600, abs=5)


async def test_a_state_is_good_for_ten_minutes(stage: Linked, shop: Tenant) -> None:
    answer = await _set_out(shop)
    await change(stage.api.database, "UPDATE oauth_states SET expires_at = now()")
    told = _told(await _come_back(stage, _cookie(answer), code=CODE, state=_asked(answer)["state"]))
    assert told == {"whatsapp_error": "state_expired"}
    assert await _started(stage) == []


@pytest.mark.parametrize("cookie", ["", "another-browser"])
async def test_a_state_is_good_in_its_own_browser_and_is_not_used_up_by_another(
    stage: Linked, shop: Tenant, cookie: str
) -> None:
    answer = await _set_out(shop)
    state = _asked(answer)["state"]
    told = _told(await _come_back(stage, cookie, code=CODE, state=state))
    assert told == {"whatsapp_error": "state_other_browser"}
    assert await _started(stage) == []
    assert "whatsapp_connected" in _told(await _come_back(stage, _cookie(answer), code=CODE, state=state))


@pytest.mark.parametrize("state", ["", "made-up", "x" * 5000])
async def test_a_state_that_nobody_made_starts_nothing(stage: Linked, shop: Tenant, state: str) -> None:
    answer = await _set_out(shop)
    told = _told(await _come_back(stage, _cookie(answer), code=CODE, state=state))
    assert told == {"whatsapp_error": "state_unknown"}
    assert await _started(stage) == []


async def test_a_number_goes_to_the_organization_that_set_out_whoever_comes_back(stage: Linked, shop: Tenant) -> None:
    """A stranger's browser that is sent the link of our dialog lacks our cookie; with a session of its own as well."""
    async with tenant(stage.api, digits="15550002") as stranger:
        answer = await _set_out(shop)
        theirs = await _set_out(stranger)
        told = _told(await _come_back(stage, _cookie(theirs), code=CODE, state=_asked(answer)["state"]))
    assert told == {"whatsapp_error": "state_other_browser"}
    assert await _started(stage) == []


@pytest.mark.parametrize(
    ("brought", "code"),
    [
        ({"error": "access_denied", "error_reason": "user_denied"}, "login_declined"),
        ({"error": "server_error", "error_description": "<script>"}, "login_failed"),
        ({}, "login_failed"),
        ({"code": "x" * 5000}, "invalid_request"),
    ],
)
async def test_what_the_dialog_says_instead_of_a_code_is_told_in_our_words(
    stage: Linked, shop: Tenant, brought: dict[str, str], code: str
) -> None:
    answer = await _set_out(shop)
    told = _told(await _come_back(stage, _cookie(answer), state=_asked(answer)["state"], **brought))
    assert told == {"whatsapp_error": code}
    assert await _started(stage) == []


async def test_it_ends_at_the_console_where_there_is_no_dashboard(database: Database, database_url: str) -> None:
    async with linked(database, database_url, public_url="http://127.0.0.1:8080") as stage, tenant(stage.api) as shop:
        answer = await _set_out(shop)
        assert "secure" not in answer.headers["set-cookie"].lower()
        browser = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
        path = f"{CALLBACK}?code={CODE}&state={_asked(answer)['state']}"
        ended = urlsplit((await stage.api.client.get(path, headers=browser)).headers["location"])
        (started,) = await _started(stage)
        assert (ended.netloc, ended.path) == ("127.0.0.1:8080", f"/console/onboardings/{started.id}")
        refused = urlsplit((await stage.api.client.get(path, headers=browser)).headers["location"])
        assert (refused.path, refused.query) == ("/console/connect", "whatsapp_error=state_used")


async def test_an_integration_that_is_reconnected_is_the_callers(stage: Linked, shop: Tenant) -> None:
    answer = await _set_out(shop, reconnects=str(shop.number.integration_id))
    await _come_back(stage, _cookie(answer), code=CODE, state=_asked(answer)["state"])
    (started,) = await _started(stage)
    assert started.reconnects_id == shop.number.integration_id
    foreign = await _set_out(shop, agent_flow_id=str(uuid4()))
    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")


async def test_the_state_remembers_which_onboarding_came_of_it(stage: Linked, shop: Tenant) -> None:
    answer = await _set_out(shop)
    told = _told(await _come_back(stage, _cookie(answer), code=CODE, state=_asked(answer)["state"]))
    led_to = await value(stage.api.database, "SELECT onboarding_id FROM oauth_states")
    assert str(led_to) == told["onboarding"]
    assert (await row(stage.api.database, "onboardings", UUID(told["onboarding"]))).way == "redirect"


async def test_neither_code_nor_state_shows_in_any_log_row_or_address(stage: Linked, shop: Tenant) -> None:
    with logged() as lines:
        answer = await _set_out(shop)
        state, cookie = _asked(answer)["state"], _cookie(answer)
        back = await _come_back(stage, cookie, code=CODE, state=state)
        again = await _come_back(stage, cookie, code=CODE, state=state)
        await change(stage.api.database, "ALTER TABLE oauth_states RENAME COLUMN used_at TO moved")
        broken = await _come_back(stage, cookie, code=CODE, state=state)
    assert broken.status_code == 500
    answers = [f"{answer.headers} {answer.text}" for answer in (back, again, broken)]
    seen = "\n".join([*answers, lines.getvalue(), await everything_stored(stage.api.database)])
    assert [form for secret in (CODE, state, cookie) for form in forms(secret) if form in seen] == []
    assert (back.headers["referrer-policy"], back.headers["cache-control"]) == ("no-referrer", "no-store")
