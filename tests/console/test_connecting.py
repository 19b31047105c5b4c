"""The connect page: every ending of Facebook's window, and what keeps it from opening, in a browser."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, Request, Route, expect

from simulator.client import SimulatorClient
from store.onboardings import unseal
from tests.console.stage import Console, Installation, fits, is_sound, opened
from tests.rows import RING, change, row

Install = Callable[..., AbstractAsyncContextManager[Console]]
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
    return await row(console.database, "onboardings", (await onboarding_of(console))["id"])


@pytest.mark.parametrize("callback_first", [False, True])
async def test_the_code_and_the_ids_are_posted_whichever_half_comes_first(
    console: Console, meta: SimulatorClient, *, callback_first: bool
) -> None:
    await ends(meta, "finish", callback_first=callback_first)
    async with connect_page(console, meta) as page:
        await page.get_by_role("button", name=GO).click()
        await expect(page).to_have_url(re.compile("/console/onboardings/"))
        await expect(page.get_by_role("heading", level=1)).to_have_text("Connecting your number")
    login, made = await last_login(meta), await row_of(console)
    assert made.hints == {
        "event": "FINISH",
        "waba_id": login["waba_id"],
        "business_id": login["business_id"],
        "phone_number_id": login["phone_number_ids"][0],
    }
    assert unseal(RING, "code_sealed", made.code_sealed, made.id) == login["code"]
    assert (made.way, made.started_by, made.coexistence) == ("popup", console.person_id, False)
    assert console.starter.woken == [str(made.id)]


async def test_a_window_closed_on_its_last_screen_is_a_success(console: Console, meta: SimulatorClient) -> None:
    await ends(meta, "close")
    async with connect_page(console, meta) as page:
        await page.get_by_role("button", name=GO).click()
        await expect(page).to_have_url(re.compile("/console/onboardings/"))
    assert (await row_of(console)).hints == {}


async def test_a_signup_without_a_number_is_posted_as_such(console: Console, meta: SimulatorClient) -> None:
    await ends(meta, "finish_only_waba")
    async with connect_page(console, meta) as page:
        await page.get_by_role("button", name=GO).click()
        await expect(page).to_have_url(re.compile("/console/onboardings/"))
    hints = (await row_of(console)).hints
    assert (hints["event"], "phone_number_id" in hints) == ("FINISH_ONLY_WABA", False)


async def test_a_number_that_stays_in_the_app_is_asked_for_and_posted_so(
    console: Console, meta: SimulatorClient
) -> None:
    await ends(meta, "coexistence")
    async with connect_page(console, meta) as page:
        await page.get_by_label("stays in the WhatsApp Business app").check()
        async with page.expect_popup() as popup:
            await page.get_by_role("button", name=GO).click()
        assert "whatsapp_business_app_onboarding" in (await popup.value).url
        await expect(page).to_have_url(re.compile("/console/onboardings/"))
    made = await row_of(console)
    assert (made.coexistence, made.hints["event"]) == (True, "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("cancel", "You left Facebook's window at the phone number."),
        ("report", "You reported a problem in Facebook's window and left it."),
        ("error", "Facebook's window ended with an error."),
        ("no_code", "Facebook finished the signup but gave no code."),
    ],
)
async def test_every_other_ending_is_said_in_words_and_the_window_can_be_opened_again(
    console: Console, meta: SimulatorClient, kind: str, words: str
) -> None:
    await ends(meta, kind)
    async with connect_page(console, meta) as page:
        await page.get_by_role("button", name=GO).click()
        outcome = page.locator("#outcome")
        await expect(outcome).to_contain_text(words)
        await expect(outcome).to_be_focused()
        if kind in {"report", "error"}:
            await outcome.get_by_text("What Facebook said", exact=True).click()
            await expect(outcome).to_contain_text("violates WhatsApp guidelines. (code 524126)")
        await expect(page.get_by_role("button", name=GO)).not_to_have_attribute("aria-disabled", "true")
        await fits(page, f"connect-{kind}")
    assert console.starter.woken == []


async def test_a_window_that_is_just_closed_is_said_in_words(console: Console, meta: SimulatorClient) -> None:
    await meta.forget_endings()
    async with connect_page(console, meta) as page:
        async with page.expect_popup() as popup:
            await page.get_by_role("button", name=GO).click()
        await expect(page.locator("#readiness")).to_have_text(re.compile("window is open"))
        await (await popup.value).close()
        await expect(page.locator("#outcome")).to_contain_text("closed before the end")


async def test_a_second_click_opens_no_second_window(console: Console, meta: SimulatorClient) -> None:
    await meta.forget_endings()
    async with connect_page(console, meta) as page:
        await page.evaluate(
            "(open => { window.opens = 0; window.open = (...a) => (opens++, open(...a)) })(window.open)"
        )
        await page.get_by_role("button", name=GO).dblclick()
        await expect(page.locator("#readiness")).to_have_text(re.compile("window is open"))
        assert await page.evaluate("opens") == 1


async def test_a_blocked_window_is_said_in_words(console: Console, meta: SimulatorClient) -> None:
    async with connect_page(console, meta) as page:
        await page.evaluate("window.open = () => null")
        await page.get_by_role("button", name=GO).click()
        await expect(page.locator("#outcome")).to_contain_text("did not let Facebook's window open")
        await expect(page.locator("#outcome")).to_contain_text("connect by redirect")
        await is_sound(page, "connect-popup-blocked")


async def test_a_blocked_sdk_is_said_in_words(console: Console, meta: SimulatorClient) -> None:
    async with console.signed_in(hosts=[urlsplit(meta.base_url).netloc]) as page:
        await page.route("**/sdk.js", lambda route: route.abort("blockedbyclient"))
        await page.goto("/console/connect")
        await expect(page.locator("#readiness")).to_contain_text("could not be loaded")
        await expect(page.get_by_role("button", name=GO)).to_have_attribute("aria-disabled", "true")
        await fits(page, "connect-sdk-blocked")
        console.watched[-1].log.clear()  # the browser says that it was blocked, as well it may


async def test_no_window_opens_while_nobody_could_take_the_code(console: Console, meta: SimulatorClient) -> None:
    console.starter.ready = False
    async with console.signed_in(hosts=[urlsplit(meta.base_url).netloc]) as page:
        await page.goto("/console/connect")
        await expect(page.locator("#readiness")).to_contain_text("worker is not running or not reachable")
        await page.get_by_role("button", name=GO).click(force=True)
        assert len(page.context.pages) == 1
        await fits(page, "connect-not-ready")
        console.starter.ready = True
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await expect(page.get_by_role("button", name=GO)).not_to_have_attribute("aria-disabled", "true", timeout=15000)


async def test_a_code_is_posted_again_when_nothing_was_stored(console: Console, meta: SimulatorClient) -> None:
    posts: list[Request] = []

    async def away_once(route: Route) -> None:
        posts.append(route.request)
        if len(posts) == 1:
            await route.fulfill(status=503, json={"detail": "The database does not answer."})
        else:
            await route.continue_()

    await ends(meta, "finish")
    async with connect_page(console, meta) as page:
        await page.route("**/api/v1/whatsapp/onboardings", away_once)
        await page.get_by_role("button", name=GO).click()
        await expect(page).to_have_url(re.compile("/console/onboardings/"))
        console.watched[-1].log.clear()  # the 503
    assert len(posts) == 2


async def test_a_refused_code_is_said_in_words(console: Console, meta: SimulatorClient) -> None:
    await ends(meta, "finish")
    async with connect_page(console, meta) as page:
        gone = "DELETE FROM agent_flows WHERE organization_id = :id"
        await change(console.database, gone, id=console.organization_id)
        await page.get_by_role("button", name=GO).click()
        await expect(page.locator("#outcome")).to_contain_text("This organization has no such agent flow.")


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


async def test_missing_settings_are_named(install: Install) -> None:
    async with install(meta={"app_id": "", "config_id": ""}) as console, console.signed_in() as page:
        await page.goto("/console/connect")
        await expect(page.get_by_text("META_APP_ID")).to_be_visible()
        await expect(page.get_by_text("META_CONFIG_ID")).to_be_visible()
        await expect(page.get_by_role("button", name=GO)).to_have_attribute("aria-disabled", "true")


async def test_an_organization_without_an_agent_flow_makes_one_first(console: Console, meta: SimulatorClient) -> None:
    await change(console.database, "DELETE FROM agent_flows WHERE organization_id = :id", id=console.organization_id)
    async with console.signed_in(hosts=[urlsplit(meta.base_url).netloc]) as page:
        await page.goto("/console/connect")
        await page.get_by_role("button", name="Make an echo").click()
        await expect(page.get_by_role("radio", name="Echo")).to_be_checked()


async def test_the_way_back_from_the_redirect_says_what_went_wrong(console: Console, meta: SimulatorClient) -> None:
    async with connect_page(console, meta) as page:
        await page.goto("/console/connect?whatsapp_error=login_declined")
        await expect(page.get_by_text("The access was not given in Facebook's dialog.")).to_be_visible()


async def test_a_pasted_token_is_refused_beside_the_form_and_never_shown(
    console: Console, meta: SimulatorClient
) -> None:
    async with connect_page(console, meta) as page:
        await page.get_by_text("Connect by hand instead").click()
        await page.get_by_label("Phone number", exact=True).fill("+49 30 1234567")
        await page.get_by_label("Phone number id").fill("106540352242922")
        await page.get_by_label("WhatsApp Business Account id").fill("102290129340398")
        await page.get_by_label("Access token").fill("EAAcanary0000")
        await page.get_by_role("button", name="Check and connect").click()
        await expect(page.locator("#by-hand").get_by_role("alert")).to_contain_text("is not set up")
        await expect(page.get_by_label("Access token")).to_be_focused()
        await expect(page.get_by_label("Phone number id")).to_have_value("106540352242922")
        assert "EAAcanary0000" not in await page.content()
        await is_sound(page, "connect-by-hand-refused")
        console.watched[-1].log.clear()  # the 503


@pytest.fixture(scope="session")
async def module(installation: Installation) -> AsyncIterator[Page]:
    """A page from which our modules can be loaded."""
    async with opened(installation) as console, console.page() as page:
        await page.goto("/console/sign-in")
        yield page
