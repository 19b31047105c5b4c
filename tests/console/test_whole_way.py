"""From the click to a live number, with everything running: API, worker, Temporal, the simulator in Meta's place."""

import asyncio
import base64
import os
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from cli import temporal_cli
from cli.processes import Supervisor
from cli.stack import Stack
from simulator.client import SimulatorClient
from store.engine import Database
from tests.console.stage import Console, Installation, Starter, fits, is_sound, opened
from tests.console.tabs import Tabs
from tests.pace import slowness
from tests.rows import HASH_KEY, SEALING_KEY
from tests.services import clone_database, drop_database

GO = "#go:not([aria-disabled])"


def soon() -> float:
    """Ten seconds at this machine's usual pace, in milliseconds."""
    return 10_000 * slowness()


@dataclass(frozen=True, slots=True)
class House:
    """Everything, and the simulator's control."""

    installation: Installation
    meta: SimulatorClient
    stack: Stack


@pytest.fixture(scope="session")
async def house(
    browser: Browser,
    postgres_template: str,
    temporal_address: str,
    temporal_namespace: str,
    worker_id: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[House]:
    name = f"console_house_{worker_id}_{os.getpid()}"
    url = await clone_database(postgres_template, name)
    settings = {
        "TEMPORAL_NAMESPACE": f"{temporal_namespace}-console",
        "SEALING_KEYS": SEALING_KEY,
        "SEALING_HASH_KEY": base64.b64encode(HASH_KEY).decode(),
        "ONBOARDING_FIRST_RETRY": "0.1",
        "CONSOLE_SIGN_IN_ATTEMPTS": "1000",
    }
    cli = await asyncio.to_thread(temporal_cli.find, None, say=print)
    with Supervisor(tmp_path_factory.mktemp("console")) as supervisor:
        stack = Stack(supervisor, cli, environment=settings, database_url=url, temporal_address=temporal_address)
        parts = [stack.part(name) for name in ("simulator", "api", "worker")]
        for part in parts:
            supervisor.start(part)
        await asyncio.gather(*(supervisor.ready(part.name) for part in parts))
        database, tabs = Database.connect(url, pool_size=4), Tabs(browser)
        async with SimulatorClient(stack.simulator_url) as meta:
            yield House(Installation(stack.api_url, database, browser, Starter(), None, tabs), meta, stack)
        await tabs.close()
        await database.close()
        await supervisor.stop_all()
    await drop_database(postgres_template, name)


@pytest.fixture
async def console(house: House) -> AsyncIterator[Console]:
    await house.meta.forget_endings()
    async with opened(house.installation) as made:
        yield made


@asynccontextmanager
async def begun(house: House, console: Console, **ending: Any) -> AsyncIterator[Page]:
    """The page of an onboarding that was begun by a click."""
    await house.meta.preset_ending(**ending)
    async with console.signed_in(hosts=[urlsplit(house.meta.base_url).netloc]) as page:
        await page.goto("/console/connect")
        await page.locator(GO).click()
        await page.wait_for_url("**/console/onboardings/*")
        yield page


def title(page: Page) -> Any:
    return expect(page.get_by_role("heading", level=1))


async def login(house: House) -> dict[str, Any]:
    logins: list[dict[str, Any]] = await house.meta._call("GET", "/logins")
    return logins[-1]


async def test_a_click_leads_to_a_live_number_within_ten_seconds_and_a_message_proves_it(
    house: House, console: Console
) -> None:
    began = time.monotonic()
    async with begun(house, console, kind="finish", display_phone_number="4930111111") as page:
        await title(page).to_have_text(re.compile("is connected"), timeout=soon())
        assert time.monotonic() - began < soon() / 1000
        await expect(page.get_by_role("img", name="QR code of https://wa.me/4930111111")).to_be_visible()
        await is_sound(page, "whole-way-proof")
        await page.get_by_role("button", name="Show the PIN, once").click()
        await expect(page.locator(".secret code")).to_have_text(re.compile("^[0-9]{6}$"))
        await fits(page, "whole-way-pin-made")
        await page.get_by_role("link", name="I have noted it").click()
        await expect(page.get_by_role("button", name="Show the PIN, once")).to_have_count(0)
        number = (await login(house))["phone_number_ids"][0]
        await house.meta.customer_says(number, "491700000009", "Hello")
        await expect(page.get_by_text("A message has proven it")).to_be_visible(timeout=soon())
        await page.get_by_role("link", name="Open the number").click()
        await title(page).to_contain_text("+4930111111")
        await fits(page, "whole-way-number")


async def test_a_wrong_pin_is_said_beside_its_field_and_the_right_one_goes_on(house: House, console: Console) -> None:
    ending = {"display_phone_number": "4930222222", "standing": {"pin": "246810"}}
    async with begun(house, console, kind="finish", **ending) as page:
        await title(page).to_have_text("Enter the number's PIN")
        pin = page.get_by_label(re.compile("^PIN of"))
        await expect(pin).to_be_focused()
        await pin.fill("111111")
        await page.get_by_role("button", name="Register with this PIN").click()
        await expect(page.get_by_role("alert")).to_contain_text(re.compile("PIN"), timeout=soon())
        await expect(page.get_by_label(re.compile("^PIN of"))).to_be_focused()
        await fits(page, "whole-way-wrong-pin")
        await page.get_by_label(re.compile("^PIN of")).fill("246810")
        await page.keyboard.press("Enter")
        await title(page).to_have_text(re.compile("is connected"), timeout=soon())
    standing = await house.meta.number((await login(house))["phone_number_ids"][0])
    assert standing["status"] == "CONNECTED"


async def test_of_two_numbers_the_chosen_one_is_connected(house: House, console: Console) -> None:
    ending = {"display_phone_number": "4930333333", "new_numbers": 2, "names_number": False}
    async with begun(house, console, kind="finish", **ending) as page:
        await title(page).to_have_text("Choose the number to connect")
        await fits(page, "whole-way-two-numbers")
        await page.get_by_role("radio", name=re.compile("333334")).check()
        await page.get_by_role("button", name="Connect this number").click()
        await title(page).to_have_text(re.compile(r"4930333334 is connected"), timeout=soon())


async def test_a_cancelled_onboarding_is_taken_back(house: House, console: Console) -> None:
    async with begun(house, console, kind="finish", standing={"pin": "246810"}) as page:
        await title(page).to_have_text("Enter the number's PIN")
        await page.get_by_text("Cancel this onboarding").click()
        await page.get_by_role("button", name="Cancel and take it back").click()
        await title(page).to_have_text("This was cancelled", timeout=soon())
        await fits(page, "whole-way-cancelled")


async def test_the_redirect_goes_to_facebook_and_comes_back_to_the_onboarding(house: House, console: Console) -> None:
    await house.meta.preset_ending("finish", display_phone_number="4930444444")
    async with console.signed_in(hosts=[urlsplit(house.meta.base_url).netloc]) as page:
        await page.goto("/console/connect")
        await page.get_by_text("Connect by redirect instead").click()
        await page.get_by_role("button", name="Go to Facebook").click()
        await page.wait_for_url("**/console/onboardings/*")
        await title(page).to_have_text(re.compile("is connected"), timeout=soon())


async def test_a_declined_redirect_comes_back_with_the_reason(house: House, console: Console) -> None:
    await house.meta.preset_ending("cancel")
    async with console.signed_in(hosts=[urlsplit(house.meta.base_url).netloc]) as page:
        await page.goto("/console/connect")
        await page.get_by_text("Connect by redirect instead").click()
        await page.get_by_role("button", name="Go to Facebook").click()
        await expect(page.get_by_text("The access was not given in Facebook's dialog.")).to_be_visible()


async def test_a_number_is_connected_by_hand_switched_off_checked_given_a_token_and_disconnected(
    house: House, console: Console
) -> None:
    made = await house.meta.prepare_number(display_phone_number="4930555555")
    tokens = [await house.meta.issue_token(made.waba_id) for _ in range(2)]
    async with console.signed_in(hosts=[urlsplit(house.meta.base_url).netloc]) as page:
        await page.goto("/console/connect")
        await page.get_by_text("Connect by hand instead").click()
        await page.get_by_label("Phone number", exact=True).fill("+49 30 555555")
        await page.get_by_label("Phone number id").fill(made.phone_number_id)
        await page.get_by_label("WhatsApp Business Account id").fill(made.waba_id)
        await page.get_by_role("textbox", name="Access token").fill(tokens[0])
        await page.get_by_role("button", name="Check and connect").click()
        await title(page).to_have_text(re.compile("is connected"), timeout=soon())
        await page.get_by_text("Go without it").click()
        await page.get_by_role("button", name="End without a first message").click()
        await page.get_by_role("link", name="Open the number").click(timeout=soon())
        await page.get_by_role("button", name="Switch off").click()
        await expect(page.get_by_role("heading", name="Switched off")).to_be_visible()
        await page.get_by_role("button", name="Switch on").click()
        await expect(page.get_by_role("heading", name="Switched on")).to_be_visible()
        await page.get_by_role("button", name="Check now").click()
        await expect(page.get_by_text("The check has begun.")).to_be_visible()
        await page.get_by_text("Paste a new one").click()
        await page.get_by_role("textbox", name="Access token").fill("EAAnobodys")
        await page.get_by_role("button", name="Check and store it").click()
        await expect(page.get_by_role("alert")).to_be_visible()
        await page.get_by_role("textbox", name="Access token").fill(tokens[1])
        await page.get_by_role("button", name="Check and store it").click()
        await expect(page.get_by_text(f"…{tokens[1][-4:]}")).to_be_visible()
        await page.get_by_text("Disconnect +4930555555").first.click()
        await is_sound(page, "whole-way-disconnect")
        await page.get_by_role("button", name="Disconnect +4930555555").click()
        await expect(page.get_by_text("The number is disconnected, and Meta sends nothing")).to_be_visible()
