from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.engine import Database
from store.ids import new_id
from tests.intake.letters import BOB, Customer, Letters, ago, outcomes, take_in
from tests.intake.posts import sent_from
from tests.rows import Number, change, row, rows

UNDELIVERABLE, LIMIT, PAYMENT, DEAD_TOKEN, PER_USER = 131026, 130429, 131042, 190, 131049
_known: dict[UUID, Number] = {}


async def test_delivery_rises_and_never_falls(database: Database) -> None:
    sent = await sent_from(database)
    message = await sent.message("accepted", wamid="w1")
    for status, reached in (("delivered", "delivered"), ("sent", "delivered"), ("read", "read"), ("delivered", "read")):
        await sent.told(
            sent.letters.status("w1", status, message=f"{message}.1", timestamp=f"17952624{len(reached):02}")
        )
        assert (await row(database, "messages", message)).delivery == reached
    assert not await sent.is_due()


async def test_of_a_reaction_sent_is_all_that_comes_and_nothing_waits_for_more(database: Database) -> None:
    sent = await sent_from(database)
    message = await sent.message("accepted", wamid="w1", type="reaction")
    unknown = await sent.message("unknown", type="reaction")
    await sent.told(sent.letters.status("w1", "sent", message=f"{message}.1"))
    assert (await row(database, "messages", message)).delivery == "sent"
    assert not await sent.is_due()
    await sent.told(sent.letters.status("w2", "sent", message=f"{unknown}.1"))
    settled = await row(database, "messages", unknown)
    assert (settled.state, settled.delivery) == ("accepted", "sent")
    assert await rows(database, "SELECT id FROM messages WHERE state <> 'accepted'") == []


async def test_a_status_with_our_id_settles_what_was_unknown_and_wakes_its_conversation(database: Database) -> None:
    for state in ("unknown", "queued", "failed", "expired"):
        sent = await sent_from(database)
        message = await sent.message(state, hold="back_off" if state == "queued" else None, error_code=1)
        await sent.told(sent.letters.status(f"w.{state}", "sent", message=f"{message}.1"))
        settled = await row(database, "messages", message)
        assert (settled.state, settled.delivery, settled.wamid) == ("accepted", "sent", f"w.{state}")
        assert (settled.hold, settled.error_code, settled.unknown_until) == (None, None, None)
        assert settled.accepted_at is not None
        (attempt,) = await rows(database, "SELECT * FROM message_attempts WHERE message_id = :id", id=message)
        assert (attempt.state, attempt.wamid) == ("accepted", f"w.{state}")
        assert await sent.is_due() is (state in ("unknown", "queued"))


async def test_a_sender_that_is_still_there_is_not_woken_for_its_own_status(database: Database) -> None:
    sent = await sent_from(database)
    message = await sent.message("sending", claimed_at=ago(seconds=0))
    await change(database, "UPDATE messages SET claimed_at = clock_timestamp()")
    await sent.told(sent.letters.status("w1", "sent", message=f"{message}.1"))
    assert (await row(database, "messages", message)).state == "accepted"
    assert not await sent.is_due()
    (due,) = await rows(database, "SELECT due_at FROM conversations")
    assert due.due_at is not None, "it is looked after all the same"


async def test_a_status_of_another_numbers_message_or_of_no_attempt_changes_nothing(database: Database) -> None:
    mine, other = await sent_from(database), await sent_from(database)
    message = await mine.message("unknown")
    await other.told(other.letters.status("w1", "sent", message=f"{message}.1"))
    await mine.told(mine.letters.status("w2", "sent", message=f"{message}.2"))
    await mine.told(mine.letters.status("w3", "sent", message="another tool's"))
    assert (await row(database, "messages", message)).state == "unknown"
    stored = await rows(database, "SELECT message_id FROM message_statuses")
    assert [status.message_id for status in stored] == [None] * 3


