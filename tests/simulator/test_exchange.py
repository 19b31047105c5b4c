from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.simulator.stage import APP_ID, APP_TOKEN, NUMBER, TOKEN, WABA, Simulated

REDIRECT = "https://app.example/callback"


def _error(answer: httpx.Response) -> tuple[int, int | None]:
    error = answer.json()["error"]
    return error["code"], error.get("error_subcode")


async def _debug(simulator: Simulated, token: str) -> dict[str, Any]:
    answer = await simulator.call("GET", "debug_token", token=APP_TOKEN, params={"input_token": token})
    assert answer.status_code == 200
    data: dict[str, Any] = answer.json()["data"]
    return data


async def test_a_code_becomes_a_token_that_sees_its_number(simulator: Simulated) -> None:
    prepared = await simulator.client.prepare_number()
    answer = await simulator.exchange(await simulator.client.issue_code(prepared.waba_id))
    assert answer.json().keys() == {"access_token", "token_type"}
    token = answer.json()["access_token"]
    number = await simulator.call("GET", prepared.phone_number_id, token=token)
    assert number.json()["id"] == prepared.phone_number_id
    assert _error(await simulator.call("GET", NUMBER, token=token)) == (100, 33)
    assert _error(await simulator.call("GET", prepared.phone_number_id)) == (100, 33)


async def test_a_code_is_exchanged_once(simulator: Simulated) -> None:
    code = await simulator.client.issue_code(WABA)
    assert (await simulator.exchange(code)).status_code == 200
    answer = await simulator.exchange(code)
    assert answer.status_code == 400
    assert _error(answer) == (100, 36009)
    assert [call.outcome for call in await simulator.client.calls("exchange")] == ["ok", "refused"]


async def test_a_code_lives_for_thirty_seconds(simulator: Simulated) -> None:
    early, late = await simulator.client.issue_code(WABA), await simulator.client.issue_code(WABA)
    await simulator.client.move_clock(timedelta(seconds=28))
    assert (await simulator.exchange(early)).status_code == 200
    await simulator.client.move_clock(timedelta(seconds=2))
    assert _error(await simulator.exchange(late)) == (100, 36007)


async def test_a_code_of_a_redirect_wants_the_same_address_again(simulator: Simulated) -> None:
    code = await simulator.client.issue_code(WABA, redirect_uri=REDIRECT)
    assert _error(await simulator.exchange(code)) == (100, 36008)
    assert _error(await simulator.exchange(code, redirect_uri=REDIRECT + "/")) == (100, 36008)
    assert (await simulator.exchange(code, redirect_uri=REDIRECT)).status_code == 200


async def test_a_wrong_secret_or_app_does_not_spend_the_code(simulator: Simulated) -> None:
    code = await simulator.client.issue_code(WABA)
    assert _error(await simulator.exchange(code, client_secret="wrong")) == (1, None)
    assert _error(await simulator.exchange(code, client_id="1")) == (101, None)
    assert _error(await simulator.exchange("made up")) == (100, None)
    assert (await simulator.exchange(code)).status_code == 200


async def test_a_code_is_spent_though_the_answer_was_lost(simulator: Simulated) -> None:
    code = await simulator.client.issue_code(WABA)
    await simulator.client.add_fault("drop", call="exchange", count=1)
    with pytest.raises(httpx.TransportError):
        await simulator.exchange(code)
    assert _error(await simulator.exchange(code)) == (100, 36009)


async def test_a_code_is_not_spent_by_a_call_that_never_arrived(simulator: Simulated) -> None:
    code = await simulator.client.issue_code(WABA)
    await simulator.client.add_fault("drop", call="exchange", count=1, accepted=False)
    with pytest.raises(httpx.TransportError):
        await simulator.exchange(code)
    assert (await simulator.exchange(code)).status_code == 200


