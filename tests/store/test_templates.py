"""Templates: brought in line with Meta's, and what may be queued and sent with them."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from store import asking, integrations, template_sync, template_writes, turns
from store.audit import By
from store.claims import Claimed, Unclaimed, claim
from store.engine import Database
from store.errors import InvalidRequestError, TemplateUnknownError, TemplateUnusableError
from store.outbox import Draft, Target, queue_message
from store.turn_plan import Reply, Rules
from tests.rows import (
    KEYED_HASH,
    RING,
    change,
    connected_number,
    conversation,
    events,
    queued,
    received,
    row,
    rows,
    value,
)
from tests.templates import NAMED, at_meta, message, synced, template_id, template_row


async def test_what_meta_has_is_taken_over_and_what_it_has_no_more_is_marked(database: Database) -> None:
    number = await connected_number(database)
    first = await synced(database, number, at_meta("a"), at_meta("b"), at_meta("b", "nl"), since=timedelta(hours=1))
    again = await synced(database, number, at_meta("a", quality_score={"score": "RED"}), at_meta("b"), at_meta("c"))

    assert (first.templates, first.new) == (3, 3)
    assert (again.templates, again.new, again.changed, again.gone) == (3, 1, 1, 1)
    assert (await template_row(database, "a")).quality == "RED"
    gone = await template_row(database, "b", "nl")
    assert (gone.deleted, gone.status) == (True, "DELETED")
    assert not (await template_row(database, "b")).deleted


async def test_a_reading_that_finds_nothing_new_tells_nothing(database: Database) -> None:
    number = await connected_number(database)
    await synced(database, number, at_meta("a"), since=timedelta(hours=1))
    again = await synced(database, number, at_meta("a"))
    assert (again.new, again.changed, again.gone) == (0, 0, 0)
    assert await events(database) == []


async def test_a_status_and_a_category_that_a_reading_finds_are_told(database: Database) -> None:
    number = await connected_number(database)
    await synced(database, number, at_meta(), since=timedelta(hours=1))
    await synced(database, number, at_meta(status="REJECTED", category="MARKETING", rejected_reason="SCAM"))
    (status, about), (category, moved) = await events(database)
    assert (status, category) == ("template.status_changed", "template.category_changed")
    assert (about["status"], about["previous_status"], about["reason"]) == ("REJECTED", "APPROVED", "SCAM")
    assert about["next_step"]
    assert (moved["category"], moved["previous_category"]) == ("MARKETING", "UTILITY")


async def test_a_deleted_template_that_comes_back_is_usable_again(database: Database) -> None:
    number = await connected_number(database)
    await synced(database, number, at_meta(), since=timedelta(hours=2))
    await synced(database, number, since=timedelta(hours=1))
    assert (await template_row(database)).deleted
    await synced(database, number, at_meta(id="99"))
    again = await template_row(database)
    assert (again.deleted, again.status, again.meta_id) == (False, "APPROVED", "99")


async def test_of_two_readings_the_one_that_began_later_counts(database: Database) -> None:
    number = await connected_number(database)
    about = {"organization_id": number.organization_id, "waba_id": number.waba_id}
    earlier = await template_sync.begin(database, **about)  # type: ignore[arg-type]
    later = await template_sync.begin(database, **about)  # type: ignore[arg-type]
    await template_sync.record(database, later, [at_meta(status="PAUSED")])
    await template_sync.record(database, earlier, [at_meta(status="APPROVED"), at_meta("old")])
    assert (await template_row(database)).status == "PAUSED"


async def test_readings_at_once_leave_each_template_once(database: Database) -> None:
    number = await connected_number(database)
    told = [at_meta(f"news_{place}") for place in range(50)]
    about = {"organization_id": number.organization_id, "waba_id": number.waba_id}
    readings = await asyncio.gather(*(template_sync.begin(database, **about) for _ in range(5)))  # type: ignore[arg-type]
    await asyncio.gather(*(template_sync.record(database, one, told) for one in readings))
    assert await value(database, "SELECT count(*) FROM templates") == 50


async def queue(database: Database, number: Any, content: Any) -> Any:
    target = Target(wa_id="491700000001")
    draft = Draft("template", content)
    return await queue_message(database, organization_id=number.organization_id, target=target, draft=draft)


async def test_a_template_is_queued_with_its_id_and_its_category(database: Database) -> None:
    number = await connected_number(database)
    await conversation(database, number, opened=None)
    await synced(database, number, at_meta(), at_meta("hi", components=[NAMED], parameter_format="NAMED"))
    counted = await queue(database, number, message("shipped", "en_US", "Ada", "4711"))
    named = await queue(database, number, message("hi", order_id="4711", first_name="Ada"))
    for one, name in ((counted, "shipped"), (named, "hi")):
        sent = await row(database, "messages", one.message_id)
        assert (sent.template_id, sent.category) == (await template_id(database, name), "utility")


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("PAUSED", "has paused the template"),
        ("DISABLED", "has disabled the template"),
        ("REJECTED", "has rejected the template"),
        ("PENDING", "has not reviewed the template"),
        ("IN_APPEAL", "looks at it again"),
        ("ARCHIVED", "is archived"),
        ("PENDING_DELETION", "is deleting the template"),
        ("LIMIT_EXCEEDED", "more templates than Meta allows"),
    ],
)
async def test_what_meta_would_refuse_is_refused_when_it_is_queued(database: Database, status: str, says: str) -> None:
    number = await connected_number(database)
    await conversation(database, number)
    await synced(database, number, at_meta(status=status))
    with pytest.raises(TemplateUnusableError, match=says) as refused:
        await queue(database, number, message("shipped", "en_US", "Ada", "4711"))
    assert refused.value.next_step


@pytest.mark.parametrize("status", ["APPROVED", "FLAGGED", "OF_TOMORROW"])
async def test_a_status_that_is_not_known_is_left_to_meta(database: Database, status: str) -> None:
    number = await connected_number(database)
    await conversation(database, number)
    await synced(database, number, at_meta(status=status))
    assert (await queue(database, number, message("shipped", "en_US", "Ada", "4711"))).state == "queued"


async def test_parameters_that_do_not_fit_are_refused_by_field(database: Database) -> None:
    number = await connected_number(database)
    await conversation(database, number)
    await synced(database, number, at_meta())
    with pytest.raises(InvalidRequestError) as refused:
        await queue(database, number, message("shipped", "en_US", "Ada"))
    assert refused.value.detail == "template.components[0].parameters: has 1, the template's body takes 2."


@pytest.mark.parametrize(
    ("told", "sent", "says"),
    [
        (None, ("shipped", "en_US"), "were not read yet"),
        ([], ("shipped", "en_US"), "has no template of this name"),
        ([("shipped", "nl"), ("shipped", "de")], ("shipped", "en_US"), "exists in de, nl only"),
    ],
)
async def test_a_template_that_is_not_known_is_refused_with_what_is(
    database: Database, told: Any, sent: Any, says: str
) -> None:
    number = await connected_number(database)
    await conversation(database, number)
    if told is not None:
        await synced(database, number, *(at_meta(*one) for one in told))
    with pytest.raises(TemplateUnknownError, match=says) as unknown:
        await queue(database, number, message(*sent, "Ada", "4711"))
    assert (unknown.value.synced_at is None) == (told is None)


async def test_the_templates_of_another_account_are_not_ours(database: Database) -> None:
    number, other = await connected_number(database), await connected_number(database, digits="15550002")
    await conversation(database, number)
    await synced(database, other, at_meta())
    with pytest.raises(TemplateUnknownError):
        await queue(database, number, message("shipped", "en_US", "Ada", "4711"))


@pytest.mark.parametrize(
    ("becomes", "words"),
    [
        ("UPDATE templates SET status = 'PAUSED'", "paused"),
        ("UPDATE templates SET status = 'DISABLED'", "disabled"),
        ("UPDATE templates SET deleted = true", "deleted"),
    ],
)
@pytest.mark.parametrize("opened", [None, timedelta(0)])
async def test_a_template_that_is_stopped_while_a_message_waits_ends_it_with_the_reason(
    database: Database, becomes: str, words: str, opened: timedelta | None
) -> None:
    number = await connected_number(database)
    await conversation(database, number, opened=opened)
    await synced(database, number, at_meta())
    waits = await queue(database, number, message("shipped", "en_US", "Ada", "4711"))
    await change(database, becomes)

    refused = await claim(database, waits.message_id)

    assert isinstance(refused, Unclaimed)
    ended = await row(database, "messages", waits.message_id)
    assert ended.state == "failed"
    assert words in ended.reason


async def test_a_template_is_sent_inside_and_outside_of_the_window(database: Database) -> None:
    number = await connected_number(database)
    await conversation(database, number, opened=None)
    await synced(database, number, at_meta())
    waits = await queue(database, number, message("shipped", "en_US", "Ada", "4711"))
    assert isinstance(await claim(database, waits.message_id), Claimed)


async def test_a_template_that_becomes_marketing_while_a_message_waits_keeps_to_the_opt_out(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    await synced(database, number, at_meta())
    content = message("shipped", "en_US", "Ada", "4711")
    kept: dict[str, Any] = {
        "type": "template",
        "content": content,
        "category": "utility",
        "template_id": await template_id(database),
    }
    waits = await queued(database, number, conversation_id, **kept)
    await change(database, "UPDATE templates SET category = 'MARKETING'")
    await change(database, "UPDATE contacts SET marketing_stopped_at = now()")

    refused = await claim(database, waits)

    assert isinstance(refused, Unclaimed)
    assert (await row(database, "messages", waits)).state == "failed"


async def test_a_template_made_here_while_meta_is_asked_is_not_taken_for_deleted(database: Database) -> None:
    number = await connected_number(database)
    sync = await template_sync.begin(database, organization_id=number.organization_id, waba_id=number.waba_id)
    account = await template_writes.find_account(database, number.organization_id, None)
    await template_writes.keep_made(database, account, at_meta(status="PENDING"), By())
    await template_sync.record(database, sync, [])
    assert not (await template_row(database)).deleted


async def test_of_several_accounts_one_has_to_be_named(database: Database) -> None:
    number = await connected_number(database)
    assert (await template_writes.find_account(database, number.organization_id, None)).waba_id == number.waba_id
    await integrations.connect_number(
        database,
        RING,
        KEYED_HASH,
        organization_id=number.organization_id,
        agent_flow_id=number.agent_flow_id,
        waba_id="4711",
        phone_number="+15550003",
        phone_number_id="993",
        access_token="another token",
        verify_token="another word",
    )
    with pytest.raises(InvalidRequestError, match="waba_id"):
        await template_writes.find_account(database, number.organization_id, None)
    assert (await template_writes.find_account(database, number.organization_id, "4711")).waba_id == "4711"


async def test_an_agents_template_is_checked_as_any_other(database: Database) -> None:
    number = await connected_number(database, kind="http", url="https://agent.example/ask")
    conversation_id = await conversation(database, number)
    await synced(database, number, at_meta(category="MARKETING"))
    await received(database, number, conversation_id)
    looked = await turns.look(database, conversation_id, rules=Rules())
    assert looked is not None
    turn_id = await _turn(database)
    for content, says in (
        (message("shipped", "en_US", "Ada"), "replies.0: template.components"),
        (message("unknown", "en_US"), "replies.0: template.name"),
    ):
        with pytest.raises(InvalidRequestError, match=says):
            await _answer(database, turn_id, content)
    assert await _answer(database, turn_id, message("shipped", "en_US", "Ada", "4711")) == "answered"
    (sent,) = await rows(database, "SELECT * FROM messages WHERE author = 'bot'")
    assert (sent.template_id, sent.category) == (await template_id(database), "marketing")


async def _turn(database: Database) -> UUID:
    found: UUID = await value(database, "SELECT id FROM turns")
    return found


async def _answer(database: Database, turn_id: UUID, content: dict[str, Any]) -> str:
    reply = Reply("template", content)
    return await asking.answer(database, turn_id, [reply], attempts=1, stale_after=timedelta(minutes=15))
