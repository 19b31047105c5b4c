"""A person decides about an unknown outcome: once, about the attempt they saw, and what is true later still counts."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from store.audit import OURSELVES, By
from store.claims import Claimed, Unclaimed, claim
from store.decisions import Decided, decide
from store.engine import Database
from store.errors import ConflictError, HoldfastError, NotFoundError, NotUndecidedError, OutcomeAwaitedError
from store.ids import new_id
from store.settlements import Decision
from store.turn_plan import Rules
from store.turns import look
from tests.intake.posts import sent_from
from tests.rows import Number, change, connected_number, conversation, queued, received, row, rows
from tests.store.unknown import asked, unknown

ADA = By("person", new_id())
BEN = By("person", new_id())
RULES = Rules()


async def _decide(
    database: Database,
    number: Number,
    message_id: UUID,
    decision: Decision,
    *,
    by: By = ADA,
    attempt: int | None = None,
) -> Decided:
    return await decide(
        database,
        organization_id=number.organization_id,
        message_id=message_id,
        decision=decision,
        by=by,
        attempt=attempt,
    )


async def test_a_person_has_it_sent_again_at_the_end_of_the_queue(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await asked(database, number, conversation_id)
    behind = await queued(database, number, conversation_id)
    await change(database, "UPDATE conversations SET due_at = NULL")

    decided = await _decide(database, number, message_id, "resend")

    assert (decided.state, decided.attempt, decided.conversation_id) == ("queued", 1, conversation_id)
    (due,) = await rows(database, "SELECT due_at <= clock_timestamp() AS now FROM conversations")
    assert due.now, "somebody has to look at the conversation now"
    seen = await look(database, conversation_id, rules=RULES)
    assert seen is not None
    assert seen[1].to_send == [behind, message_id]
    (kept,) = await rows(database, "SELECT * FROM message_decisions")
    assert (kept.decision, kept.actor, kept.actor_id) == ("resend", "person", ADA.actor_id)
    (noted,) = await rows(database, "SELECT * FROM audit_log WHERE action LIKE 'message.%'")
    assert (noted.action, noted.subject_id, noted.actor_id) == ("message.resend", message_id, ADA.actor_id)
    assert noted.detail["attempt"] == 1


async def test_a_bots_answer_that_a_person_has_sent_again_leaves_though_it_is_old_and_a_person_is_in_charge(
    database: Database,
) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    old = {"author": "bot", "send_before": datetime.now(UTC) - timedelta(minutes=1)}
    message_id = await asked(database, number, conversation_id, **old)
    await change(database, "UPDATE conversations SET in_charge = 'person'")

    await _decide(database, number, message_id, "resend")

    assert isinstance(await claim(database, message_id), Claimed)


async def test_a_person_gives_it_up_and_a_status_that_comes_later_says_what_is_true(database: Database) -> None:
    sent = await sent_from(database)
    number = sent.letters.number
    message_id = await sent.message("unknown")
    decided = await _decide(database, number, message_id, "give_up")
    assert decided.state == "failed"
    given_up = await row(database, "messages", message_id)
    assert (given_up.state, given_up.unknown_until) == ("failed", None)
    assert "person" in given_up.reason

    await sent.told(sent.letters.status("wamid.late", "delivered", message=f"{message_id}.1"))

    late = await row(database, "messages", message_id)
    assert (late.state, late.delivery, late.wamid, late.reason) == ("accepted", "delivered", "wamid.late", None)
    assert (await _decide(database, number, message_id, "give_up")).state == "accepted", "said again it changes nothing"
    assert (await row(database, "messages", message_id)).state == "accepted"


async def test_a_status_that_comes_after_a_resend_was_decided_keeps_it_from_leaving(database: Database) -> None:
    sent = await sent_from(database)
    message_id = await sent.message("unknown", unknown_until=None)
    await _decide(database, sent.letters.number, message_id, "resend")
    await sent.told(sent.letters.status("wamid.late", "sent", message=f"{message_id}.1"))
    claimed = await claim(database, message_id)
    assert isinstance(claimed, Unclaimed)
    assert claimed.state == "accepted"


@pytest.mark.parametrize("decision", ["resend", "give_up"])
async def test_a_decision_that_comes_twice_counts_once(database: Database, decision: Decision) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await asked(database, number, conversation_id)
    answers = await asyncio.gather(*(_decide(database, number, message_id, decision, by=by) for by in (ADA, BEN) * 5))
    assert len({(answer.decided_at, answer.attempt) for answer in answers}) == 1
    assert (await row(database, "messages", message_id)).resends == int(decision == "resend")
    assert len(await rows(database, "SELECT 1 FROM audit_log WHERE action LIKE 'message.%'")) == 1


async def test_of_two_who_decide_differently_the_first_counts(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await asked(database, number, conversation_id)
    both: list[Decision] = ["resend", "give_up"]
    ended = await asyncio.gather(
        *(_decide(database, number, message_id, each) for each in both * 5), return_exceptions=True
    )
    decided = {answer.decision for answer in ended if isinstance(answer, Decided)}
    assert len(decided) == 1
    refused = [error for error in ended if isinstance(error, BaseException)]
    assert {type(error) for error in refused} == {NotUndecidedError}
    assert len(refused) == 5


async def test_a_decision_that_is_repeated_late_does_not_count_for_a_later_attempt(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await asked(database, number, conversation_id)
    await _decide(database, number, message_id, "resend", attempt=1)
    assert isinstance(await claim(database, message_id), Claimed)
    await change(database, "UPDATE messages SET state = 'unknown', unknown_until = NULL")

    again = await _decide(database, number, message_id, "resend", attempt=1)
    assert (again.attempt, again.state) == (1, "unknown")
    assert (await row(database, "messages", message_id)).state == "unknown"
    with pytest.raises(NotUndecidedError, match="Attempt 2 is the latest"):
        await _decide(database, number, message_id, "give_up", attempt=1)

    assert (await _decide(database, number, message_id, "resend", attempt=2)).state == "queued"
    assert (await row(database, "messages", message_id)).resends == 2, "a person may have it sent as often as they say"


async def test_while_a_status_may_still_tell_nothing_is_sent_again_but_it_may_be_given_up(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await unknown(database, number, conversation_id, wait_over=False)
    until = (await row(database, "messages", message_id)).unknown_until
    with pytest.raises(OutcomeAwaitedError, match=f"{until:%Y-%m-%d %H:%M:%S} UTC"):
        await _decide(database, number, message_id, "resend")
    assert (await row(database, "messages", message_id)).state == "unknown"
    assert (await _decide(database, number, message_id, "give_up")).state == "failed"


async def test_after_the_wait_a_person_need_not_wait_for_somebody_to_look(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await unknown(database, number, conversation_id)
    assert (await _decide(database, number, message_id, "resend")).state == "queued"


@pytest.mark.parametrize("state", ["queued", "sending", "accepted", "failed", "expired", "cancelled"])
async def test_what_is_not_unknown_is_refused_in_words(database: Database, state: str) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await queued(database, number, conversation_id, state=state, attempt=1)
    for decision in ("resend", "give_up"):
        with pytest.raises(NotUndecidedError, match="There is nothing to decide"):
            await _decide(database, number, message_id, decision)
    after = await row(database, "messages", message_id)
    assert (after.state, after.resends) == (state, 0)


async def test_a_customers_message_and_one_of_somebody_else_are_refused(database: Database) -> None:
    number, other = await connected_number(database), await connected_number(database, digits="15550009")
    conversation_id = await conversation(database, number)
    with pytest.raises(NotUndecidedError, match="It came from the customer"):
        await _decide(database, number, await received(database, number, conversation_id), "resend")
    with pytest.raises(NotFoundError):
        await _decide(database, other, await asked(database, number, conversation_id), "give_up")


async def test_from_a_number_that_is_disconnected_nothing_is_sent_again(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await asked(database, number, conversation_id)
    await change(database, "UPDATE integrations SET state = 'disconnected'")
    with pytest.raises(ConflictError, match="disconnected"):
        await _decide(database, number, message_id, "resend")
    assert (await _decide(database, number, message_id, "give_up")).state == "failed"


@pytest.mark.parametrize(
    ("by", "columns", "spoil", "state", "words"),
    [
        (ADA, {}, "UPDATE conversations SET window_opened_at = now() - interval '25 hours'", "failed", "window is"),
        (OURSELVES, {"author": "bot"}, "UPDATE conversations SET in_charge = 'person'", "cancelled", "took over"),
        (OURSELVES, {"send_before": datetime.now(UTC) - timedelta(seconds=1)}, "", "expired", "stale"),
    ],
)
async def test_a_resend_goes_through_the_claim_like_any_message(
    database: Database, by: By, columns: dict[str, Any], spoil: str, state: str, words: str
) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await asked(database, number, conversation_id, **columns)
    if spoil:
        await change(database, spoil)
    await _decide(database, number, message_id, "resend", by=by)
    claimed = await claim(database, message_id)
    assert isinstance(claimed, Unclaimed)
    assert claimed.state == state
    assert words in claimed.why


async def test_a_persons_decision_and_a_look_at_the_same_moment_never_send_it_twice(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    for _ in range(20):
        message_id = await unknown(database, number, conversation_id, unknown_policy="resend")
        ended = await asyncio.gather(
            look(database, conversation_id, rules=RULES),
            _decide(database, number, message_id, "resend"),
            _decide(database, number, message_id, "give_up"),
            return_exceptions=True,
        )
        assert all(isinstance(one, HoldfastError) for one in ended if isinstance(one, BaseException))
        after = await row(database, "messages", message_id)
        assert after.resends + (after.state == "failed") == 1
        assert len(await rows(database, "SELECT 1 FROM message_decisions WHERE message_id = :id", id=message_id)) == 1


async def test_a_message_has_no_policy_that_nobody_knows(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    with pytest.raises(IntegrityError, match="ck_messages_unknown_policy"):
        await queued(database, number, conversation_id, unknown_policy="hope")
