"""Facebook's window as tests open it from the connect page, how it ends, and what is begun by it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Page, expect

from simulator.client import SimulatorClient
from tests.console.stage import Console
from tests.rows import row

GO = "Continue with Facebook"


async def ends(meta: SimulatorClient, kind: str, **ending: Any) -> None:
    """Preset how the next login ends."""
    await meta.forget_endings()
    await meta.preset_ending(kind, announce=False, **ending)


async def last_login(meta: SimulatorClient) -> dict[str, Any]:
    """What the last login left."""
    logins: list[dict[str, Any]] = await meta._call("GET", "/logins")
    return logins[-1]


@asynccontextmanager
async def connect_page(console: Console, meta: SimulatorClient) -> AsyncIterator[Page]:
    """The connect page, ready."""
    async with console.signed_in(hosts=[urlsplit(meta.base_url).netloc]) as page:
        await page.goto("/console/connect")
        await expect(page.get_by_role("button", name=GO)).not_to_have_attribute("aria-disabled", "true")
        yield page


async def onboarding_of(console: Console) -> Any:
    """The one onboarding that was begun."""
    async with console.caller() as client:
        found = (await client.get("/api/v1/whatsapp/onboardings")).json()["items"]
    assert len(found) == 1
    return found[0]


async def row_of(console: Console) -> Any:
    """Its row."""
    return await row(console.database, "onboardings", (await onboarding_of(console))["id"])
