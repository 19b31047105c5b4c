"""Every ending of Facebook's window, and what becomes of its code, in a browser."""

import re

import pytest
from playwright.async_api import Request, Route, expect

from simulator.client import SimulatorClient
from store.onboardings import unseal
from tests.console.connecting import GO, connect_page, ends, last_login, row_of
from tests.console.stage import Console, fits, is_sound
from tests.rows import RING, change


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
