"""The way in and out, and what keeps others out, in a browser."""

import re

import httpx
import pytest
from playwright.async_api import expect

from store.organizations import create_organization
from store.people import set_disabled
from tests.console.stage import Console, Install, csrf_of, fits, is_sound, sign_in, try_to_sign_in
from tests.people import PASSWORD, person


async def test_whoever_signs_in_arrives_where_they_wanted_to_go(console: Console) -> None:
    async with console.page() as page:
        await page.goto("/console/onboardings?state=failed")
        await expect(page).to_have_url(re.compile("/console/sign-in"))
        await page.get_by_label("E-mail address").fill(f" {console.email.upper()} ")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{console.url}/console/onboardings?state=failed")


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(console: Console) -> None:
    async with console.page() as page:
        await sign_in(page, console.email)
        kept = {cookie["name"]: cookie for cookie in await page.context.cookies()}["holdfast_session"]
        assert (kept["httpOnly"], kept["sameSite"], kept["path"], kept["secure"]) == (True, "Lax", "/", False)
        assert "holdfast" not in await page.evaluate("document.cookie")


async def test_the_way_in_leads_to_no_other_place(console: Console) -> None:
    async with httpx.AsyncClient(base_url=console.url) as client:
        for onward in ("https://evil.example/console", "//evil.example", "/\\evil.example", "/console\\x", "/api/v1"):
            form = await client.get("/console/sign-in", params={"next": onward})
            csrf = re.search(r'name="csrf" value="([^"]+)"', form.text)
            assert csrf
            fields = {"csrf": csrf.group(1), "email": console.email, "password": PASSWORD, "next": onward}
            assert (await client.post("/console/sign-in", data=fields)).headers["location"] == "/console", onward
            client.cookies.delete("holdfast_session")


async def test_a_wrong_password_is_said_beside_the_field_and_what_was_typed_stays(console: Console) -> None:
    async with console.page() as page:
        await try_to_sign_in(page, console.email, password="wrong")
        await expect(page.get_by_role("alert")).to_contain_text("do not belong together")
        await expect(page.get_by_label("E-mail address")).to_have_value(console.email)
        await expect(page.get_by_label("Password")).to_be_focused()
        await is_sound(page, "sign-in-wrong")


async def test_after_too_many_attempts_even_the_right_password_waits(install: Install) -> None:
    async with install(sign_in_attempts=2) as console, console.page() as page:
        for _ in range(2):
            await try_to_sign_in(page, console.email, password="wrong")
        await try_to_sign_in(page, console.email, password=PASSWORD)
        await expect(page.get_by_role("alert")).to_contain_text("Try again in 15 minutes")
        await fits(page, "sign-in-throttled")


async def test_signing_out_ends_the_session_for_good(console: Console) -> None:
    async with console.signed_in() as page:
        await page.goto("/console")
        kept = await page.context.cookies()
        await page.get_by_text("Bakery Nord").first.click()
        await page.get_by_role("button", name="Sign out", exact=True).click()
        await expect(page.get_by_text("You are signed out.")).to_be_visible()
        await fits(page, "signed-out")
        assert "holdfast_session" not in {cookie["name"] for cookie in await page.context.cookies()}
        await page.context.add_cookies(kept)  # type: ignore[arg-type]  # what was read is what may be set
        await page.goto("/console")
        await expect(page).to_have_url(re.compile("/console/sign-in"))


async def test_a_disabled_account_is_out_at_once(console: Console) -> None:
    await person(console.database, console.organization_id, "ben@example.com", role="owner")
    async with console.signed_in() as page:
        await page.goto("/console")
        await set_disabled(
            console.database, organization_id=console.organization_id, person_id=console.person_id, disabled=True
        )
        await page.get_by_role("link", name="Onboardings").click()
        await expect(page).to_have_url(re.compile("/console/sign-in"))


async def test_another_organizations_pages_are_not_there(console: Console) -> None:
    other = await create_organization(console.database, "Florist")
    await person(console.database, other, "flo@example.com")
    async with console.page() as page:
        await sign_in(page, "flo@example.com")
        await page.goto(f"/console/integrations/{console.organization_id}")
        await expect(page.get_by_role("heading")).to_have_text("This organization has no such integration.")
        await page.goto("/console/people")
        await expect(page.get_by_role("heading")).to_have_text("Only owners may do this.")
        await fits(page, "refused")