async def test_a_permanent_failure_ends_failed_with_code_meaning_and_next_step(database: Database) -> None:
    sent = await sent_from(database)
    message = await sent.message("accepted", wamid="w1")
    await sent.told(sent.letters.status("w1", "failed", code=UNDELIVERABLE))
    failed = await row(database, "messages", message)
    assert (failed.state, failed.error_code, failed.error_detail) == ("failed", UNDELIVERABLE, "refused: why")
    assert failed.reason
    assert not await sent.is_due()
    await sent.told(sent.letters.status("w1", "delivered"))
    assert (await row(database, "messages", message)).state == "accepted"


async def test_a_retryable_failure_queues_the_row_again_with_its_back_off(database: Database) -> None:
    for code, hold in ((LIMIT, "back_off"), (PER_USER, "not_before"), (131056, "pair"), (131000, "back_off")):
        sent = await sent_from(database)
        message = await sent.message("accepted", wamid=f"w.{code}")
        await sent.told(sent.letters.status(f"w.{code}", "failed", code=code))
        again = await row(database, "messages", message)
        assert (again.state, again.hold, again.error_code) == ("queued", hold, code)
        assert again.hold_until > again.hold_since
        assert await sent.is_due()


async def test_a_failure_of_the_number_holds_the_number_and_fails_nothing(database: Database) -> None:
    for code, hold, state in ((DEAD_TOKEN, "token", "held"), (PAYMENT, "stopped", "stopped")):
        sent = await sent_from(database)
        message = await sent.message("accepted", wamid=f"w.{code}")
        await sent.told(sent.letters.status(f"w.{code}", "failed", code=code))
        held = await row(database, "messages", message)
        assert (held.state, held.hold, held.hold_until) == ("queued", hold, None)
        number = await row(database, "integrations", sent.letters.number.integration_id)
        assert (number.state, number.state_reason) == (state, hold)


async def test_a_failure_after_delivery_changes_nothing(database: Database) -> None:
    sent = await sent_from(database)
    message = await sent.message("accepted", wamid="w1")
    await sent.told(sent.letters.status("w1", "delivered"), sent.letters.status("w1", "failed", code=DEAD_TOKEN))
    assert (await row(database, "messages", message)).state == "accepted"
    assert (await row(database, "integrations", sent.letters.number.integration_id)).state == "live"


async def test_a_late_failure_of_an_earlier_attempt_leaves_the_later_one_alone(database: Database) -> None:
    sent = await sent_from(database)
    message = await sent.message("accepted", attempt=2, wamid="w2")
    await change(database, "UPDATE message_attempts SET wamid = 'w1' WHERE attempt = 1")
    await sent.told(sent.letters.status("w1", "failed", code=UNDELIVERABLE))
    assert (await row(database, "messages", message)).state == "accepted"
    tried = await rows(database, "SELECT state FROM message_attempts ORDER BY attempt")
    assert [attempt.state for attempt in tried] == ["rejected", "accepted"]


async def test_two_accepted_attempts_are_shown_as_doubled(database: Database) -> None:
    sent = await sent_from(database)
    message = await sent.message("accepted", attempt=2, wamid="w2")
    await sent.told(sent.letters.status("w1", "sent", message=f"{message}.1"))
    doubled = await row(database, "messages", message)
    assert (doubled.state, doubled.wamid) == ("accepted", "w2")
    assert doubled.reason.startswith("Doubled")


async def test_a_failure_without_our_id_is_of_the_one_open_post_to_its_recipient(database: Database) -> None:
    sent = await sent_from(database)
    message = await sent.message("unknown")
    await sent.told(sent.letters.status("w.foreign", "failed", code=UNDELIVERABLE, recipient_id=BOB.wa_id))
    await sent.told(
        sent.letters.status("w.early", "failed", code=UNDELIVERABLE, timestamp=str(int(ago(hours=1).timestamp())))
    )
    assert (await row(database, "messages", message)).state == "unknown"
    await sent.told(sent.letters.status("w1", "failed", code=UNDELIVERABLE))
    assert (await row(database, "messages", message)).state == "failed"