async def test_a_token_of_sixty_days_is_renewed_and_dies_by_the_clock(simulator: Simulated) -> None:
    sixty = timedelta(days=60)
    answer = (await simulator.exchange(await simulator.client.issue_code(WABA, expires_in=sixty))).json()
    assert abs(answer["expires_in"] - sixty.total_seconds()) < 5
    old = answer["access_token"]
    await simulator.client.move_clock(timedelta(days=50))
    query = {"grant_type": "fb_exchange_token", "fb_exchange_token": old, "set_token_expires_in_60_days": "true"}
    new = (await simulator.exchange("", **query)).json()["access_token"]
    assert (await _debug(simulator, old))["is_valid"]
    await simulator.client.move_clock(timedelta(days=10))
    assert not (await _debug(simulator, old))["is_valid"]
    assert (await _debug(simulator, new))["is_valid"]
    assert _error(await simulator.exchange("", **query)) == (190, 463)
    assert _error(await simulator.call("GET", NUMBER, token=old)) == (190, 463)
    assert (await simulator.call("GET", NUMBER, token=new)).status_code == 200


async def test_debug_token_tells_app_type_scopes_and_assets(simulator: Simulated) -> None:
    scopes = ["business_management", "whatsapp_business_management", "whatsapp_business_messaging"]
    token = await simulator.token_of(WABA, scopes=scopes, business_id="777000")
    data = await _debug(simulator, token)
    assert (data["app_id"], data["type"], data["is_valid"], data["expires_at"]) == (APP_ID, "SYSTEM_USER", True, 0)
    assert data["scopes"] == scopes
    assert [row["target_ids"] for row in data["granular_scopes"]] == [["777000"], [WABA], [WABA]]


async def test_debug_token_names_no_targets_when_all_assets_were_granted(simulator: Simulated) -> None:
    token = await simulator.token_of(WABA, names_targets=False)
    assert all("target_ids" not in row for row in (await _debug(simulator, token))["granular_scopes"])
    assert (await simulator.call("GET", WABA, token=token)).status_code == 200


async def test_debug_token_tells_of_dead_and_unknown_tokens_and_of_other_apps(simulator: Simulated) -> None:
    assert (await _debug(simulator, "made up"))["is_valid"] is False
    foreign = await simulator.client.issue_token(WABA, app_id="42")
    assert (await _debug(simulator, foreign))["app_id"] == "42"
    await simulator.client.change_tokens(token=TOKEN, revoked=458)
    data = await _debug(simulator, TOKEN)
    assert (data["is_valid"], data["error"]["code"], data["error"]["subcode"]) == (False, 190, 458)


async def test_debug_token_is_for_the_app_alone(simulator: Simulated) -> None:
    for token in (TOKEN, "100000000000001|wrong", "made-up"):
        answer = await simulator.call("GET", "debug_token", token=token, params={"input_token": TOKEN})
        assert answer.json()["error"]["code"] == 190


async def test_a_token_dies_and_loses_scopes_and_assets_at_any_moment(simulator: Simulated) -> None:
    prepared = await simulator.client.prepare_number(waba_id=WABA)
    token = await simulator.token_of(WABA)
    path = prepared.phone_number_id
    assert (await simulator.call("GET", path, token=token)).status_code == 200
    await simulator.client.change_tokens(token=token, remove_scopes=["whatsapp_business_management"])
    assert _error(await simulator.call("GET", path, token=token)) == (200, None)
    assert (await _debug(simulator, token))["scopes"] == ["whatsapp_business_messaging"]
    await simulator.client.change_tokens(token=token, add_scopes=["whatsapp_business_management"], remove_wabas=[WABA])
    assert _error(await simulator.call("GET", path, token=token)) == (100, 33)
    assert await simulator.client.change_tokens(phone_number_id=NUMBER, revoked=460) == 1
    assert _error(await simulator.call("GET", NUMBER)) == (190, 460)
    await simulator.client.change_tokens(phone_number_id=NUMBER, revoked=0)
    assert (await simulator.call("GET", NUMBER)).status_code == 200
    await simulator.client.change_number(NUMBER, revoked=True)
    assert not (await _debug(simulator, TOKEN))["is_valid"]
