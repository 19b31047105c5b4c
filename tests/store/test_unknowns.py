"""What is done about an unknown outcome, by each policy, with proof and without; once, kept, and told."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from store import settlements
from store.engine import Database
from store.evidence import Silence
from store.settlements import Unknown
from store.turn_plan import Rules
from store.turns import look
from tests.rows import change, connected_number, conversation, queued, row, rows
from tests.store.unknown import posted, silence_is_proof, unknown

RULES = Rules()
DECISIONS = "SELECT * FROM message_decisions WHERE message_id = :id ORDER BY attempt"
EVENTS = "SELECT * FROM events WHERE type = 'message.undecided'"


async def _again_unknown(database: Database, message_id: UUID) -> None:
    """It was claimed once more, and that outcome is unknown too."""
    await change(
        database,
        "WITH posted AS (INSERT INTO message_attempts (message_id, attempt, organization_id, state, claimed_at) "
        "SELECT id, attempt + 1, organization_id, 'unknown', clock_timestamp() FROM messages WHERE id = :id) "
        "UPDATE messages SET state = 'unknown', attempt = attempt + 1, unknown_until = clock_timestamp() "
        "WHERE id = :id",
        id=message_id,
    )


@pytest.mark.parametrize(
    ("policy", "by_proof", "without"),
    [
        (None, "resend", "ask"),
        ("evidence", "resend", "ask"),
        ("ask", "ask", "ask"),
        ("resend", "resend", "resend"),
        ("give_up", "resend", "give_up"),
    ],
)
@pytest.mark.parametrize("proof", [True, False])
async def test_each_policy_does_what_it_says_with_proof_and_without(
    database: Database, policy: str | None, by_proof: str, without: str, *, proof: bool
) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await unknown(database, number, conversation_id, unknown_policy=policy)
    if proof:
        await silence_is_proof(database, number, conversation_id)

    await look(database, conversation_id, rules=RULES)

    does = by_proof if proof else without
    settled = await row(database, "messages", message_id)
    states = {"resend": "queued", "give_up": "failed", "ask": "unknown"}
    assert (settled.state, settled.resends) == (states[does], int(does == "resend"))
    assert settled.unknown_until is None
    (kept,) = await rows(database, DECISIONS, id=message_id)
    assert (kept.attempt, kept.policy, kept.conclusive) == (1, policy or "evidence", proof)
    assert (kept.decision, kept.actor) == ((None, None) if does == "ask" else (does, "holdfast"))
    assert (kept.asked_at is None, kept.decided_at is None) == (does != "ask", does == "ask")
    assert kept.evidence in settled.reason


async def test_a_resend_goes_to_the_end_of_the_queue(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await unknown(database, number, conversation_id)
    behind = await queued(database, number, conversation_id)
    await silence_is_proof(database, number, conversation_id)
    looked = await look(database, conversation_id, rules=RULES)
    assert looked is not None
    assert looked[1].to_send == [behind, message_id]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("INSERT INTO webhook_gaps (began_at, ended_at, reason) VALUES (now(), now(), 'late')", "not received all"),
        ("UPDATE api_processes SET beat_at = now() - interval '1 minute'", "not received all"),
        ("UPDATE api_processes SET started_at = now()", "not received all"),
        ("INSERT INTO webhook_events (body, received_at) VALUES ('', now())", "not processed"),
        ("DELETE FROM message_statuses WHERE place = 2", "only 2 of the 3"),
    ],
)
async def test_silence_that_something_could_explain_asks_a_person(database: Database, spoil: str, words: str) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await unknown(database, number, conversation_id)
    await silence_is_proof(database, number, conversation_id)
    await change(database, spoil)

    looked = await look(database, conversation_id, rules=RULES)

    asked = await row(database, "messages", message_id)
    assert (asked.state, asked.unknown_until, asked.resends) == ("unknown", None, 0)
    assert words in asked.reason
    assert looked is not None
    assert looked[1].waiting_for == "a person's decision on an unknown outcome"
    assert message_id not in looked[1].to_send


@pytest.mark.parametrize("policy", ["evidence", "resend", "give_up"])
async def test_nothing_is_sent_again_by_itself_a_second_time(database: Database, policy: str) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await unknown(database, number, conversation_id, unknown_policy=policy)
    await silence_is_proof(database, number, conversation_id)
    await look(database, conversation_id, rules=RULES)
    assert (await row(database, "messages", message_id)).state == "queued"

    await _again_unknown(database, message_id)
    await look(database, conversation_id, rules=RULES)

    settled = await row(database, "messages", message_id)
    assert (settled.state, settled.resends) == ("failed" if policy == "give_up" else "unknown", 1)
    first, second = await rows(database, DECISIONS, id=message_id)
    assert (first.decision, second.decision) == ("resend", "give_up" if policy == "give_up" else None)


@pytest.mark.parametrize(("policy", "state"), [("evidence", "unknown"), ("give_up", "failed"), ("resend", "queued")])
async def test_a_template_is_never_sent_again_by_evidence_but_by_the_policy_that_says_so(
    database: Database, policy: str, state: str
) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await unknown(database, number, conversation_id, unknown_policy=policy, type="template")
    await silence_is_proof(database, number, conversation_id)
    await look(database, conversation_id, rules=RULES)
    assert (await row(database, "messages", message_id)).state == state


async def test_the_policy_of_a_message_goes_before_the_numbers(database: Database) -> None:
    number = await connected_number(database, unknown_policy="give_up")
    conversation_id = await conversation(database, number)
    plain = await unknown(database, number, conversation_id)
    own = await unknown(database, number, conversation_id, unknown_policy="ask")
    await look(database, conversation_id, rules=RULES)
    assert (await row(database, "messages", plain)).state == "failed"
    assert (await row(database, "messages", own)).state == "unknown"


async def test_nothing_is_queued_at_a_number_that_is_disconnected(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    sent = [await unknown(database, number, conversation_id, unknown_policy=each) for each in ("resend", "evidence")]
    await silence_is_proof(database, number, conversation_id)
    await change(database, "UPDATE integrations SET state = 'disconnected'")
    await look(database, conversation_id, rules=RULES)
    assert {(await row(database, "messages", each)).state for each in sent} == {"unknown"}


async def test_the_businesss_software_is_told_once_that_a_person_is_asked(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await unknown(database, number, conversation_id)
    for _ in range(3):
        await look(database, conversation_id, rules=RULES)
    (event,) = await rows(database, EVENTS)
    assert (event.organization_id, event.integration_id) == (number.organization_id, number.integration_id)
    assert (event.data["message_id"], event.data["attempt"]) == (str(message_id), 1)
    assert event.data["reason"] == (await row(database, "messages", message_id)).reason
    assert f"/api/v1/whatsapp/messages/{message_id}/resend" in event.data["next_step"]

    await _again_unknown(database, message_id)
    await look(database, conversation_id, rules=RULES)
    assert [event.data["attempt"] for event in await rows(database, EVENTS + " ORDER BY created_at")] == [1, 2]


@pytest.mark.parametrize(("state", "attempt"), [("accepted", 1), ("queued", 1), ("failed", 1), ("unknown", 2)])
async def test_a_row_that_has_gone_on_meanwhile_is_neither_settled_nor_asked_about(
    database: Database, state: str, attempt: int
) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await unknown(database, number, conversation_id, state=state, attempt=attempt)
    before = await row(database, "messages", message_id)
    seen = Unknown(message_id, number.organization_id, number.integration_id, conversation_id, 1, "evidence")
    silence = Silence(conclusive=True, why="as a test says")
    async with database.transaction() as connection:
        assert await settlements.settle(connection, seen, "resend", silence, why="again") is None
        assert await settlements.settle(connection, seen, "give_up", silence, why="never") is None
        await settlements.ask(connection, seen, silence, why="who knows")
    assert await row(database, "messages", message_id) == before
    assert await rows(database, DECISIONS, id=message_id) == []
    assert await rows(database, EVENTS) == []


@pytest.mark.parametrize("policy", ["resend", "give_up"])
async def test_nobody_is_told_of_what_is_decided_by_itself(database: Database, policy: str) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    await unknown(database, number, conversation_id, unknown_policy=policy)
    await look(database, conversation_id, rules=RULES)
    assert await rows(database, EVENTS) == []


async def test_a_send_that_its_worker_left_says_so_on_its_attempt(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await posted(database, number, conversation_id, ago=timedelta(seconds=21))
    await look(database, conversation_id, rules=RULES)
    attempt: Any
    (attempt,) = await rows(database, "SELECT * FROM message_attempts WHERE message_id = :id", id=message_id)
    assert (attempt.state, attempt.error_class) == ("unknown", "lost")
    assert attempt.error_detail
