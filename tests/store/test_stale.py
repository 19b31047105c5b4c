"""What went stale meanwhile, on Postgres: answers that could not leave end `expired`, old questions go to a person."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from store import integrations
from store.claims import Claimed, claim
from store.engine import Database
from store.turn_plan import Rules
from tests.plans import plan_of
from tests.rows import Number, change, connected_number, conversation, queued, received, row

RULES = Rules()
HOLDS = {
    "disabled": ("UPDATE integrations SET enabled = false", "UPDATE integrations SET enabled = true"),
    "token": (
        "UPDATE integrations SET state = 'held', state_reason = 'token'",
        "UPDATE integrations SET state = 'live', state_reason = NULL",
    ),
    "stopped": (
        "UPDATE integrations SET state = 'stopped', state_reason = 'stopped'",
        "UPDATE integrations SET state = 'live', state_reason = NULL",
    ),
}


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=0.4)


@pytest.mark.parametrize("author", ["bot", "api"])
@pytest.mark.parametrize("hold", HOLDS)
async def test_across_a_hold_of_the_number_the_stale_expire_and_the_others_leave_in_order(
    database: Database, hold: str, author: str
) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    holds, releases = HOLDS[hold]
    await change(database, holds)
    lasting = await queued(database, number, conversation_id)
    stale = await queued(database, number, conversation_id, author=author, send_before=soon())
    later = await queued(database, number, conversation_id)
    plan = await plan_of(database, conversation_id)
    assert (plan.to_send, plan.next_why) == ([], "a waiting message goes stale")
    assert not isinstance(await claim(database, lasting), Claimed)
    assert (await row(database, "messages", lasting)).hold == hold

    await asyncio.sleep(0.5)
    await change(database, releases)

    assert (await plan_of(database, conversation_id)).to_send == [lasting, later]
    expired = await row(database, "messages", stale)
    assert (expired.state, expired.hold) == ("expired", None)
    assert "stale" in expired.reason
    assert (await row(database, "conversations", conversation_id)).in_charge == ("person" if author == "bot" else "bot")


async def test_while_a_number_is_held_an_answer_expires_at_its_moment_and_not_at_the_release(
    database: Database,
) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await queued(database, number, conversation_id, author="bot", send_before=soon())
    await change(database, HOLDS["token"][0])
    await plan_of(database, conversation_id)
    marked = (await row(database, "conversations", conversation_id)).due_at
    assert marked - datetime.now(UTC) <= RULES.backstop + timedelta(seconds=0.4), "somebody looks when it is stale"

    await asyncio.sleep(0.5)
    await plan_of(database, conversation_id)

    assert (await row(database, "messages", message_id)).state == "expired"


@pytest.mark.parametrize("first", ["look", "claim"])
async def test_an_answer_whose_worker_was_away_too_long_expires_whoever_takes_it_up(
    database: Database, first: str
) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    await received(database, number, conversation_id)
    (message_id,) = (await plan_of(database, conversation_id)).to_send
    await _pass(database, timedelta(minutes=16))

    if first == "claim":
        assert not isinstance(await claim(database, message_id), Claimed)
    assert (await plan_of(database, conversation_id)).to_send == []

    assert (await row(database, "messages", message_id)).state == "expired"
    assert (await row(database, "conversations", conversation_id)).in_charge == "person"


async def test_what_the_customer_wrote_meanwhile_is_kept_for_the_person_whom_a_stale_answer_asks(
    database: Database,
) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    await received(database, number, conversation_id, "are you open?")
    await plan_of(database, conversation_id)
    await _pass(database, timedelta(minutes=16))
    asked_again = await received(database, number, conversation_id, "hello?")

    plan = await plan_of(database, conversation_id)

    assert (plan.new_turn, plan.to_send) == (None, [])
    kept = await row(database, "messages", asked_again)
    assert (kept.state, kept.kept_reason) == ("kept", "A person is in charge of the conversation.")


@pytest.mark.parametrize("meanwhile", ["an outage", "switched off", "being connected"])
async def test_a_question_that_has_waited_for_more_than_an_hour_goes_to_a_person_with_the_reason(
    database: Database, meanwhile: str
) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    asked = await received(database, number, conversation_id, "are you open?")
    if meanwhile != "an outage":
        await _held_back(database, number, meanwhile)
        assert (await plan_of(database, conversation_id)).kept == []
    await _pass(database, timedelta(minutes=61))
    await _released(database, number)
    fresh = await received(database, number, conversation_id, "hello?")

    plan = await plan_of(database, conversation_id)

    assert (plan.new_turn, plan.to_send) == (None, [])
    for message_id in (asked, fresh):
        kept = await row(database, "messages", message_id)
        assert (kept.state, kept.turn_id) == ("kept", None)
        assert kept.kept_reason == "Handed over: a message could not be answered within 1 hour."
    handed = await row(database, "conversations", conversation_id)
    assert (handed.in_charge, handed.in_charge_reason) == ("person", plan.hand_over)
    assert handed.in_charge_since is not None


async def test_a_message_that_meta_repeats_after_hours_goes_to_a_person(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await received(database, number, conversation_id)
    await change(database, "UPDATE messages SET meta_timestamp = now() - interval '3 hours'")  # stored just now

    assert (await plan_of(database, conversation_id)).new_turn is None
    assert (await row(database, "messages", message_id)).state == "kept"


async def _held_back(database: Database, number: Number, how: str) -> None:
    names: Any = {"organization_id": number.organization_id, "integration_id": number.integration_id}
    if how == "switched off":
        await integrations.set_enabled(database, **names, enabled=False)
    else:
        await integrations.set_state(database, **names, state="connecting")


async def _released(database: Database, number: Number) -> None:
    names: Any = {"organization_id": number.organization_id, "integration_id": number.integration_id}
    await integrations.set_enabled(database, **names, enabled=True)
    await integrations.set_state(database, **names, state="live")


async def _pass(database: Database, time: timedelta) -> None:
    """Nothing happens for a while."""
    await change(
        database,
        "UPDATE messages SET send_before = send_before - CAST(:time AS interval), "
        "created_at = created_at - CAST(:time AS interval), meta_timestamp = meta_timestamp - CAST(:time AS interval)",
        time=time,
    )
