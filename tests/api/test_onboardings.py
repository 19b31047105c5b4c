"""Connecting a number over HTTP: stored before it is answered, told to its run beside the answer, no secret shown."""

import asyncio
import time
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from api.console.sessions import BrowserSessions
from store.onboardings import unseal
from store.people import person_with_email
from store.sessions import begin_session, session_of
from tests.api.edge import Tenant
from tests.api.linked import Linked, everything_stored, forms
from tests.api.onboardings import CODE, PATH, PIN, start, waiting
from tests.logs import logged
from tests.people import person
from tests.rows import KEYED_HASH, RING, change, row
from tests.waiting import until


async def test_a_code_is_sealed_and_due_when_the_answer_comes(stage: Linked, shop: Tenant) -> None:
    answer = await start(shop, waba_id="77", phone_number_id="99", event="FINISH", coexistence=True)
    shown = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"{PATH}/{shown['id']}"
    assert (shown["state"], shown["step"], shown["way"]) == ("running", "exchange", "frontend")
    stored = await row(stage.api.database, "onboardings", UUID(shown["id"]))
    assert unseal(RING, "code_sealed", bytes(stored.code_sealed), stored.id) == CODE
    assert stored.due_at is not None
    assert stored.hints == {"event": "FINISH", "waba_id": "77", "phone_number_id": "99"}
    assert stored.coexistence


async def test_its_run_is_woken_at_once(stage: Linked, shop: Tenant) -> None:
    started = (await start(shop)).json()["id"]

    await until(lambda: stage.temporal.woken == [(started, str(shop.organization_id))], seconds=5)


async def test_the_answer_waits_for_no_temporal(stage: Linked, shop: Tenant) -> None:
    stage.temporal.hangs = asyncio.Event()
    began = time.perf_counter()
    assert (await start(shop)).status_code == 202
    assert time.perf_counter() - began < 1
    assert stage.temporal.woken == []
    stage.temporal.hangs.set()


async def test_a_code_is_taken_while_temporal_is_away_and_stays_due(stage: Linked, shop: Tenant) -> None:
    stage.temporal.away = True
    answer = await start(shop)
    assert answer.status_code == 202
    assert (await row(stage.api.database, "onboardings", UUID(answer.json()["id"]))).due_at is not None


async def test_an_onboarding_is_listed_and_read(shop: Tenant) -> None:
    started = (await start(shop)).json()
    read = (await shop.client.get(f"{PATH}/{started['id']}")).json()
    assert read["id"] == started["id"]
    assert [step["step"] for step in read["steps"]][:3] == ["exchange", "inspect", "find"]
    listed = (await shop.client.get(PATH, params={"limit": 1})).json()
    assert [one["id"] for one in listed["items"]] == [started["id"]]
    assert listed["next_cursor"]


@pytest.mark.parametrize(
    ("wait", "step", "answer", "body", "act"),
    [
        ("pin", "register", "pin", {"pin": PIN}, "pin"),
        ("retry", "subscribe", "retry", None, "retry"),
        ("proof", "prove", "proof", {"declined": True}, "proof"),
        ("number", "find", "number", {"phone_number_id": "9901"}, "number"),
        ("pin", "register", "cancel", None, "cancel"),
    ],
)
async def test_what_a_person_answers_is_in_the_row_and_told_to_the_run(
    stage: Linked, shop: Tenant, wait: str, step: str, answer: str, body: Any, act: str
) -> None:
    candidate = {"waba_id": "77", "phone_number_id": "9901", "phone_number": "+1", "verified_name": None, "taken": None}
    candidates = orjson.dumps([candidate]).decode()
    onboarding_id = await waiting(shop, stage.api, wait, step)
    await change(
        stage.api.database,
        "UPDATE onboardings SET candidates = CAST(:candidates AS jsonb) WHERE id = :id",
        id=UUID(onboarding_id),
        candidates=candidates,
    )
    given = await shop.client.post(f"{PATH}/{onboarding_id}/{answer}", json=body)
    assert given.status_code == 200, given.text
    stored = await row(stage.api.database, "onboardings", UUID(onboarding_id))
    assert stored.due_at is not None
    assert (stored.waiting_for is None) == (answer != "cancel")
    assert (stored.cancel_requested_at is not None) == (answer == "cancel")
    if answer == "pin":
        assert unseal(RING, "pin_sealed", bytes(stored.pin_sealed), stored.id) == PIN
    if answer == "number":
        assert stored.phone_number_id == "9901"

    await until(lambda: (onboarding_id, act) in stage.temporal.acts, seconds=5)


async def test_what_is_not_waited_for_is_refused_and_tells_nobody(stage: Linked, shop: Tenant) -> None:
    onboarding_id = await waiting(shop, stage.api, "number", "find")
    given = await shop.client.post(f"{PATH}/{onboarding_id}/pin", json={"pin": PIN})
    assert (given.status_code, given.json()["code"]) == (409, "not_waited_for")
    assert PIN not in given.text
    assert stage.temporal.acts == []


