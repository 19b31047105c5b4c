"""Tokens that die and numbers that are taken away, at any moment."""

import asyncio

import httpx

from simulator.client import SimulatorClient
from tests.simulator.stage import NUMBER, WABA, Simulated


def _code(answer: httpx.Response) -> tuple[int | None, int | None]:
    error = answer.json().get("error", {})
    return error.get("code"), error.get("error_subcode")


async def test_a_token_dies_with_the_third_call_and_stays_dead(simulator: Simulated) -> None:
    await simulator.client.add_fault("revoke", after=2, count=1)
    codes = [_code(await simulator.send())[0] for _ in range(4)]
    assert codes == [None, None, 190, 190]
    assert _code(await simulator.call("GET", NUMBER))[0] == 190
    await simulator.client.change_number(NUMBER, revoked=False)
    assert (await simulator.send()).status_code == 200


async def test_a_number_is_taken_from_its_tokens_for_a_while(simulator: Simulated) -> None:
    await simulator.client.add_fault("remove", count=1, seconds=0.2)
    assert _code(await simulator.send()) == (100, 33)
    assert _code(await simulator.send()) == (100, 33)
    assert await simulator.client.settle()  # what is to come back is no status
    await asyncio.sleep(0.25)
    assert (await simulator.send()).status_code == 200
    assert (await simulator.client.account())["refused"] == {"100": 2}


async def test_a_management_call_can_be_the_one_with_which_a_token_dies(simulator: Simulated) -> None:
    await simulator.client.add_fault("revoke", call="phone_numbers", count=1)
    assert _code(await simulator.call("GET", f"{WABA}/phone_numbers"))[0] == 190
    assert _code(await simulator.send())[0] == 190


async def test_a_fault_of_one_number_leaves_the_others_alone(simulator: Simulated) -> None:
    client: SimulatorClient = simulator.client
    await client.add_number("2", "another", display_phone_number="15552", token="t")
    await client.add_fault("revoke", phone_number_id="2")
    assert (await simulator.send()).status_code == 200
    text = {"messaging_product": "whatsapp", "to": "+4915550001", "text": {"body": "hi"}}
    assert _code(await simulator.post(text, number="2", token="t"))[0] == 190
