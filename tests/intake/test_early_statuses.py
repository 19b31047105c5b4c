"""What is said of a message before the answer to its post is there: it is not lost, and the answer does not undo it."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from store import outcomes, statuses
from store.claims import Claimed
from store.engine import Database
from tests.intake.letters import take_in
from tests.intake.posts import Sent, sent_from
from tests.rows import change, row, rows

UNDELIVERABLE, LIMIT = 131026, 130429


async def _early_failure(sent: Sent) -> tuple[UUID, list[int]]:
    """A failure that comes before the answer of its post, while another post to the same customer is open too."""
    await sent.message("unknown")
    message = await sent.message("sending")
    body = sent.letters.statuses(
        sent.letters.status("w1", "failed", code=LIMIT, recipient_id=sent.letters.customer.wa_id)
    )
    return message, (await take_in(sent.database, body)).unmatched_status_ids


def _claimed(sent: Sent, message_id: UUID) -> Claimed:
    """Its first attempt, as the one who posts it knows it."""
    number = sent.letters.number
    return Claimed(
        message_id=message_id,
        organization_id=number.organization_id,
        integration_id=number.integration_id,
        conversation_id=sent.conversation_id,
        attempt=1,
        phone_number_id=number.phone_number_id,
        access_token_sealed=b"",
        wa_id=sent.letters.customer.wa_id,
        user_id=None,
        type="text",
        content={},
        meta_media_id=None,
        slot_in=timedelta(0),
    )


async def test_what_was_said_before_a_posts_answer_has_its_effect_with_the_answer(database: Database) -> None:
    sent = await sent_from(database)
    message, unmatched = await _early_failure(sent)
    assert len(unmatched) == 1
    await outcomes.accepted(database, _claimed(sent, message), "w1", wake=False)
    assert (await row(database, "messages", message)).state == "queued"
    assert await sent.is_due()


@pytest.mark.parametrize(("code", "state"), [(LIMIT, "queued"), (UNDELIVERABLE, "failed")])
async def test_a_failure_that_was_known_before_its_posts_answer_outlives_it(
    database: Database, code: int, state: str
) -> None:
    sent = await sent_from(database)
    message = await sent.message("sending")
    await sent.told(sent.letters.status("w1", "failed", code=code, recipient_id=sent.letters.customer.wa_id))
    await outcomes.accepted(database, _claimed(sent, message), "w1", wake=False)
    assert (await row(database, "messages", message)).state == state
    (attempt,) = await rows(database, "SELECT state, wamid FROM message_attempts")
    assert tuple(attempt) == ("rejected", "w1")


async def test_a_status_stored_while_the_answer_was_recorded_is_joined_after(database: Database) -> None:
    for by_id in (True, False):
        sent = await sent_from(database)
        message, unmatched = await _early_failure(sent)
        await change(database, "UPDATE message_attempts SET state = 'accepted', wamid = 'w1' WHERE message_id = :id",
                     id=message)  # fmt: skip
        await change(database, "UPDATE messages SET state = 'accepted', wamid = 'w1' WHERE id = :id", id=message)
        assert await statuses.rematch(database, unmatched if by_id else None) == 1
        assert (await row(database, "messages", message)).state == "queued"
        assert await statuses.rematch(database) == 0


async def test_a_failure_that_is_being_stored_while_the_answer_is_recorded_outlives_it(database: Database) -> None:
    sent = await sent_from(database)
    message = await sent.message("sending")
    failed = sent.letters.status("w1", "failed", code=LIMIT, recipient_id=sent.letters.customer.wa_id)
    async with database.transaction() as connection:
        await connection.execute(text("SELECT 1 FROM messages WHERE id = :id FOR UPDATE"), {"id": message})
        told = asyncio.create_task(sent.told(failed))
        await asyncio.sleep(0.3)
        recorded = asyncio.create_task(outcomes.accepted(database, _claimed(sent, message), "w1", wake=False))
        await asyncio.sleep(0.3)
    await told
    assert (await recorded).state == "queued"
    now = await row(database, "messages", message)
    assert (now.state, now.error_code) == ("queued", LIMIT)