async def test_a_form_without_its_token_or_from_another_site_does_nothing(console: Console) -> None:
    form = {"email": "eve@example.com", "role": "owner"}
    async with console.caller() as client:
        csrf = await csrf_of(client)
        for fields, headers in (
            (form, {}),
            (form | {"csrf": f"{csrf}x"}, {}),
            (form | {"csrf": csrf}, {"Origin": "https://evil.example"}),
            (form | {"csrf": csrf}, {"Origin": "null"}),
            (form | {"csrf": csrf}, {"Sec-Fetch-Site": "cross-site"}),
        ):
            answer = await client.post("/console/people", data=fields, headers=headers)
            assert answer.status_code == 403, (fields, headers)
            assert "eve@example.com" not in (await client.get("/console/people")).text
        assert (await client.post("/console/people", data=form | {"csrf": csrf})).status_code == 200
        assert "eve@example.com" in (await client.get("/console/people")).text


async def test_the_form_to_sign_in_is_taken_only_from_the_browser_that_got_it(console: Console) -> None:
    async with httpx.AsyncClient(base_url=console.url) as client:
        csrf = re.search(r'name="csrf" value="([^"]+)"', (await client.get("/console/sign-in")).text)
        assert csrf
        fields = {"email": console.email, "password": PASSWORD}
        good = fields | {"csrf": csrf.group(1)}
        origin = {"Origin": "https://evil.example"}
        for sent, cookies, headers in (
            (fields, client.cookies, {}),
            (good, {"holdfast_visitor": "another browser's"}, {}),
            (good, client.cookies, origin),
        ):
            async with httpx.AsyncClient(base_url=console.url, cookies=cookies) as other:
                answer = await other.post("/console/sign-in", data=sent, headers=headers)
            assert (answer.status_code, "holdfast_session" in answer.cookies) == (403, False)
        assert "holdfast_session" in (await client.post("/console/sign-in", data=good)).cookies


async def test_the_token_of_one_session_is_none_of_another(console: Console) -> None:
    async with console.caller() as client, console.caller() as other:
        answer = await client.post("/console/sign-out", data={"csrf": await csrf_of(other)})
        assert answer.status_code == 403


async def test_a_signed_in_person_may_call_the_api_and_change_things_only_with_the_token(console: Console) -> None:
    path, wanted = "/api/v1/agent-flows", {"name": "More", "kind": "echo"}
    async with console.caller() as client:
        assert (await client.get(path)).json()["items"][0]["name"] == "Orders"
        assert (await client.post(path, json=wanted)).status_code == 403
        good = await client.post(path, json=wanted, headers={"X-CSRF-Token": await csrf_of(client)})
        assert good.status_code == 201
        client.cookies = httpx.Cookies({"holdfast_session": "made up"})
        assert (await client.get(path)).status_code == 401


async def test_over_https_the_cookies_are_secure_and_bound_to_the_host(install: Install) -> None:
    url = "https://hold.example"
    async with install(public_url=url) as console, httpx.AsyncClient(base_url=console.url) as client:
        first = await client.get("/console/sign-in")
        visitor = first.cookies["__Host-holdfast_visitor"]
        csrf = re.search(r'name="csrf" value="([^"]+)"', first.text)
        assert csrf
        fields = {"csrf": csrf.group(1), "email": console.email, "password": PASSWORD}
        headers = {"Cookie": f"__Host-holdfast_visitor={visitor}", "Origin": url}
        answer = await client.post("/console/sign-in", data=fields, headers=headers)
        kept = next(line for line in answer.headers.get_list("set-cookie") if "session" in line)
        assert kept.startswith("__Host-holdfast_session=")
        assert {"Secure", "HttpOnly", "SameSite=lax", "Path=/"} <= set(kept.split("; "))


async def test_a_page_that_cannot_be_made_says_an_error_id_and_no_detail(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("a detail")

    monkeypatch.setattr("api.console.home.number_statuses", broken)
    async with console.signed_in() as page:
        await page.goto("/console")
        await expect(page.get_by_role("heading")).to_have_text("This page could not be made")
        assert "a detail" not in await page.content()
        await fits(page, "unexpected")
        console.watched[-1].log.clear()
