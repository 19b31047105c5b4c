"""What people do on the pages: with and without JavaScript, while things move, twice by mistake."""

import re
from urllib.parse import urlsplit

from playwright.async_api import Request, expect

from simulator.client import SimulatorClient
from store.onboardings import seal
from store.people import person_with_email
from tests.console import states
from tests.console.stage import Console, fits, is_sound, sign_in
from tests.rows import RING, row


async def test_a_number_is_chosen_and_a_pin_given_without_javascript(console: Console) -> None:
    choosing = await states.waiting(console, "number", "find")
    asking = await states.waiting(console, "pin", "register")
    async with console.signed_in(java_script_enabled=False) as page:
        await page.goto(f"/console/onboardings/{choosing}")
        await page.get_by_role("button", name="Connect this number").click()
        await page.get_by_role("radio", name=re.compile("1234567")).check()
        await page.get_by_role("button", name="Connect this number").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Connecting your number"))
        await page.goto(f"/console/onboardings/{asking}")
        await page.get_by_label(re.compile("^PIN of")).fill("123456")
        await page.get_by_role("button", name="Register with this PIN").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Connecting your number"))
    assert (await row(console.database, "onboardings", choosing)).phone_number == "+49 30 1234567"
    assert (await row(console.database, "onboardings", asking)).pin_sealed is not None


async def test_a_pin_that_is_none_is_said_beside_the_field_and_is_not_repeated(console: Console) -> None:
    onboarding_id = await states.waiting(console, "pin", "register")
    async with console.signed_in(java_script_enabled=False) as page:
        await page.goto(f"/console/onboardings/{onboarding_id}")
        pin = page.get_by_label(re.compile("^PIN of"))
        await page.locator("form").filter(has=pin).evaluate("(form) => (form.noValidate = true)")
        await pin.fill("12345")
        await page.get_by_role("button", name="Register with this PIN").click()
        await expect(page.get_by_role("alert")).to_have_text(re.compile("A PIN has six digits."))
        assert "12345<" not in await page.content()
        assert 'value="12345"' not in await page.content()


async def test_what_somebody_is_typing_stays_while_other_parts_of_the_page_move(console: Console) -> None:
    onboarding_id = await states.waiting(console, "pin", "register")
    async with console.signed_in() as page:
        await page.goto(f"/console/onboardings/{onboarding_id}")
        pin = page.get_by_label(re.compile("^PIN of"))
        await pin.fill("123")
        await states.changed(console, onboarding_id, verified_name="Bakery Süd")
        await expect(page.get_by_text("Bakery Süd")).to_be_visible()
        await expect(pin).to_have_value("123")
        await expect(pin).to_be_focused()
        await states.changed(console, onboarding_id, waiting_for=None, waiting_since=None)
        await expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Connecting your number"))
        await expect(pin).to_have_count(0)


async def test_a_page_loaded_while_something_is_asked_begins_in_the_field_asked_for(console: Console) -> None:
    async with console.signed_in() as page:
        await page.goto(f"/console/onboardings/{await states.waiting(console, 'pin', 'register')}")
        await expect(page.get_by_label(re.compile("^PIN of"))).to_be_focused()
        await page.goto(f"/console/onboardings/{await states.waiting(console, 'number', 'find')}")
        await expect(page.get_by_role("radio").first).to_be_focused()


async def test_a_page_that_lost_its_stream_says_so_and_finds_back(console: Console) -> None:
    onboarding_id = await states.begun(console)
    async with console.signed_in() as page:
        await page.route("**/events", lambda route: route.abort())
        await page.goto(f"/console/onboardings/{onboarding_id}")
        await expect(page.get_by_text("The connection to Holdfast is interrupted.")).to_be_visible()
        await page.unroute("**/events")
        await states.standing_at(console, onboarding_id, "find", "running")
        await expect(page.get_by_text("Find the number …")).to_be_visible()
        await expect(page.get_by_text("The connection to Holdfast is interrupted.")).to_be_hidden()
        console.watched[-1].log.clear()  # the browser says that the stream failed


async def test_a_second_click_sends_nothing_again(console: Console) -> None:
    onboarding_id = await states.waiting(console, "retry", "subscribe")
    posts: list[Request] = []
    async with console.signed_in() as page:
        page.on("request", lambda request: posts.append(request) if request.method == "POST" else None)
        await page.goto(f"/console/onboardings/{onboarding_id}")
        await page.get_by_role("button", name="Try again").dblclick(no_wait_after=True)
        await expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Connecting your number"))
    assert [urlsplit(post.url).path for post in posts] == [f"/console/onboardings/{onboarding_id}"]


async def test_what_is_no_longer_waited_for_is_refused_in_words(console: Console) -> None:
    onboarding_id = await states.waiting(console, "retry", "subscribe")
    async with console.signed_in(java_script_enabled=False) as page:
        await page.goto(f"/console/onboardings/{onboarding_id}")
        await states.changed(console, onboarding_id, waiting_for="pin")
        await page.get_by_role("button", name="Try again").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("waits for a PIN"))


async def test_a_pin_that_was_made_is_shown_once(console: Console) -> None:
    onboarding_id = await states.ended(console, "live", "prove", **states.number())
    made = {"pin_origin": "made", "pin_sealed": seal(RING, "pin_sealed", "864209", onboarding_id)}
    await states.changed(console, onboarding_id, registered_by_us=True, **made)
    async with console.signed_in() as page:
        await page.goto(f"/console/onboardings/{onboarding_id}")
        assert "864209" not in await page.content()
        await page.get_by_role("button", name="Show the PIN, once").click()
        await expect(page.locator(".secret code")).to_have_text("864209")
        await is_sound(page, "pin-made")
        await page.get_by_role("link", name="I have noted it").click()
        await expect(page.get_by_role("button", name="Show the PIN, once")).to_have_count(0)


async def test_an_owner_adds_somebody_who_signs_in_and_takes_it_away_again(console: Console) -> None:
    email = f"ben-{console.email}"
    async with console.signed_in() as page, console.page() as bens:
        await page.goto("/console/people")
        await page.get_by_label("E-mail address").fill(console.email)
        await page.get_by_role("button", name="Add and show").click()
        await expect(page.get_by_role("alert")).to_contain_text("Somebody has this e-mail address already.")
        await is_sound(page, "people-taken")
        await page.get_by_label("E-mail address").fill(email)
        await page.get_by_label("Name").fill("Ben Osei")
        await page.get_by_role("button", name="Add and show").click()
        password = await page.locator(".secret code").inner_text()
        await fits(page, "people-password")
        await sign_in(bens, email, password=password)
        await expect(bens.get_by_role("link", name="People")).to_have_count(0)
        await page.get_by_role("link", name="Back to People").click()
        await page.get_by_text("Change Ben Osei").click()
        await page.get_by_role("button", name="Disable Ben Osei").click()
        await expect(page.get_by_role("status")).to_contain_text("The account is disabled")
        await bens.reload()
        await expect(bens).to_have_url(re.compile("/console/sign-in"))
        await page.get_by_text("Change Ada Moor").click()
        await page.get_by_role("button", name="Make Ada Moor a member").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("This is the last owner who can sign in.")
    ben = await person_with_email(console.database, email)
    assert ben is not None
    assert ben.disabled_at is not None


async def test_everything_is_reached_by_the_keyboard(console: Console, meta: SimulatorClient) -> None:
    async with console.signed_in(hosts=[urlsplit(meta.base_url).netloc]) as page:
        await page.goto("/console")
        await page.keyboard.press("Tab")
        await expect(page.get_by_text("Skip to the content")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Connect a number")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile("/console/connect$"))
