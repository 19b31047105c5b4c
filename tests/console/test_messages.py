"""Deciding about messages of which nobody knows whether they arrived: with and without JavaScript, twice, too late."""

import re
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from playwright.async_api import Request, expect

from tests.console.stage import Console, csrf_of, is_sound, opened
from tests.console.undecided import awaited, talking, undecided
from tests.rows import change, received, row, rows


async def _decisions(console: Console, message_id: UUID) -> list[tuple[str, int, UUID]]:
    query = "SELECT decision, attempt, actor_id FROM message_decisions WHERE message_id = :id AND decision IS NOT NULL"
    return [(one.decision, one.attempt, one.actor_id) for one in await rows(console.database, query, id=message_id)]


async def test_what_waits_is_found_from_the_first_page_and_decided_without_javascript(console: Console) -> None:
    again, never = await undecided(console, content={"text": {"body": "Yes"}}), await undecided(console)
    async with console.signed_in(java_script_enabled=False) as page:
        await page.goto("/console")
        await expect(page.get_by_text("2 messages wait for your decision")).to_be_visible()
        await page.get_by_role("link", name="Decide what is to be done").click()
        await page.get_by_role("link", name="Yes").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Nobody knows whether this message arrived")
        await expect(page.get_by_text("Meta's silence proves nothing", exact=True)).to_be_visible()
        await page.get_by_role("button", name="Send it again").click()
        await expect(page.get_by_role("status")).to_contain_text("It is queued again")
        await expect(page.get_by_text("Ada Moor had it sent again")).to_be_visible()
        await expect(page.get_by_role("button", name="Send it again")).to_have_count(0)

        await page.goto(f"/console/messages/{never}")
        await page.get_by_role("button", name="Give it up").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("This message failed")
        await page.goto("/console/messages")
        await expect(page.get_by_role("heading", name="Nothing waits for a decision")).to_be_visible()
    assert (await row(console.database, "messages", again)).state == "queued"
    assert (await row(console.database, "messages", never)).state == "failed"
    assert await _decisions(console, again) == [("resend", 2, console.person_id)]


async def test_each_attempt_shows_what_meta_answered_and_what_that_means(console: Console) -> None:
    message_id = await undecided(console)
    async with console.signed_in() as page:
        await page.goto(f"/console/messages/{message_id}")
        await expect(page.get_by_text("whether the message left is not certain")).to_be_visible()
        await expect(page.get_by_text("HTTP 500")).to_be_visible()
        await page.get_by_text("What Meta answered").first.click()
        await expect(page.get_by_text("AbCdEfGhIjK")).to_be_visible()
        await expect(page.get_by_text("No answer of Meta's could be read")).to_be_visible()


async def test_a_page_that_waits_for_meta_shows_by_itself_what_may_be_done_then(console: Console) -> None:
    message_id = await awaited(console)
    soon = "UPDATE messages SET unknown_until = clock_timestamp() + interval '2 seconds' WHERE id = :id"
    async with console.signed_in() as page:
        await change(console.database, soon, id=message_id)
        await page.goto(f"/console/messages/{message_id}")
        await expect(page.get_by_text("Possible in")).to_be_visible()
        await expect(page.get_by_role("button", name="Give it up")).to_be_visible()
        await expect(page.get_by_role("button", name="Send it again")).to_have_count(0)
        await expect(page.get_by_role("button", name="Send it again")).to_be_visible()


async def test_a_decision_that_comes_too_late_is_refused_in_words(console: Console) -> None:
    message_id = await undecided(console)
    async with console.signed_in(java_script_enabled=False) as page:
        await page.goto(f"/console/messages/{message_id}")
        await change(console.database, "UPDATE messages SET state = 'accepted' WHERE id = :id", id=message_id)
        await page.get_by_role("button", name="Send it again").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Meta has accepted it"))
    assert await _decisions(console, message_id) == []


