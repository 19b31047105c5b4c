"""The connect page besides Facebook's window: what keeps it from opening, and the ways around it."""

from urllib.parse import urlsplit

from playwright.async_api import expect

from simulator.client import SimulatorClient
from tests.console.connecting import GO, connect_page
from tests.console.stage import Console, Install, fits, is_sound
from tests.rows import change


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
