from datetime import timedelta
from typing import Any

import httpx
import pytest

from simulator.onboarding_client import Prepared
from tests.simulator.stage import CUSTOMER, NUMBER, Simulated

HOURS_72 = timedelta(hours=72)


async def _ready(simulator: Simulated, **standing: Any) -> tuple[Prepared, str]:
    """A number to be registered, and a token that sees it."""
    prepared = await simulator.client.prepare_number(**standing)
    return prepared, await simulator.token_of(prepared.waba_id)


async def _register(simulator: Simulated, number: str, token: str, pin: str = "123456") -> httpx.Response:
    body = {"messaging_product": "whatsapp", "pin": pin}
    return await simulator.call("POST", f"{number}/register", token=token, json=body)


def _code(answer: httpx.Response) -> int:
    return int(answer.json()["error"]["code"])


async def test_a_number_sends_only_once_it_is_registered(simulator: Simulated) -> None:
    prepared, token = await _ready(simulator)
    number = prepared.phone_number_id
    text = {"messaging_product": "whatsapp", "to": f"+{CUSTOMER}", "text": {"body": "hello"}}
    assert _code(await simulator.post(text, number=number, token=token)) == 133010
    before = await simulator.client.number(number)
    assert (before["platform_type"], before["throughput_level"]) == ("NOT_APPLICABLE", "NOT_APPLICABLE")
    assert (await _register(simulator, number, token)).json() == {"success": True}
    after = await simulator.client.number(number)
    assert (after["status"], after["platform_type"], after["pin"]) == ("CONNECTED", "CLOUD_API", "123456")
    assert (await simulator.post(text, number=number, token=token)).status_code == 200
    assert await simulator.client.count("register", number) == 1
    await simulator.call("POST", f"{number}/deregister", token=token)
    assert _code(await simulator.post(text, number=number, token=token)) == 133010
    assert _code(await simulator.call("POST", f"{number}/deregister", token=token)) == 133010


@pytest.mark.parametrize("body", [{"pin": "123456"}, {"messaging_product": "whatsapp", "pin": "12345"}, {}])
async def test_a_registration_needs_a_product_and_six_digits(simulator: Simulated, body: dict[str, str]) -> None:
    prepared, token = await _ready(simulator)
    assert _code(await simulator.call("POST", f"{prepared.phone_number_id}/register", token=token, json=body)) == 100


async def test_a_number_with_two_step_verification_takes_only_its_pin(simulator: Simulated) -> None:
    prepared, token = await _ready(simulator, pin="111222")
    number = prepared.phone_number_id
    assert _code(await _register(simulator, number, token)) == 133005
    assert (await _register(simulator, number, token, "111222")).status_code == 200


async def test_too_many_guesses_wait_and_guesses_too_fast_too(simulator: Simulated) -> None:
    prepared, token = await _ready(simulator, pin="111222")
    number = prepared.phone_number_id
    guesses = [_code(await _register(simulator, number, token)) for _ in range(5)]
    assert guesses == [133005] * 4 + [133008]
    refused = await _register(simulator, number, token, "111222")
    assert refused.json()["error"]["error_data"]["details"].startswith("Try again in")
    await simulator.client.move_clock(timedelta(minutes=10))
    assert (await _register(simulator, number, token, "111222")).status_code == 200
    prepared, token = await _ready(simulator, pin="111222", pin_interval=5)
    number = prepared.phone_number_id
    assert _code(await _register(simulator, number, token)) == 133005
    assert _code(await _register(simulator, number, token, "111222")) == 133009
    await simulator.client.move_clock(timedelta(seconds=6))
    assert (await _register(simulator, number, token, "111222")).status_code == 200


async def test_the_eleventh_registration_locks_the_number_for_72_hours(simulator: Simulated) -> None:
    prepared, token = await _ready(simulator)
    number = prepared.phone_number_id
    for _ in range(10):
        assert (await _register(simulator, number, token)).status_code == 200
    assert _code(await _register(simulator, number, token)) == 133016
    await simulator.client.move_clock(HOURS_72 - timedelta(minutes=1))
    assert _code(await _register(simulator, number, token)) == 133016
    await simulator.client.move_clock(timedelta(minutes=2))
    assert (await _register(simulator, number, token)).status_code == 200


async def test_registrations_of_72_hours_ago_no_longer_count(simulator: Simulated) -> None:
    prepared, token = await _ready(simulator, registrations_made=10)
    assert (await simulator.client.number(prepared.phone_number_id))["registrations"] == 10
    await simulator.client.move_clock(HOURS_72)
    assert (await simulator.client.number(prepared.phone_number_id))["registrations"] == 0
    assert (await _register(simulator, prepared.phone_number_id, token)).status_code == 200


async def test_only_a_verified_number_is_registered(simulator: Simulated) -> None:
    prepared, token = await _ready(simulator, code_verification_status="NOT_VERIFIED")
    assert _code(await _register(simulator, prepared.phone_number_id, token)) == 133006


async def test_a_number_of_the_business_app_refuses_to_be_deregistered(simulator: Simulated) -> None:
    await simulator.client.set_number(NUMBER, is_on_biz_app=True)
    assert _code(await simulator.call("POST", f"{NUMBER}/deregister")) == 100


async def test_a_registration_happened_though_its_answer_was_lost(simulator: Simulated) -> None:
    prepared, token = await _ready(simulator)
    number = prepared.phone_number_id
    await simulator.client.add_fault("server_error", call="register", phone_number_id=number)
    assert (await _register(simulator, number, token)).status_code == 500
    assert (await simulator.client.number(number))["status"] == "CONNECTED"
    [call] = await simulator.client.calls("register")
    assert (call.outcome, call.answer) == ("ok", "server_error")


async def test_a_pin_is_changed_by_a_post_to_the_number(simulator: Simulated) -> None:
    assert (await simulator.call("POST", NUMBER, json={"pin": "654321"})).status_code == 200
    assert (await simulator.call("GET", NUMBER, params={"fields": "is_pin_enabled"})).json()["is_pin_enabled"]
    assert _code(await simulator.call("POST", NUMBER, json={"pin": "1"})) == 100
