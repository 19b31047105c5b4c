"""Onboardings whose worker dies, whose Graph breaks, whose Temporal is away: nothing twice, nothing half done."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import OpenHouse, restore
from tests.faults.house import Figure, House
from tests.faults.opening import Servers, opened
from tests.faults.signups import HASTE, Signup, Signups, signing_up
from tests.services import clone_database, drop_database

_ENDS_WITH_ITS_CODE = {"code_lost", "code_expired"}
"""What may become of an onboarding whose worker died in mid-exchange: the code was written and is spent."""
_CODE_LIFE = 6.0
_APP_SECRET = "canaryappsecret77e1"
_LOOKED_THROUGH = HASTE | {
    "ONBOARDING_CODE_LIFE": str(_CODE_LIFE),
    "META_APP_SECRET": _APP_SECRET,
    "LOG_LEVEL": "debug",
}


async def test_onboardings_whose_worker_is_killed_at_any_moment_go_on_and_do_nothing_twice(
    open_house: OpenHouse, record_property: Figure, *, chaos: bool
) -> None:
    house = await open_house(environment=HASTE)
    for call in ("exchange", "debug_token", "waba", "subscribe", "register", "number"):
        await house.simulator.add_fault("slow", call=call, seconds=0.3)
    async with signing_up(house) as signups:
        begun: list[Signup] = []
        for _ in range(5 if chaos else 2):
            for _ in range(12 if chaos else 9):
                begun.append(await signups.begin())
                await asyncio.sleep(0.15)
            house.supervisor.kill("worker")
            await house.supervisor.restart("worker")
        ended = [await signups.ended(signup) for signup in begun]
        lost = [onboarding for onboarding in ended if onboarding["state"] == "failed"]
        assert {onboarding["error"]["code"] for onboarding in lost} <= _ENDS_WITH_ITS_CODE
        assert {onboarding["state"] for onboarding in ended} <= {"live", "failed"}
        record_property("killed in mid-exchange", f"{len(lost)} of {len(begun)}")
        # On a machine that has lost its pace codes expire before anybody can exchange them.
        assert len(lost) < len(begun) / 2 or house.slowness > 2
        for signup, onboarding in zip(begun, ended, strict=True):
            expected = {"subscribe": 1, "register": 1} if onboarding["state"] == "live" else {}
            assert +(await signups.effects(signup)) == expected, onboarding
        assert await house.simulator.count("exchange") <= len(begun)
        await signups.no_run_failed()


@pytest.mark.parametrize("accepted", [False, True], ids=["before it took effect", "after it took effect"])
async def test_a_graph_that_breaks_at_each_step_only_delays_the_onboarding(house: House, *, accepted: bool) -> None:
    async with signing_up(house) as signups:
        begun = []
        for call in ("waba", "phone_numbers", "number", "subscribed_apps", "subscribe", "register"):
            for kind in ("server_error", "drop"):
                number = await house.simulator.prepare_number()
                of_waba = call in {"waba", "phone_numbers", "subscribed_apps", "subscribe"}
                met = number.waba_id if of_waba else number.phone_number_id
                await house.simulator.add_fault(kind, call=call, phone_number_id=met, count=1, accepted=accepted)
                code = await house.simulator.issue_code(number.waba_id)
                begun.append((f"{kind} at {call}", await signups.hand_over(number, code)))
        await house.simulator.add_fault("server_error", call="debug_token", count=5)
        for what, signup in begun:
            if "register" in what and not accepted:
                # Ten registrations in 72 h lock a number: after a lost answer a person decides on another one.
                await signups.until(signup, lambda onboarding: onboarding["waiting_for"] == "retry")
                (await signups.api.post(f"/onboardings/{signup.onboarding_id}/retry")).raise_for_status()
            onboarding = await signups.ended(signup)
            assert onboarding["state"] == "live", (what, onboarding["error"])
            assert await signups.effects(signup) == {"subscribe": 1, "register": 1}, what
        await house.simulator.end_faults()


@pytest.mark.parametrize("kind", ["server_error", "drop"])
async def test_a_code_whose_exchange_brought_no_answer_is_never_written_again(house: House, kind: str) -> None:
    async with signing_up(house) as signups:
        asked = await house.simulator.count("exchange")
        await house.simulator.add_fault(kind, call="exchange", count=1)
        onboarding = await signups.ended(await signups.begin())
        assert (onboarding["state"], onboarding["error"]["code"]) == ("failed", "code_lost")
        assert "again" in onboarding["error"]["next_step"]
        assert await house.simulator.count("exchange") == asked + 1


async def test_a_code_that_comes_twice_connects_its_number_once(house: House) -> None:
    async with signing_up(house) as signups:
        first = await signups.begin()
        assert (await signups.ended(first))["state"] == "live"
        again = await signups.ended(await signups.hand_over(first.number, first.code))
        assert (again["state"], again["error"]["code"]) == ("failed", "code_used")
        assert await signups.effects(first) == {"subscribe": 1, "register": 1}


async def test_a_token_that_dies_between_two_steps_ends_the_onboarding_with_words_and_leaves_nothing_behind(
    house: House,
) -> None:
    async with signing_up(house) as signups:
        number = await house.simulator.prepare_number()
        waba_id = number.waba_id
        await house.simulator.add_fault("refuse", call="subscribe", phone_number_id=waba_id, code=2, http_status=503)
        signup = await signups.hand_over(number, await house.simulator.issue_code(waba_id))
        await signups.until(signup, lambda onboarding: _attempts(onboarding, "subscribe") > 0)
        await house.simulator.change_tokens(waba_id=waba_id, revoked=463)
        await house.simulator.end_faults()
        onboarding = await signups.ended(signup)
        assert (onboarding["state"], onboarding["error"]["code"]) == ("failed", "token_invalid")
        (left,) = await house.rows(
            "SELECT state, access_token_sealed FROM integrations WHERE phone_number_id = :number",
            number=number.phone_number_id,
        )
        assert (left.state, left.access_token_sealed) == ("disconnected", None)
        assert +await signups.effects(signup) == {}


@pytest.fixture(scope="module")
async def _temporal_house(
    cli: Path, postgres_template: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    name = f"onboarding_{worker_id}_{os.getpid()}"
    url = await clone_database(postgres_template, name)
    async with opened(tmp_path_factory.mktemp("house"), cli, Servers(url), environment=_LOOKED_THROUGH) as house:
        yield house
    await drop_database(postgres_template, name)


@pytest.fixture
async def temporal_house(_temporal_house: House) -> House:
    """A house with a Temporal of its own, which is killed and emptied, and what it writes is searched in the end."""
    await restore(_temporal_house)
    await _temporal_house.connect()
    return _temporal_house


async def test_a_code_that_comes_while_temporal_is_away_is_exchanged_when_it_is_back_in_time(
    temporal_house: House,
) -> None:
    house = temporal_house
    async with signing_up(house) as signups:
        house.supervisor.kill("temporal")
        in_time = await signups.begin()
        await asyncio.sleep(1)
        await house.supervisor.restart("temporal")
        assert (await signups.ended(in_time))["state"] == "live"

        house.supervisor.kill("temporal")
        asked = await house.simulator.count("exchange")
        too_late = await signups.begin()
        await asyncio.sleep(_CODE_LIFE + 0.5)
        await house.supervisor.restart("temporal")
        onboarding = await signups.ended(too_late)
        assert (onboarding["state"], onboarding["error"]["code"]) == ("failed", "code_expired")
        assert await house.simulator.count("exchange") == asked, "Meta was asked for a code that was too old"
        await signups.no_run_failed()


async def test_a_temporal_that_was_emptied_takes_the_onboarding_up_at_the_step_it_had_reached(
    temporal_house: House,
) -> None:
    house = temporal_house
    async with signing_up(house) as signups:
        asked = await house.simulator.count("exchange")
        number = await house.simulator.prepare_number(pin="246810")
        signup = await signups.hand_over(number, await house.simulator.issue_code(number.waba_id))
        await signups.until(signup, lambda onboarding: onboarding["waiting_for"] == "pin")
        house.supervisor.kill("temporal")
        assert house.stack.temporal
        house.stack.temporal.delete_file()
        await house.supervisor.restart("temporal")
        answer = await signups.api.post(f"/onboardings/{signup.onboarding_id}/pin", json={"pin": "246810"})
        assert answer.is_success, answer.text
        assert (await signups.ended(signup))["state"] == "live"
        assert await signups.effects(signup) == {"subscribe": 1, "register": 1}
        assert await house.simulator.count("exchange") == asked + 1


async def test_no_token_code_pin_or_secret_of_an_onboarding_is_in_any_history_log_or_answer(
    temporal_house: House,
) -> None:
    house = temporal_house
    async with signing_up(house) as signups:
        seen: list[str] = []
        signups.api.event_hooks["response"].append(_keeping(seen))
        codes = await _provoked(signups)
        tokens = [str(token["text"]) for token in await house.simulator.tokens()]
        made = (await house.simulator.number(codes[0].number.phone_number_id))["pin"]
        client = await house.temporal()
        async for run in client.list_workflows():
            handle = client.get_workflow_handle(run.id, run_id=run.run_id)
            seen.append((await handle.fetch_history()).to_json())
    for part in ("worker", "api", "temporal"):
        await house.supervisor.stop(part)
    seen += [house.supervisor.log(part).read_text(errors="replace") for part in ("api", "worker", "temporal")]
    seen += [file.read_bytes().decode("latin-1") for file in house.stack.folder.glob("temporal.db*")]
    assert len(tokens) > 1
    assert made
    canaries = [_APP_SECRET, *(signup.code for signup in codes), *tokens, f'"{made}"', "135791", "246802"]
    texts = [text + _decoded(text) for text in seen]
    assert [canary for canary in canaries if any(canary in text for text in texts)] == []


async def _provoked(signups: Signups) -> list[Signup]:
    """An onboarding that goes well, and the ways in which one goes wrong with its secrets at hand."""
    house = signups.house
    well = await signups.begin()
    await signups.ended(well)
    pinned = await signups.begin(pin="135791")
    await signups.until(pinned, lambda onboarding: onboarding["waiting_for"] == "pin")
    for pin in ("246802", "24680", "135791"):
        await signups.api.post(f"/onboardings/{pinned.onboarding_id}/pin", json={"pin": pin})
        await signups.until(pinned, lambda o: o["waiting_for"] == "pin" or o["state"] != "running")
    await signups.ended(pinned)
    used = await signups.hand_over(well.number, well.code)
    await signups.ended(used)
    number = await house.simulator.prepare_number()
    code = await house.simulator.issue_code(number.waba_id)
    await house.simulator.add_fault("refuse", call="exchange", count=1, code=100, details=f"Invalid code {code}")
    refused = await signups.hand_over(number, code)
    await signups.ended(refused)
    await signups.api.post("/onboardings", json={"code": well.code, "agent_flow_id": well.code})
    return [well, pinned, used, refused]


def _keeping(seen: list[str]) -> Any:
    async def keep(response: Any) -> None:
        seen.append((await response.aread()).decode())

    return keep


def _decoded(text: str) -> str:
    """What the payloads of a history hold."""
    try:
        history = json.loads(text)
    except ValueError:
        return ""
    found: list[str] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("data"), str):
                found.append(base64.b64decode(value["data"]).decode("utf-8", "replace"))
            for part in value.values():
                look(part)
        elif isinstance(value, list):
            for part in value:
                look(part)

    look(history)
    return "\n".join(found)


def _attempts(onboarding: dict[str, Any], step: str) -> int:
    return next(int(found["attempts"]) for found in onboarding["steps"] if found["step"] == step)
