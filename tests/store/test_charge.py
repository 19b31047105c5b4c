"""How a person's charge ends, on Postgres: somebody gives it back, nothing comes from a person, the window closes."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from store import handover, nudges
from store.charge import in_words
from store.engine import Database
from store.turn_plan import Rules
from tests.plans import plan_of
from tests.rows import Number, blocked, change, connected_number, conversation, queued, received, row

RULES = Rules()
DAY = timedelta(days=1)


async def taken_over(database: Database, number: Number, **options: Any) -> UUID:
    conversation_id = await conversation(database, number, **options)
    names: Any = {"organization_id": number.organization_id, "conversation_id": conversation_id}
    await handover.take_over(database, **names, reason="Taken over through the API.")
    return conversation_id


async def test_a_person_of_whom_nothing_comes_gives_the_bot_its_charge_back_with_the_reason(
    database: Database,
) -> None:
    number = await connected_number(database)
    conversation_id = await taken_over(database, number)
    kept = await received(database, number, conversation_id, "to the person")
    await plan_of(database, conversation_id)
    await _pass(database, DAY)
    asked = await received(database, number, conversation_id, "to whoever is there")

    plan = await plan_of(database, conversation_id)

    given = await row(database, "conversations", conversation_id)
    assert given.in_charge == "bot"
    assert given.in_charge_reason == "Given back to the bot: nothing came from a person for 24 hours."
    assert datetime.now(UTC) - given.in_charge_since < timedelta(minutes=1)
    assert plan.new_turn is not None
    assert [taken.id for taken in plan.new_turn.taken] == [asked]
    assert (await row(database, "messages", kept)).state == "kept"


@pytest.mark.parametrize(("author", "in_charge"), [("person", "person"), ("api", "person"), ("bot", "bot")])
async def test_what_was_written_by_anybody_but_the_bot_keeps_the_charge(
    database: Database, author: str, in_charge: str
) -> None:
    number = await connected_number(database)
    conversation_id = await taken_over(database, number)
    await _pass(database, timedelta(hours=12))
    await queued(database, number, conversation_id, author=author, state="accepted")
    await _pass(database, timedelta(hours=13))
    await received(database, number, conversation_id)  # of the customer: it counts for nothing here

    await plan_of(database, conversation_id)

    assert (await row(database, "conversations", conversation_id)).in_charge == in_charge


async def test_a_person_who_answers_while_a_look_waits_for_the_conversation_keeps_the_charge(
    database: Database,
) -> None:
    number = await connected_number(database)
    conversation_id = await taken_over(database, number)
    await _pass(database, DAY)
    async with database.transaction() as connection:
        await nudges.lock(connection, [conversation_id])
        late = asyncio.create_task(plan_of(database, conversation_id))
        await blocked(database)
        await queued(database, number, conversation_id, author="person")
    assert (await late).in_charge is None
    assert (await row(database, "conversations", conversation_id)).in_charge == "person"


async def test_a_charge_ends_at_its_moment_though_the_conversations_run_has_ended_long_ago(
    database: Database,
) -> None:
    number = await connected_number(database)
    conversation_id = await taken_over(database, number, opened=None)
    rules = Rules(give_back_after=timedelta(seconds=0.5), backstop=timedelta(0))
    assert [due.id for due in await _claim_due(database)] == [conversation_id]
    plan = await plan_of(database, conversation_id, rules=rules)
    assert not plan.pending, "its run may end"
    assert await _claim_due(database) == []

    await asyncio.sleep(0.6)

    assert [due.id for due in await _claim_due(database)] == [conversation_id]
    await plan_of(database, conversation_id, rules=rules)
    given = await row(database, "conversations", conversation_id)
    assert (given.in_charge, given.due_at) == ("bot", None)


async def test_at_the_close_of_the_window_the_bot_is_in_charge_again(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await taken_over(database, number, opened=timedelta(hours=24) - timedelta(seconds=0.5))
    before = await plan_of(database, conversation_id)
    assert (before.in_charge, before.next_why) == (None, "the bot is in charge again")
    due_at = (await row(database, "conversations", conversation_id)).due_at
    assert due_at - datetime.now(UTC) <= RULES.backstop + timedelta(seconds=0.5)

    await asyncio.sleep(0.6)
    await plan_of(database, conversation_id)

    given = await row(database, "conversations", conversation_id)
    assert given.in_charge == "bot"
    assert given.in_charge_reason == "Given back to the bot: the 24-hour window closed."


async def test_what_is_handed_over_since_its_window_has_closed_stays_with_the_person(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number, opened=timedelta(hours=25))
    await received(database, number, conversation_id)
    for _ in range(2):
        await plan_of(database, conversation_id)
    handed = await row(database, "conversations", conversation_id)
    assert handed.in_charge == "person"
    assert timedelta(hours=24) < handed.due_at - datetime.now(UTC) <= timedelta(hours=24, seconds=60)


async def test_settings_switch_both_ends_off(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await taken_over(database, number)
    await _pass(database, timedelta(days=30))
    await change(database, "UPDATE conversations SET window_opened_at = now() - interval '25 hours'")
    rules = Rules(give_back_after=timedelta(0), give_back_at_window_close=False)
    await plan_of(database, conversation_id, rules=rules)
    assert (await row(database, "conversations", conversation_id)).in_charge == "person"


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(hours=24), "24 hours"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(seconds=0.5), "0.5 seconds"),
    ],
)
def test_spans_are_told_in_words(span: timedelta, words: str) -> None:
    assert in_words(span) == words


async def _claim_due(database: Database) -> list[nudges.DueConversation]:
    none = timedelta(0)
    return await nudges.claim_due(database, limit=10, quiet=none, repeat=timedelta(minutes=1))


async def _pass(database: Database, time: timedelta) -> None:
    """Nothing happens for a while; the window is still the one of the customer's latest message."""
    await change(
        database,
        "UPDATE messages SET created_at = created_at - CAST(:time AS interval), "
        "meta_timestamp = meta_timestamp - CAST(:time AS interval)",
        time=time,
    )
    await change(
        database, "UPDATE conversations SET in_charge_since = in_charge_since - CAST(:time AS interval)", time=time
    )