async def test_a_second_click_decides_nothing_again(console: Console) -> None:
    message_id = await undecided(console)
    posts: list[Request] = []
    async with console.signed_in() as page:
        page.on("request", lambda request: posts.append(request) if request.method == "POST" else None)
        await page.goto(f"/console/messages/{message_id}")
        await page.get_by_role("button", name="Send it again").dblclick(no_wait_after=True)
        await expect(page.get_by_role("status")).to_contain_text("It is queued again")
    assert [urlsplit(post.url).path for post in posts] == [f"/console/messages/{message_id}"]
    assert (await row(console.database, "messages", message_id)).resends == 1


async def test_a_form_that_no_page_of_ours_made_decides_nothing(console: Console) -> None:
    message_id = await undecided(console)
    path = f"/console/messages/{message_id}"
    async with console.caller() as client:
        good = {"csrf": await csrf_of(client), "do": "resend", "attempt": "2"}
        for form in (good | {"csrf": ""}, good | {"do": "delete"}, good | {"attempt": "x"}, good | {"attempt": "1"}):
            answer: httpx.Response = await client.post(path, data=form)
            assert answer.status_code in {403, 409, 422}, answer.text
        assert (await row(console.database, "messages", message_id)).state == "unknown"
        assert (await client.post(path, data=good)).status_code == 303
    assert (await row(console.database, "messages", message_id)).state == "queued"


async def test_another_organizations_message_is_not_shown(console: Console) -> None:
    async with opened(console.of) as other:
        elsewhere = await undecided(other)
    async with console.caller() as client:
        assert (await client.get(f"/console/messages/{elsewhere}")).status_code == 404
        form = {"csrf": await csrf_of(client), "do": "give_up", "attempt": "2"}
        assert (await client.post(f"/console/messages/{elsewhere}", data=form)).status_code == 404
        assert str(elsewhere) not in (await client.get("/console/messages")).text
    assert (await row(console.database, "messages", elsewhere)).state == "unknown"


async def test_a_customers_message_has_a_page_too_and_nothing_to_decide(console: Console) -> None:
    number, conversation_id = await talking(console)
    message_id = await received(console.database, number, conversation_id, "<b>Hello</b>")
    async with console.signed_in() as page:
        await page.goto(f"/console/messages/{message_id}")
        await expect(page.get_by_role("heading", level=1)).to_have_text("A message of the customer's")
        await expect(page.get_by_text("<b>Hello</b>")).to_be_visible()
        await expect(page.get_by_role("heading", name="What is to be done")).to_have_count(0)
        await is_sound(page, "message_inbound")


async def test_the_list_is_of_one_number_where_that_is_chosen(console: Console) -> None:
    first = await undecided(console, content={"text": {"body": "First"}})
    await undecided(console, content={"text": {"body": "Second"}})
    integration_id = (await row(console.database, "messages", first)).integration_id
    async with console.signed_in() as page:
        await page.goto(f"/console/messages?number={integration_id}")
        await expect(page.get_by_role("link", name="First")).to_be_visible()
        await expect(page.get_by_role("link", name="Second")).to_have_count(0)
        await page.get_by_role("link", name="All numbers").click()
        await expect(page.get_by_role("link", name="Second")).to_be_visible()
        await page.get_by_role("link", name="Still waiting for Meta").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Messages that Meta may still tell about")
        await expect(page.get_by_role("link", name="Second")).to_have_count(0)


async def test_an_owner_chooses_what_is_done_when_nobody_knows(console: Console) -> None:
    message_id = await undecided(console)
    integration_id = (await row(console.database, "messages", message_id)).integration_id
    async with console.signed_in(java_script_enabled=False) as page:
        await page.goto(f"/console/integrations/{integration_id}")
        await page.get_by_text("Choose what is done then").click()
        await page.get_by_role("radio", name=re.compile("Always ask")).check()
        await page.get_by_role("button", name="Use this rule").click()
        await expect(page.get_by_role("status")).to_contain_text("The rule is changed")
    assert (await row(console.database, "integrations", integration_id)).unknown_policy == "ask"
