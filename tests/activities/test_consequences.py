"""What an answer of Meta's changes beyond its message: rates, the pair, the window, the customer's opt-out."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from store import consents
from store.claims import Claimed, Unclaimed, claim
from store.engine import Database
from store.errors import TemplateRequiredError
from store.outbox import Draft, Target, queue_message
from tests.activities.posts import Meta, answers, office
from tests.intake.letters import Customer, Letters, ago, take_in
from tests.rows import Number, change, connected_number, conversation, queued, row, rows
from whatsapp.graph import Answer, Refused

THROUGHPUT = Refused(400, 130429, detail="Cloud API message throughput has been reached")
PAIR = Refused(400, 131056, detail="Too many messages")
CLOSED = Refused(400, 131047, detail="Re-engagement message")
DEAD_TOKEN = Refused(400, 190, subcode=460, detail="The session has been invalidated")
OPTED_OUT = Refused(400, 131050, detail="User has stopped marketing messages")
ADA = "491700000001"


async def _post(database: Database, message_id: UUID, *answer: Answer) -> Any:
    await office(database, Meta(answers(*answer))).send(message_id)
    return await row(database, "messages", message_id)


async def _one(database: Database, **columns: Any) -> tuple[Number, UUID, UUID]:
    number = await connected_number(database, per_second=80)
    conversation_id = await conversation(database, number, wa_id=ADA)
    return number, conversation_id, await queued(database, number, conversation_id, **columns)


async def test_a_number_that_is_too_fast_is_silent_for_a_second_and_no_other(database: Database) -> None:
    number, _, message_id = await _one(database)
    other = await connected_number(database, digits="15550002", per_second=80)
    theirs = await queued(database, number, await conversation(database, number, wa_id="491700000002"))
    others = await queued(database, other, await conversation(database, other, wa_id="491700000003"))
    refused = await _post(database, message_id, THROUGHPUT)
    assert (refused.state, refused.hold) == ("queued", "back_off")
    slowed = await claim(database, theirs)
    assert isinstance(slowed, Unclaimed)
    held = await row(database, "messages", theirs)
    assert held.hold == "slot"
    assert timedelta(seconds=0.5) < held.hold_until - refused.hold_since < timedelta(seconds=1.2)
    assert isinstance(await claim(database, others), Claimed)


async def test_the_pair_waits_in_powers_of_four_and_nobody_else(database: Database) -> None:
    number, conversation_id, message_id = await _one(database)
    bobs = await queued(database, number, await conversation(database, number, wa_id="491700000002"))
    waits = []
    for _ in range(3):
        held = await _post(database, message_id, PAIR)
        assert (held.state, held.hold) == ("queued", "pair")
        waits.append(round((held.hold_until - held.hold_since).total_seconds()))
        await change(database, "UPDATE messages SET hold_until = now() WHERE id = :id", id=message_id)
        await change(database, "UPDATE conversations SET pair_next_at = NULL WHERE id = :id", id=conversation_id)
    assert waits == [1, 4, 16]
    assert isinstance(await claim(database, bobs), Claimed)


async def test_other_refusals_do_not_lengthen_the_pairs_wait(database: Database) -> None:
    _, _, message_id = await _one(database)
    await _post(database, message_id, THROUGHPUT)
    await change(database, "UPDATE messages SET hold = NULL, hold_until = NULL, hold_since = NULL")
    await change(database, "UPDATE rate_slots SET next_at = now() - interval '1 s', queue_until = now()")
    held = await _post(database, message_id, PAIR)
    assert held.attempt == 2
    assert held.hold_until - held.hold_since == timedelta(seconds=1)


async def test_the_pairs_wait_outlives_the_message_that_met_it(database: Database) -> None:
    number, conversation_id, message_id = await _one(database)
    await _post(database, message_id, PAIR)
    await change(database, "UPDATE messages SET state = 'cancelled', hold = NULL, hold_until = NULL")
    following = await claim(database, await queued(database, number, conversation_id))
    assert isinstance(following, Unclaimed)
    assert "6 s" in following.why


async def test_a_refused_reply_closes_the_window_and_the_customers_next_message_opens_it(database: Database) -> None:
    number, conversation_id, message_id = await _one(database)
    letters = Letters(number, Customer(ADA, None))
    refused = await _post(database, message_id, CLOSED)
    assert (refused.state, refused.error_code) == ("failed", 131047)
    assert "Send an approved template" in refused.reason
    assert (await row(database, "conversations", conversation_id)).window_opened_at is None
    with pytest.raises(TemplateRequiredError):
        await _say(database, number, conversation_id)
    await take_in(database, letters.message("still from before", at=ago(hours=1)))
    with pytest.raises(TemplateRequiredError):
        await _say(database, number, conversation_id)
    await take_in(database, letters.message("hello again"))
    await _say(database, number, conversation_id)


async def test_a_refusal_that_is_older_than_the_customers_latest_message_leaves_the_window_open(
    database: Database,
) -> None:
    number, conversation_id, message_id = await _one(database)
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    meta = Meta(answers(CLOSED, after=0.3))
    sending = office(database, meta)
    await change(database, "UPDATE conversations SET window_opened_at = :at", at=later)
    await sending.send(message_id)
    assert (await row(database, "messages", message_id)).state == "failed"
    assert (await row(database, "conversations", conversation_id)).window_opened_at == later
    await _say(database, number, conversation_id)


async def _say(database: Database, number: Number, conversation_id: UUID) -> None:
    await queue_message(
        database,
        organization_id=number.organization_id,
        target=Target(conversation_id=conversation_id),
        draft=Draft("text", {"text": {"body": "hi"}}),
    )


async def test_an_opt_out_is_kept_with_how_it_was_told(database: Database) -> None:
    number, conversation_id, message_id = await _one(database, category="marketing")
    assert (await _post(database, message_id, OPTED_OUT)).state == "failed"
    (contact,) = await rows(database, "SELECT * FROM contacts")
    assert contact.marketing_stopped_at is not None
    assert contact.marketing_source == "answer"
    (told,) = await rows(database, "SELECT choice, source, message_id FROM consents")
    assert tuple(told) == ("stop", "answer", message_id)
    marketing = await claim(database, await queued(database, number, conversation_id, category="marketing"))
    assert isinstance(marketing, Unclaimed)
    assert "stopped marketing" in marketing.why
    assert isinstance(await claim(database, await queued(database, number, conversation_id)), Claimed)


async def test_an_opt_out_of_before_the_customer_resumed_changes_nothing(database: Database) -> None:
    number, conversation_id, message_id = await _one(database, category="marketing")
    async with database.transaction() as connection:
        await consents.record(
            connection,
            organization_id=number.organization_id,
            contact_id=(await row(database, "conversations", conversation_id)).contact_id,
            choice="resume",
            source="preference",
            told_at=datetime.now(UTC) + timedelta(minutes=1),
        )
    await _post(database, message_id, OPTED_OUT)
    (contact,) = await rows(database, "SELECT * FROM contacts")
    assert contact.marketing_stopped_at is None


async def test_a_marketing_message_that_meta_held_back_steps_aside_for_a_day(database: Database) -> None:
    _, _, message_id = await _one(database)
    held = await _post(database, message_id, Refused(400, 131049, detail="ecosystem"))
    assert (held.state, held.hold) == ("queued", "not_before")
    assert held.hold_until - held.hold_since >= timedelta(hours=24)


async def test_a_limit_for_spam_tells_the_owner_and_stops_nothing(database: Database) -> None:
    number, _, message_id = await _one(database)
    held = await _post(database, message_id, Refused(400, 131048, detail="Spam rate limit hit"))
    assert held.hold_until - held.hold_since >= timedelta(hours=4)
    assert (await row(database, "integrations", number.integration_id)).state == "live"
    (finding,) = await rows(database, "SELECT * FROM findings")
    assert (finding.code, finding.severity) == ("messages_limited", "warning")


async def test_what_metas_headers_say_of_the_wait_is_waited(database: Database) -> None:
    _, _, message_id = await _one(database)
    refusal = Refused(400, 80007, detail="Rate limit issues", regain_access=timedelta(minutes=7))
    held = await _post(database, message_id, refusal)
    assert held.hold_until - held.hold_since == timedelta(minutes=7)
    for _ in range(20):  # two looks at the clock would differ by a microsecond in some of them
        await change(database, "UPDATE messages SET hold = NULL, hold_since = NULL, hold_until = NULL")
        held = await _post(database, message_id, refusal)
        assert (held.hold_until - held.hold_since) % timedelta(minutes=1) == timedelta(0)


async def test_a_refusal_that_finds_its_number_held_or_disconnected_already_tells_and_changes_nothing_of_it(
    database: Database,
) -> None:
    number, _, message_id = await _one(database)
    theirs = await queued(database, number, await conversation(database, number, wa_id="491700000002"))
    sending = office(database, Meta(answers(DEAD_TOKEN, after=0.3)))
    await asyncio.gather(sending.send(message_id), sending.send(theirs))
    assert {(await row(database, "messages", one)).hold for one in (message_id, theirs)} == {"token"}
    (told,) = await rows(database, "SELECT type FROM events")
    assert told.type == "integration.held"

    await change(database, "UPDATE integrations SET state = 'live', state_reason = NULL")
    late = asyncio.create_task(sending.send(message_id))
    await asyncio.sleep(0.1)
    await change(database, "UPDATE integrations SET state = 'disconnected'")
    assert (await late).state == "queued"
    assert (await row(database, "integrations", number.integration_id)).state == "disconnected"
    assert len(await rows(database, "SELECT type FROM events")) == 1
