"""The frontend of docs/frontends.md, as it stands there: its page in a browser, its server by Playwright's own Node."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright._impl._driver import compute_driver_executable
from playwright.async_api import Browser, Page, expect

from cli.ports import free_port
from simulator.app import create_app
from simulator.client import SimulatorClient
from simulator.config import SimulatorConfig
from store import onboarding_rows
from store.engine import Database
from store.organizations import create_agent_flow, create_api_key, create_organization
from store.tables import onboardings
from tests.api.edge import APP_ID, SECRET, edge, settings_for
from tests.rows import KEYED_HASH, RING, row
from tests.simulator.stage import served
from tests.waiting import until

_PAGE = Path(__file__).parents[2] / "docs" / "frontends.md"
_FILE = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
_BUTTON = "Connect WhatsApp"


@dataclass(frozen=True, slots=True)
class Frontend:
    """The documented frontend, served, with a simulator in Meta's place."""

    url: str
    meta: SimulatorClient
    database: Database
    browser: Browser

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Page]:
        """Its page, ready for the click."""
        context = await self.browser.new_context()
        context.set_default_timeout(8000)
        page = await context.new_page()
        await page.goto(self.url)
        await expect(page.get_by_role("button", name=_BUTTON)).to_be_enabled()
        yield page
        await context.close()

    async def begun(self) -> list[Any]:
        """All onboardings."""
        async with self.database.transaction() as connection:
            return list(await connection.execute(onboardings.select()))

    async def one(self) -> Any:
        """The only onboarding, once it is there."""

        async def there() -> bool:
            return bool(await self.begun())

        await until(there, seconds=5)
        (found,) = await self.begun()
        return found

    async def changed(self, onboarding_id: UUID, **values: Any) -> None:
        """Its run has got somewhere."""
        async with self.database.transaction() as connection:
            await onboarding_rows.change(connection, onboarding_id, values)


@pytest.fixture
async def frontend(database: Database, database_url: str, browser: Browser, tmp_path: Path) -> AsyncIterator[Frontend]:
    for name, text in _FILE.findall(_PAGE.read_text()):
        (tmp_path / name).write_text(text)
    organization_id = await create_organization(database, "Bakery")
    flow_id = await create_agent_flow(database, RING, organization_id=organization_id, name="Orders", kind="echo")
    key = await create_api_key(database, KEYED_HASH, organization_id=organization_id, name="the frontend")
    async with (
        edge(database, settings_for(database_url)) as api,
        served(create_app(SimulatorConfig(app_secret=SECRET, app_id=APP_ID))) as meta_url,
        SimulatorClient(meta_url) as meta,
        _server(
            tmp_path,
            HOLDFAST_URL=api.url,
            HOLDFAST_KEY=key,
            AGENT_FLOW_ID=str(flow_id),
            META_SDK_URL=f"{meta_url}/sdk.js",
            SIGNUP_ORIGIN=meta_url,
        ) as url,
    ):
        yield Frontend(url, meta, database, browser)


@asynccontextmanager
async def _server(folder: Path, **environment: str) -> AsyncIterator[str]:
    node, _ = compute_driver_executable()
    port = free_port()
    given = {"META_APP_ID": APP_ID, "META_CONFIG_ID": "our config", "PORT": str(port), **environment}
    process = await asyncio.create_subprocess_exec(node, folder / "server.mjs", env={**os.environ, **given})
    url = f"http://127.0.0.1:{port}"

    async def answers() -> bool:
        try:
            return (await client.get(f"{url}/settings.json")).is_success
        except httpx.ConnectError:
            return False

    async with httpx.AsyncClient(trust_env=False) as client:
        await until(answers, seconds=10)
    yield url
    process.terminate()
    await process.wait()


@pytest.mark.parametrize("first", ["message", "callback"])
async def test_it_posts_the_code_with_the_ids_whichever_comes_first(frontend: Frontend, first: str) -> None:
    await frontend.meta.preset_ending("finish", callback_first=first == "callback")
    async with frontend.opened() as page:
        await page.get_by_role("button", name=_BUTTON).click()
        begun = await frontend.one()
    assert begun.way == "frontend"
    assert begun.code_sealed is not None
    assert set(begun.hints) == {"event", "waba_id", "phone_number_id", "business_id"}
    assert begun.hints["event"] == "FINISH"


async def test_it_posts_the_code_of_a_window_that_was_closed_on_its_last_screen(frontend: Frontend) -> None:
    await frontend.meta.preset_ending("close")
    async with frontend.opened() as page:
        await page.get_by_role("button", name=_BUTTON).click()
        begun = await frontend.one()
    assert begun.hints == {}


async def test_it_says_that_the_number_stays_in_the_app(frontend: Frontend) -> None:
    await frontend.meta.preset_ending("coexistence")
    async with frontend.opened() as page:
        await page.get_by_role("button", name=_BUTTON).click()
        assert (await frontend.one()).coexistence


@pytest.mark.parametrize(
    ("kind", "words"), [("cancel", "closed before the end"), ("report", "violates"), ("error", "violates")]
)
async def test_it_says_why_nothing_was_begun(frontend: Frontend, kind: str, words: str) -> None:
    await frontend.meta.preset_ending(kind)
    async with frontend.opened() as page:
        await page.get_by_role("button", name=_BUTTON).click()
        await expect(page.get_by_role("status")).to_contain_text(words)
        await expect(page.get_by_role("button", name=_BUTTON)).to_be_enabled()
    assert await frontend.begun() == []


async def test_it_follows_the_onboarding_and_answers_it(frontend: Frontend) -> None:
    await frontend.meta.preset_ending("finish")
    async with frontend.opened() as page:
        await page.get_by_role("button", name=_BUTTON).click()
        begun = await frontend.one()
        await frontend.changed(begun.id, step="register", waiting_for="pin")
        await page.get_by_label("The number's PIN, six digits").fill("123456")
        await page.get_by_role("button", name="Go on").click()
        await expect(page.get_by_role("button", name="Go on")).to_be_hidden()
        answered = await row(frontend.database, "onboardings", begun.id)
        assert answered.pin_sealed is not None
        await page.get_by_role("button", name="Cancel").click()

        async def cancelled() -> bool:
            return (await frontend.one()).cancel_requested_at is not None

        await until(cancelled, seconds=5)


async def test_its_server_shows_nobody_what_it_did_not_start(frontend: Frontend) -> None:
    begun = UUID("019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a10")
    async with httpx.AsyncClient(base_url=frontend.url, trust_env=False) as client:
        assert (await client.get(f"/onboardings/{begun}/events")).status_code == 404
        assert (await client.post(f"/onboardings/{begun}/cancel")).status_code == 404
        assert (await client.get("/server.mjs")).status_code == 404
