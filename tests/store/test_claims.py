"""The claim: what may be posted, what may not, and that nobody gets the same row twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from store.claims import Claimed, Unclaimed, claim
from store.engine import Database
from tests.rows import change, connected_number, conversation, queued, row


async def test_a_queued_row_is_claimed_with_all_the_post_needs(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number, wa_id="4917099")
    message_id = await queued(database, number, conversation_id, "hi")

    claimed = await claim(database, message_id)

    assert isinstance(claimed, Claimed)
    assert (claimed.attempt, claimed.wa_id, claimed.phone_number_id) == (1, "4917099", number.phone_number_id)
    assert claimed.content == {"text": {"body": "hi"}}
    assert claimed.slot_in == timedelta(0)
    assert (await row(database, "messages", message_id)).state == "sending"


async def test_of_fifty_claims_at_once_one_gets_the_row(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await queued(database, number, conversation_id)

    results = await asyncio.gather(*(claim(database, message_id) for _ in range(50)))

    assert sum(isinstance(result, Claimed) for result in results) == 1
    others = [result for result in results if isinstance(result, Unclaimed)]
    assert {other.state for other in others} == {"sending"}
    assert not any(other.found_queued for other in others)


@pytest.mark.parametrize(
    ("change_sql", "state", "words"),
    [
        ("UPDATE conversations SET window_opened_at = now() - interval '24 hours'", "failed", "24-hour window"),
        ("UPDATE conversations SET window_opened_at = NULL", "failed", "24-hour window"),
        ("UPDATE conversations SET in_charge = 'person'", "cancelled", "took over"),
        ("UPDATE messages SET send_before = now() - interval '1 second'", "expired", "stale"),
        ("UPDATE messages SET category = 'marketing'", "failed", "marketing"),
    ],
)
async def test_what_objects_for_good_is_recorded_in_words(
    database: Database, change_sql: str, state: str, words: str
) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await queued(database, number, conversation_id, author="bot")
    await change(database, "UPDATE contacts SET marketing_stopped_at = now()")
    await change(database, change_sql)

    result = await claim(database, message_id)

    assert isinstance(result, Unclaimed)
    assert (result.state, result.stop) == (state, False)
    recorded = await row(database, "messages", message_id)
    assert recorded.state == state
    assert words in recorded.reason


async def test_an_expired_answer_of_the_bot_asks_a_person(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await queued(
        database, number, conversation_id, author="bot", send_before=datetime.now(UTC) - timedelta(seconds=1)
    )

    await claim(database, message_id)

    assert (await row(database, "conversations", conversation_id)).in_charge == "person"


async def test_the_window_is_open_two_seconds_before_24_hours_and_closed_after(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number, opened=timedelta(hours=24) - timedelta(seconds=2))
    first = await queued(database, number, conversation_id)
    second = await queued(database, number, conversation_id)

    assert isinstance(await claim(database, first), Claimed)
    await change(database, "UPDATE messages SET state = 'accepted' WHERE id = :id", id=first)
    await asyncio.sleep(2.1)

    late = await claim(database, second)
    assert isinstance(late, Unclaimed)
    assert late.state == "failed"


@pytest.mark.parametrize(
    ("change_sql", "hold"),
    [
        ("UPDATE integrations SET enabled = false", "disabled"),
        ("UPDATE integrations SET state = 'held', state_reason = 'token'", "token"),
        ("UPDATE integrations SET state = 'held', state_reason = 'permission'", "permission"),
        ("UPDATE integrations SET state = 'stopped', state_reason = 'payment'", "stopped"),
    ],
)
async def test_a_number_that_may_not_send_holds_its_rows_and_fails_none(
    database: Database, change_sql: str, hold: str
) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await queued(database, number, conversation_id)
    await change(database, change_sql)

    result = await claim(database, message_id)

    assert isinstance(result, Unclaimed)
    assert result.stop
    held = await row(database, "messages", message_id)
    assert (held.state, held.hold) == ("queued", hold)
    since = held.hold_since
    await claim(database, message_id)
    assert (await row(database, "messages", message_id)).hold_since == since

    await change(database, "UPDATE integrations SET state = 'live', enabled = true, state_reason = NULL")
    assert isinstance(await claim(database, message_id), Claimed)


async def test_a_later_row_waits_for_an_earlier_one(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    first = await queued(database, number, conversation_id)
    second = await queued(database, number, conversation_id)

    early = await claim(database, second)
    assert isinstance(early, Unclaimed)
    assert early.stop
    assert (await row(database, "messages", second)).state == "queued"
    assert isinstance(await claim(database, first), Claimed)
    assert isinstance(await claim(database, second), Unclaimed)

    await change(database, "UPDATE messages SET state = 'accepted' WHERE id = :id", id=first)
    assert isinstance(await claim(database, second), Claimed)


@pytest.mark.parametrize(("seconds", "blocks"), [(100, True), (200, False)])
async def test_a_row_held_for_more_than_120_s_for_itself_alone_steps_aside(
    database: Database, seconds: int, *, blocks: bool
) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    now = datetime.now(UTC)
    hold: dict[str, Any] = {"hold": "back_off", "hold_since": now, "hold_until": now + timedelta(seconds=seconds)}
    await queued(database, number, conversation_id, **hold)
    second = await queued(database, number, conversation_id)

    assert isinstance(await claim(database, second), Unclaimed if blocks else Claimed)


async def test_a_pair_gets_45_at_once_and_then_one_per_6_s(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)

    for _ in range(45):
        message_id = await queued(database, number, conversation_id)
        assert isinstance(await claim(database, message_id), Claimed)
        await change(database, "UPDATE messages SET state = 'accepted' WHERE id = :id", id=message_id)
    over = await queued(database, number, conversation_id)
    result = await claim(database, over)

    assert isinstance(result, Unclaimed)
    held = await row(database, "messages", over)
    assert held.hold == "pair"
    assert timedelta(seconds=4) < held.hold_until - datetime.now(UTC) <= timedelta(seconds=6)


async def test_the_wait_of_a_pair_holds_no_other_conversation(database: Database) -> None:
    number = await connected_number(database)
    full, other = [await conversation(database, number, wa_id=f"4917{n}") for n in range(2)]
    values = {"id": full}
    await change(database, "UPDATE conversations SET pair_next_at = now() + interval '300 s' WHERE id = :id", **values)
    held, behind = [await queued(database, number, full) for _ in range(2)]
    free = await queued(database, number, other)

    assert isinstance(await claim(database, held), Unclaimed)
    assert isinstance(await claim(database, behind), Unclaimed)
    assert isinstance(await claim(database, free), Claimed)
    assert (await row(database, "messages", held)).hold == "pair"


async def test_a_row_waits_behind_an_unknown_one_for_its_wait_and_not_longer(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    soon = datetime.now(UTC) + timedelta(seconds=0.5)
    await queued(database, number, conversation_id, state="unknown", attempt=1, unknown_until=soon)
    second = await queued(database, number, conversation_id)

    early = await claim(database, second)
    assert isinstance(early, Unclaimed)
    assert early.stop
    await asyncio.sleep(0.6)
    assert isinstance(await claim(database, second), Claimed)


async def test_a_row_that_is_held_until_later_is_not_taken_before(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    now = datetime.now(UTC)
    until = now + timedelta(seconds=0.5)
    message_id = await queued(database, number, conversation_id, hold="back_off", hold_since=now, hold_until=until)

    assert isinstance(await claim(database, message_id), Unclaimed)
    await asyncio.sleep(0.6)
    assert isinstance(await claim(database, message_id), Claimed)


async def test_a_number_without_a_token_and_a_contact_without_an_address_are_told_in_words(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await queued(database, number, conversation_id)

    await change(database, "UPDATE integrations SET access_token_sealed = NULL")
    without_token = await claim(database, message_id)
    assert isinstance(without_token, Unclaimed)
    assert (without_token.state, without_token.stop) == ("queued", True)

    await change(database, "UPDATE integrations SET access_token_sealed = 'x'")
    await change(database, "UPDATE messages SET hold = NULL, hold_since = NULL")  # a held row is not claimed at once
    await change(database, "DELETE FROM contact_identities")
    without_address = await claim(database, message_id)
    assert isinstance(without_address, Unclaimed)
    assert without_address.state == "failed"
    assert "neither a phone number nor a user id" in without_address.why


async def test_a_claim_waits_for_a_take_over_that_is_being_written(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await queued(database, number, conversation_id, author="bot")

    async with database.transaction() as connection:
        values = {"id": conversation_id}
        await connection.execute(text("UPDATE conversations SET in_charge = 'person' WHERE id = :id"), values)
        claiming = asyncio.create_task(claim(database, message_id))
        await asyncio.sleep(0.2)
        assert not claiming.done()

    result = await claiming
    assert isinstance(result, Unclaimed)
    assert result.state == "cancelled"
