"""The SDK and its popup in a real browser, opened by a page of another origin."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.browsers import launched
from tests.simulator.stage import APP_ID, Simulated, served

_OPENER = """<!doctype html><title>Opener</title><button id="go" disabled>Connect</button><script>
window.heard = [];
window.addEventListener("message", (event) => window.heard.push(["message", event.origin, event.data]));
window.fbAsyncInit = () => {
  FB.init({ appId: "%s", version: "v26.0" });
  document.getElementById("go").disabled = false;
};
document.getElementById("go").addEventListener("click", () => FB.login(
  (response) => window.heard.push(["login", response.status, response.authResponse]),
  { config_id: "77", response_type: "code", override_default_response_type: true, extras: { setup: {} } },
));
</script><script async src="%s/sdk.js"></script>"""


@dataclass
class Opened:
    """A page that uses the SDK."""

    page: Page
    home: str

    async def popup(self) -> Page:
        async with self.page.expect_popup() as opened:
            await self.page.click("#go:enabled")
        return await opened.value

    async def heard(self, count: int) -> list[Any]:
        """What the page heard, once there is as much."""
        await self.page.wait_for_function(f"window.heard.length >= {count}")
        heard: list[Any] = await self.page.evaluate("window.heard")
        assert all(origin == self.home for kind, origin, _ in heard if kind == "message")
        return heard


@pytest.fixture(scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with launched(chromium) as browser:
        yield browser


@pytest.fixture
async def opened(simulator: Simulated, browser: Browser) -> AsyncIterator[Opened]:
    home = str(simulator.graph.base_url).rstrip("/")

    async def opener(_: Request) -> Response:
        headers = {"cross-origin-opener-policy": "same-origin-allow-popups"}
        return HTMLResponse(_OPENER % (APP_ID, home), headers=headers)

    context = await browser.new_context()
    complaints: list[str] = []
    context.on("console", lambda message: complaints.append(message.text))
    async with served(Starlette(routes=[Route("/", opener), Route("/favicon.ico", lambda _: Response())])) as url:
        page = await context.new_page()
        await page.goto(url)
        yield Opened(page, home)
        await context.close()
    assert complaints == []


async def test_the_page_hears_the_message_and_gets_a_code_that_works(opened: Opened, simulator: Simulated) -> None:
    popup = await opened.popup()
    await popup.click("button.first")
    message, callback, login = await opened.heard(3)
    assert '"event": "FINISH"' in message[2]
    assert callback[2].startswith("cb=")
    assert login[1] == "connected"
    assert (await simulator.exchange(login[2]["code"])).status_code == 200
    await opened.page.wait_for_timeout(400)
    assert popup.is_closed()


async def test_a_popup_that_is_closed_tells_the_page_so(opened: Opened) -> None:
    await (await opened.popup()).close()
    assert await opened.heard(1) == [["login", "unknown", None]]


async def test_a_preset_popup_closes_without_a_click(opened: Opened, simulator: Simulated) -> None:
    await simulator.client.preset_ending("coexistence", callback_first=True)
    await opened.page.click("#go:enabled")
    _, login, message = await opened.heard(3)
    assert login[1] == "connected"
    assert '"event": "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING"' in message[2]


async def test_a_popup_fits_a_narrow_screen(opened: Opened) -> None:
    popup = await opened.popup()
    await popup.set_viewport_size({"width": 390, "height": 800})
    await popup.click("summary")
    assert await popup.evaluate("document.documentElement.scrollWidth") <= 390
