"""The post office: what is recorded of each answer, and that nothing which happens to an activity cuts a post."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

import telemetry
from activities import posting
from activities.answers import AnswerRecorder
from activities.posting import PostOffice
from store.engine import Database
from store.outcomes import Recorded
from tests.activities.posts import Meta, answers, office
from tests.rows import RING, change, connected_number, conversation, queued, row, value
from whatsapp.graph import Accepted, Answer, Lost, NotWritten, Refused


async def one_queued(database: Database, **columns: Any) -> tuple[UUID, UUID]:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    return conversation_id, await queued(database, number, conversation_id, "hi", **columns)


async def test_an_accepted_post_is_recorded_with_its_wamid(database: Database) -> None:
    _, message_id = await one_queued(database)
    meta = Meta(answers(Accepted("wamid.1")))

    outcome = await office(database, meta).send(message_id)

    assert (outcome.state, outcome.stop) == ("accepted", False)
    sent = await row(database, "messages", message_id)
    assert (sent.state, sent.wamid, sent.attempt) == ("accepted", "wamid.1", 1)
    assert meta.payloads[0]["biz_opaque_callback_data"] == f"{message_id}.1"
    assert meta.payloads[0]["to"] == "+491700000001"


@pytest.mark.parametrize(
    ("answer", "state", "hold", "number_state"),
    [
        (Refused(400, 130429, detail="Rate limit hit"), "queued", "back_off", "live"),
        (Refused(400, 131056, detail="Pair limit"), "queued", "pair", "live"),
        (Refused(400, 131026, detail="Undeliverable"), "failed", None, "live"),
        (Refused(400, 131062, detail="Recipient not allowed"), "failed", None, "live"),
        (Refused(401, 190, detail="Token expired"), "queued", "token", "held"),
        (Refused(400, 100, 33, detail="missing permissions"), "queued", "permission", "held"),
        (Refused(400, 133010, detail="Not registered"), "queued", "stopped", "stopped"),
        (Refused(500, 131000, detail="Something went wrong"), "unknown", None, "live"),
        (Refused(503, None, detail="no Graph error"), "unknown", None, "live"),
        (Lost("no answer within 12 s"), "unknown", None, "live"),
        (NotWritten("connection refused"), "queued", "back_off", "live"),
    ],
)
async def test_each_answer_has_its_record(
    database: Database, answer: Answer, state: str, hold: str | None, number_state: str
) -> None:
    _, message_id = await one_queued(database)

    outcome = await office(database, Meta(answers(answer))).send(message_id)

    sent = await row(database, "messages", message_id)
    assert (outcome.state, sent.state, sent.hold) == (state, state, hold)
    assert sent.reason
    assert outcome.stop == (state != "failed")
    assert (await row(database, "integrations", sent.integration_id)).state == number_state
    if state == "unknown":
        assert timedelta(seconds=100) < sent.unknown_until - datetime.now(UTC) <= timedelta(seconds=120)


async def test_the_second_of_two_calls_joins_the_first(database: Database) -> None:
    _, message_id = await one_queued(database)
    meta = Meta(answers(Accepted("wamid.1"), after=0.2))
    posts = office(database, meta)

    first, second = await asyncio.gather(posts.send(message_id), posts.send(message_id))

    assert first == second
    assert len(meta.payloads) == 1


async def test_a_cancelled_activity_does_not_cut_its_post_and_its_record_wakes_the_conversation(
    database: Database,
) -> None:
    conversation_id, message_id = await one_queued(database)
    meta = Meta(answers(Accepted("wamid.1"), after=0.3))
    posts = office(database, meta)
    activity = asyncio.create_task(posts.send(message_id))
    await asyncio.sleep(0.15)

    activity.cancel()
    await posts.close(timedelta(seconds=5))

    assert (await row(database, "messages", message_id)).state == "accepted"
    assert (await row(database, "conversations", conversation_id)).due_at is not None


async def test_an_activity_that_goes_while_its_record_is_written_has_its_conversation_woken_after_it(
    database: Database,
) -> None:
    class Slow:
        """A record that takes as long as a test says."""

        def __init__(self) -> None:
            self.begun, self.may_end = asyncio.Event(), asyncio.Event()

        async def record(self, *given: Any, **named: Any) -> Recorded:
            self.begun.set()
            await self.may_end.wait()
            return await AnswerRecorder(database, timedelta(seconds=120)).record(*given, **named)

    conversation_id, message_id = await one_queued(database)
    recorder = Slow()
    posts = PostOffice(database, RING, Meta(answers(Accepted("wamid.1"))), cast("AnswerRecorder", recorder))
    activity = asyncio.create_task(posts.send(message_id))
    await recorder.begun.wait()

    activity.cancel()
    await asyncio.sleep(0)
    recorder.may_end.set()
    await posts.close(timedelta(seconds=5))

    assert (await row(database, "messages", message_id)).state == "accepted"
    assert (await row(database, "conversations", conversation_id)).due_at is not None


async def test_an_answer_that_postgres_does_not_take_is_recorded_once_it_is_back(database: Database) -> None:
    class Away:
        """Postgres, as it goes away for two records."""

        tries = 0

        async def record(self, *given: Any, **named: Any) -> Recorded:
            self.tries += 1
            if self.tries <= 2:
                raise OSError
            return await AnswerRecorder(database, timedelta(seconds=120)).record(*given, **named)

    _, message_id = await one_queued(database)
    meta = Meta(answers(Accepted("wamid.1")))
    posts = PostOffice(database, RING, meta, cast("AnswerRecorder", Away()))

    assert (await posts.send(message_id)).state == "accepted"
    assert ((await row(database, "messages", message_id)).wamid, len(meta.payloads)) == ("wamid.1", 1)


async def test_a_slow_post_is_in_flight_after_a_second_and_its_record_wakes_the_conversation(
    database: Database,
) -> None:
    conversation_id, message_id = await one_queued(database)
    posts = office(database, Meta(answers(Accepted("wamid.1"), after=1.5)))

    started = asyncio.get_running_loop().time()
    outcome = await posts.send(message_id)

    assert asyncio.get_running_loop().time() - started < 1.4
    assert (outcome.state, outcome.stop) == ("sending", True)
    assert (await row(database, "conversations", conversation_id)).due_at is None
    await posts.close(timedelta(seconds=5))
    assert (await row(database, "messages", message_id)).state == "accepted"
    assert (await row(database, "conversations", conversation_id)).due_at is not None


async def test_a_machine_that_slept_between_claim_and_post_gives_the_row_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation_id, message_id = await one_queued(database)
    meta = Meta(answers(Accepted("wamid.1")))
    clock = iter([100.0, 105.1, 105.1])
    monkeypatch.setattr(posting, "_boot_seconds", lambda: next(clock))

    outcome = await office(database, meta).send(message_id)

    assert meta.payloads == []
    assert (outcome.state, outcome.stop) == ("queued", True)
    back = await row(database, "messages", message_id)
    assert (back.state, back.attempt) == ("queued", 1)
    # Somebody may have looked during the pause and wait for a row that was in flight.
    assert (await row(database, "conversations", conversation_id)).due_at is not None


async def test_a_row_that_has_left_is_not_posted_again_and_the_repeat_is_counted(database: Database) -> None:
    _, message_id = await one_queued(database)
    meta = Meta(answers(Accepted("wamid.1")))
    before = telemetry.REGISTRY.get_sample_value("holdfast_claims_not_queued_total") or 0
    for _ in range(3):
        assert (await office(database, meta).send(message_id)).state == "accepted"
    assert len(meta.payloads) == 1
    assert telemetry.REGISTRY.get_sample_value("holdfast_claims_not_queued_total") == before + 2


async def test_a_closing_office_takes_nothing_new(database: Database) -> None:
    _, message_id = await one_queued(database)
    posts = office(database, Meta(answers(Accepted("wamid.1"))))
    await posts.close(timedelta(seconds=1))
    assert (await posts.send(message_id)).state == "queued"
    assert (await row(database, "messages", message_id)).state == "queued"


async def test_a_late_answer_turns_what_was_given_up_into_accepted(database: Database) -> None:
    _, message_id = await one_queued(database)
    posts = office(database, Meta(answers(Accepted("wamid.1"), after=0.4)))
    sending = asyncio.create_task(posts.send(message_id))
    await asyncio.sleep(0.2)
    await change(database, "UPDATE messages SET state = 'failed', reason = 'given up'")

    assert (await sending).state == "accepted"
    assert (await row(database, "messages", message_id)).reason is None


async def test_two_accepted_attempts_are_shown_as_doubled(database: Database) -> None:
    _, message_id = await one_queued(database)
    await office(database, Meta(answers(Accepted("wamid.1")))).send(message_id)
    await change(database, "UPDATE messages SET state = 'queued'")

    await office(database, Meta(answers(Accepted("wamid.2")))).send(message_id)

    doubled = await row(database, "messages", message_id)
    assert (doubled.state, doubled.wamid) == ("accepted", "wamid.1")
    assert "Doubled" in doubled.reason


async def test_an_answer_that_comes_after_a_later_attempt_was_accepted_is_shown_as_doubled_too(
    database: Database,
) -> None:
    _, message_id = await one_queued(database)
    first = asyncio.create_task(office(database, Meta(answers(Accepted("wamid.1"), after=0.4))).send(message_id))
    await asyncio.sleep(0.2)
    await change(database, "UPDATE messages SET state = 'queued'")
    await office(database, Meta(answers(Accepted("wamid.2")))).send(message_id)

    assert (await first).state == "accepted"
    doubled = await row(database, "messages", message_id)
    assert (doubled.state, doubled.attempt, doubled.wamid) == ("accepted", 2, "wamid.2")
    assert "Doubled" in doubled.reason


async def test_an_answer_is_recorded_although_an_echo_of_the_message_came_before_it(database: Database) -> None:
    conversation_id, message_id = await one_queued(database)
    sent = await row(database, "messages", message_id)
    await change(
        database,
        "INSERT INTO messages (id, organization_id, integration_id, conversation_id, direction, author, wamid, type, "
        "content, state) VALUES (gen_random_uuid(), :o, :i, :c, 'out', 'person', 'wamid.1', 'text', '{}', 'accepted')",
        o=sent.organization_id,
        i=sent.integration_id,
        c=conversation_id,
    )

    outcome = await office(database, Meta(answers(Accepted("wamid.1")))).send(message_id)

    assert outcome.state == "accepted"
    attempt = "SELECT wamid FROM message_attempts WHERE message_id = :id"
    assert await value(database, attempt, id=message_id) == "wamid.1"