async def test_a_failure_that_fits_two_open_posts_is_of_neither_until_its_wamid_is_known(database: Database) -> None:
    sent = await sent_from(database)
    first, second = await sent.message("unknown"), await sent.message("sending")
    await sent.told(sent.letters.status("w2", "failed", code=LIMIT, recipient_id=sent.letters.customer.wa_id))
    assert [(await row(database, "messages", one)).state for one in (first, second)] == ["unknown", "sending"]
    await sent.told(sent.letters.status("w2", "sent", message=f"{second}.1"))
    assert [(await row(database, "messages", one)).state for one in (first, second)] == ["unknown", "queued"]


async def test_a_second_failure_of_a_wamid_is_of_the_post_the_first_one_was_found_for(database: Database) -> None:
    sent = await sent_from(database)
    message = await sent.message("unknown")
    for code, at in ((LIMIT, ago(seconds=9)), (UNDELIVERABLE, ago(seconds=8))):
        failed = sent.letters.status("w1", "failed", code=code, timestamp=str(int(at.timestamp())))
        await sent.told(failed)
    assert (await row(database, "messages", message)).state == "failed"


async def test_the_same_status_twice_is_one(database: Database) -> None:
    sent = await sent_from(database)
    message = await sent.message("accepted", wamid="w1")
    said = sent.letters.status("w1", "failed", code=LIMIT)
    await sent.told(said, said)
    until = (await row(database, "messages", message)).hold_until
    await sent.told(said)
    assert (await row(database, "messages", message)).hold_until == until
    assert await outcomes(database) == {"applied": 1, "duplicate": 2}


async def test_a_status_tells_the_other_name_of_whom_it_was_sent_to(database: Database) -> None:
    sent = await sent_from(database)
    await sent.message("accepted", wamid="w1")
    await sent.told(sent.letters.status("w1", "sent", recipient_user_id="DE.1001"))
    identities = await rows(database, "SELECT kind, value FROM contact_identities ORDER BY kind")
    assert [tuple(identity) for identity in identities] == [
        ("bsuid", "DE.1001"),
        ("wa_id", sent.letters.customer.wa_id),
    ]
    await take_in(database, Letters(sent.letters.number, Customer(None, "DE.1001")).message())
    assert len(await rows(database, "SELECT * FROM conversations")) == 1


@given(
    said=st.lists(
        st.sampled_from(["sent", "delivered", "read", UNDELIVERABLE, LIMIT, DEAD_TOKEN]),
        min_size=1,
        max_size=4,
        unique=True,
    ),
    state=st.sampled_from(["sending", "unknown", "accepted"]),
    named=st.booleans(),
    data=st.data(),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_order_and_batching_of_statuses_ends_the_same_in_postgres(
    database: Database,
    said: list[Any],
    state: str,
    named: bool,  # noqa: FBT001 - hypothesis passes it by name
    data: st.DataObject,
) -> None:
    ended = []
    numbers = await rows(database, "SELECT id FROM integrations")
    number = _known.get(numbers[0].id) if numbers else None
    for order in (said, data.draw(st.permutations(said))):
        sent = await sent_from(database, number)
        number = _known.setdefault(sent.letters.number.integration_id, sent.letters.number)
        wamid = f"w.{new_id()}"
        message = await sent.message(state, wamid=wamid if state == "accepted" else None)
        at_once = data.draw(st.booleans())
        # Meta's own time tells two statuses of a kind apart, so each has its own.
        second = {one: str(int(ago(seconds=20 - n).timestamp())) for n, one in enumerate(said)}
        told = [
            sent.letters.status(
                wamid, "failed", code=one, recipient_id=sent.letters.customer.wa_id, timestamp=second[one]
            )
            if isinstance(one, int)
            else sent.letters.status(
                wamid,
                one,
                message=f"{message}.1" if named or state != "accepted" else None,
                timestamp=second[one],
            )
            for one in order
        ]
        for part in [told] if at_once else [[one] for one in told]:
            await sent.told(*part)
        now = await row(database, "messages", message)
        (attempt,) = await rows(database, "SELECT * FROM message_attempts WHERE message_id = :id", id=message)
        heard = now.wamid == wamid
        ended.append((now.state, now.delivery, now.hold, now.error_code, attempt.state, heard, attempt.error_code))
    assert ended[0] == ended[1]