@pytest.mark.parametrize(
    "pin", ["12345", "1234567", "12345a", "\uff11\uff12\uff13\uff14\uff15\uff16", "", "12 456", 123456, None]
)
async def test_a_pin_is_six_digits_and_never_repeated(stage: Linked, shop: Tenant, pin: object) -> None:
    onboarding_id = await waiting(shop, stage.api, "pin", "register")
    given = await shop.client.post(f"{PATH}/{onboarding_id}/pin", json={"pin": pin})
    assert (given.status_code, given.json()["code"]) == (422, "invalid_request")
    assert not pin or str(pin) not in given.text
    assert (await row(stage.api.database, "onboardings", UUID(onboarding_id))).pin_sealed is None


async def test_a_made_pin_is_shown_once_and_kept_by_no_cache(stage: Linked, shop: Tenant) -> None:
    onboarding_id = UUID((await start(shop)).json()["id"])
    sealed = RING.seal(PIN, table="onboardings", column="pin_sealed", row=onboarding_id)
    await change(
        stage.api.database,
        "UPDATE onboardings SET pin_sealed = :sealed, pin_origin = 'made', registered_by_us = true WHERE id = :id",
        id=onboarding_id,
        sealed=sealed,
    )
    assert (await shop.client.get(f"{PATH}/{onboarding_id}")).json()["pin_to_be_shown"] is True
    shown = await shop.client.post(f"{PATH}/{onboarding_id}/shown-pin")
    assert (shown.status_code, shown.json()) == (200, {"pin": PIN})
    assert shown.headers["cache-control"] == "no-store"
    again = await shop.client.post(f"{PATH}/{onboarding_id}/shown-pin")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert (await shop.client.get(f"{PATH}/{onboarding_id}")).json()["pin_to_be_shown"] is False


@pytest.mark.parametrize(
    "request_body",
    [
        {"code": CODE},
        {"code": [CODE]},
        {"code": {CODE: 1}, "agent_flow_id": "x"},
        {"code": CODE * 200, "agent_flow_id": str(uuid4())},
        {"code": CODE, "agent_flow_id": CODE},
        {"code": CODE, "agent_flow_id": str(uuid4()), "waba_id": CODE},
        {"code": CODE, "agent_flow_id": str(uuid4()), "redirect_uri": CODE},
        {"code": CODE, "agent_flow_id": str(uuid4()), "event": CODE},
        {"code": CODE, "agent_flow_id": str(uuid4()), "coexistence": CODE},
        {"code": CODE, "agent_flow_id": str(uuid4())},
    ],
)
async def test_no_refusal_repeats_the_code(shop: Tenant, request_body: dict[str, Any]) -> None:
    answer = await shop.client.post(PATH, json=request_body)
    assert answer.status_code in {404, 422}
    assert CODE[:12] not in answer.text


async def test_no_answer_log_or_row_shows_a_code_or_a_pin(stage: Linked, shop: Tenant) -> None:
    said: list[str] = []
    with logged() as lines:
        stage.temporal.away = True
        onboarding_id = await waiting(shop, stage.api, "pin", "register")
        said.append((await shop.client.post(f"{PATH}/{onboarding_id}/pin", json={"pin": PIN})).text)
        said.append((await shop.client.post(f"{PATH}/{onboarding_id}/pin", json={"pin": PIN})).text)
        said.append((await shop.client.post(PATH, content=f'{{"code": "{CODE}", ')).text)
        await change(stage.api.database, "ALTER TABLE onboardings RENAME COLUMN hints TO moved")
        broken = await start(shop)
        said.append(broken.text)
        said.append((await shop.client.get(f"{PATH}/{onboarding_id}")).text)
    assert broken.status_code == 500
    seen = "\n".join([*said, lines.getvalue(), await everything_stored(stage.api.database)])
    assert [form for secret in (CODE, PIN) for form in forms(secret) if form in seen] == []


async def test_answers_tell_browsers_to_keep_nothing_and_to_believe_our_types(shop: Tenant) -> None:
    headers = (await shop.client.get(PATH)).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"


async def test_a_signed_in_person_may_call_by_cookie_and_changes_nothing_without_the_csrf_token(
    stage: Linked, shop: Tenant
) -> None:
    sessions = BrowserSessions(stage.api.database, KEYED_HASH, stage.settings.console.public_url, timedelta(hours=1))
    person_id = await person(stage.api.database, shop.organization_id, "ada@example.com", role="owner")
    ada = await person_with_email(stage.api.database, "ada@example.com")
    assert ada is not None
    async with stage.api.database.transaction() as connection:
        cookie = await begin_session(connection, KEYED_HASH, ada, life=timedelta(hours=1))
    session = await session_of(stage.api.database, KEYED_HASH, cookie, life=timedelta(hours=1))
    assert session is not None
    body = {"code": CODE, "agent_flow_id": str(shop.number.agent_flow_id)}
    async with httpx.AsyncClient(base_url=stage.api.url, cookies={sessions.cookie: cookie}) as browser:
        assert (await browser.get(PATH)).status_code == 200
        for headers in ({}, {"X-CSRF-Token": "made up"}):
            refused = await browser.post(PATH, json=body, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        for bad in ("Bearer hf_abc_def", "Bearer", "Basic YTpi", "Token x", ""):
            assert (await browser.get(PATH, headers={"Authorization": bad})).status_code == 401, bad
        taken = await browser.post(PATH, json=body, headers={"X-CSRF-Token": sessions.csrf_token(session)})
    assert taken.status_code == 202
    assert (taken.json()["way"], taken.json()["started_by"]) == ("popup", str(person_id))
