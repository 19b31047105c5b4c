"""Whom the connect page listens to, and what it lets Facebook's own hosts do."""

import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Route, expect

from simulator.client import SimulatorClient
from store.onboardings import unseal
from tests.console.connecting import GO, connect_page, row_of
from tests.console.stage import Console, Install, Installation, opened
from tests.rows import RING


@pytest.mark.parametrize(
    ("origin", "trusted", "is_trusted"),
    [
        ("https://www.facebook.com", "", True),
        ("https://facebook.com", "", True),
        ("https://business.facebook.com", "", True),
        ("http://www.facebook.com", "", False),
        ("https://evilfacebook.com", "", False),
        ("https://facebook.com.evil.example", "", False),
        ("https://evil.example/facebook.com", "", False),
        ("null", "", False),
        ("http://127.0.0.1:8090", "http://127.0.0.1:8090", True),
        ("http://127.0.0.1:8091", "http://127.0.0.1:8090", False),
        ("https://www.facebook.com", "http://127.0.0.1:8090", False),
    ],
)
async def test_only_facebook_or_the_simulator_that_is_set_is_listened_to(
    module: Page, origin: str, trusted: str, *, is_trusted: bool
) -> None:
    script = "([o, t]) => import('/console/static/signup.js').then((m) => m.isTrusted(o, t))"
    assert await module.evaluate(script, [origin, trusted]) is is_trusted


@pytest.mark.parametrize(
    "data", ["cb=f1&code=x", "{", "null", "[]", '{"type":"OTHER"}', '{"type":"WA_EMBEDDED_SIGNUP"}']
)
async def test_what_windows_say_to_each_other_besides_is_not_stumbled_over(module: Page, data: str) -> None:
    script = "(d) => import('/console/static/signup.js').then((m) => m.readMessage(d))"
    assert await module.evaluate(script, data) is None


async def test_a_message_of_another_window_starts_nothing(console: Console, meta: SimulatorClient) -> None:
    await meta.forget_endings()
    async with connect_page(console, meta) as page:
        await page.get_by_role("button", name=GO).click()
        forged = '{"type":"WA_EMBEDDED_SIGNUP","event":"ERROR","data":{"error_message":"forged"}}'
        await page.evaluate("(message) => window.postMessage(message, '*')", forged)
        await page.wait_for_timeout(300)
        await expect(page.locator("#outcome")).to_be_empty()


SDK = """
  // Does what Facebook's own does: a second file, a frame, a look at who is signed in, a pixel, a popup.
  const second = document.createElement("script");
  second.src = "https://connect.facebook.net/en_US/sdk.js?hash=abc";
  second.onload = () => window.fbAsyncInit();
  document.head.append(second);
  window.FB = {
    init() {
      const frame = document.createElement("iframe");
      frame.src = "https://www.facebook.com/plugins/login_button.php";
      frame.style.display = "none";
      document.body.append(frame);
      fetch("https://www.facebook.com/x/oauth/status?client_id=1", { credentials: "include" });
      new Image().src = "https://www.facebook.com/impression.php?x=1";
    },
    login(callback) {
      window.open("https://www.facebook.com/v26.0/dialog/oauth", "login", "popup,width=600,height=700");
      window.addEventListener("message", (event) => {
        if (event.origin === "https://staticxx.facebook.com") callback({ authResponse: { code: "the-code" } });
      });
    },
  };
"""
POPUP = """<script>
  const message = { type: "WA_EMBEDDED_SIGNUP", event: "FINISH", data: { waba_id: "1", phone_number_id: "2" } };
  opener.postMessage(JSON.stringify(message), "*");
  location = "https://staticxx.facebook.com/x/connect/xd_arbiter/";
</script>"""
ARBITER = "<script>opener.postMessage('cb=f1', '*'); window.close();</script>"


async def test_the_page_lets_facebooks_own_hosts_do_their_part_and_the_popup_reach_it(install: Install) -> None:
    async def facebook(route: Route) -> None:
        url = urlsplit(route.request.url)
        match url.hostname, url.path:
            case "connect.facebook.net", _:
                body = SDK if not url.query else ""
                await route.fulfill(content_type="text/javascript", body=body)
            case "www.facebook.com", "/x/oauth/status":
                allow = {"Access-Control-Allow-Origin": console.url, "Access-Control-Allow-Credentials": "true"}
                await route.fulfill(headers=allow, body="{}")
            case "www.facebook.com", "/v26.0/dialog/oauth":
                await route.fulfill(content_type="text/html", body=POPUP)
            case "staticxx.facebook.com", _:
                await route.fulfill(content_type="text/html", body=ARBITER)
            case _, "/impression.php":
                await route.fulfill(content_type="image/svg+xml", body='<svg xmlns="http://www.w3.org/2000/svg"/>')
            case _:
                await route.fulfill(content_type="text/html", body="")
        asked.append(f"{url.hostname}{url.path}")

    asked: list[str] = []
    async with install() as console, console.signed_in(hosts=["connect.facebook.net", "www.facebook.com"]) as page:
        await page.context.route(re.compile(r"https://[a-z]+\.facebook\.(net|com)/"), facebook)
        await page.goto("/console/connect")
        await page.locator("#go:not([aria-disabled])").click()
        await expect(page).to_have_url(re.compile("/console/onboardings/"))
        made = await row_of(console)
        assert unseal(RING, "code_sealed", made.code_sealed, made.id) == "the-code"
        assert made.hints == {"event": "FINISH", "waba_id": "1", "phone_number_id": "2"}
    assert {
        "www.facebook.com/plugins/login_button.php",
        "www.facebook.com/x/oauth/status",
        "www.facebook.com/impression.php",
        "staticxx.facebook.com/x/connect/xd_arbiter/",
    } <= set(asked)


async def test_only_the_connect_page_lets_the_sdk_in(install: Install) -> None:
    async with install() as console, console.caller() as client:
        for path in ("/console", "/console/sign-in", "/console/onboardings", "/console/people", "/console/nowhere"):
            headers = (await client.get(path, follow_redirects=True)).headers
            assert "facebook" not in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["cross-origin-opener-policy"] == "same-origin"
        headers = (await client.get("/console/connect")).headers
        assert "script-src 'self' https://connect.facebook.net;" in headers["content-security-policy"]
        assert "form-action 'self' https://www.facebook.com;" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cross-origin-opener-policy"] == "same-origin-allow-popups"


@pytest.fixture(scope="session")
async def module(installation: Installation) -> AsyncIterator[Page]:
    """A page from which our modules can be loaded."""
    async with opened(installation) as console, console.page() as page:
        await page.goto("/console/sign-in")
        yield page
