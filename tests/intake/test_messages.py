from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from intake.batches import process
from intake.reprocess import reprocess
from store import integrations, rates
from store import outcomes as outcomes_of_sends
from store.claims import Claimed, claim
from store.engine import Database
from store.inbound import TAKEN_OVER
from store.turn_plan import Rules
from store.turns import look
from store.webhook_events import Outcome
from tests.intake.letters import ADA, BOB, Customer, Letters, ago, arrive, envelope, outcomes, take_in
from tests.rows import change, connected_number, queued, row, rows

_CONVERSATIONS = "SELECT * FROM conversations ORDER BY created_at"
_MESSAGES = "SELECT * FROM messages ORDER BY webhook_event_id, place"


async def test_a_batch_of_three_entries_with_ten_changes_applies_the_new_and_counts_the_old(database: Database) -> None:
    letters = Letters(await connected_number(database))
    old = [letters.said(f"old {n}", wamid=f"wamid.old.{n}") for n in range(10)]
    await take_in(database, letters.body(letters.change(*old)))
    said = iter([*old, *(letters.said(f"new {n}") for n in range(20))])
    entries = [
        {"id": letters.number.waba_id, "changes": [letters.change(next(said)) for _ in range(10)]} for _ in range(3)
    ]

    await take_in(database, envelope(*entries))

    (event,) = await rows(database, "SELECT * FROM webhook_events ORDER BY id DESC LIMIT 1")
    assert (event.applied, event.duplicate, event.parked, event.quarantined) == (20, 10, 0, 0)
    assert len(await rows(database, _MESSAGES)) == 30
    (owned,) = await rows(
        database, "SELECT * FROM webhook_event_organizations WHERE webhook_event_id = :id", id=event.id
    )
    assert (owned.organization_id, owned.applied, owned.duplicate) == (letters.number.organization_id, 20, 10)


async def test_a_message_waits_for_a_turn_and_makes_its_conversation_due(database: Database) -> None:
    letters, at = Letters(await connected_number(database)), ago(minutes=3)
    done = await take_in(database, letters.message("hello", at=at))
    (message,) = await rows(database, _MESSAGES)
    assert (message.state, message.author, message.content) == ("received", "customer", {"text": {"body": "hello"}})
    (conversation,) = await rows(database, _CONVERSATIONS)
    assert conversation.window_opened_at == conversation.last_message_at == at
    assert conversation.due_at is not None
    assert done.due
    assert done.received == {letters.number.integration_id: 1}


async def test_an_older_message_that_comes_late_does_not_move_the_window_back(database: Database) -> None:
    letters, latest = Letters(await connected_number(database)), ago(minutes=1)
    await take_in(database, letters.message(at=latest))
    await take_in(database, letters.message(at=ago(hours=5)))
    (conversation,) = await rows(database, _CONVERSATIONS)
    assert conversation.window_opened_at == latest


async def test_a_repeated_message_neither_marks_nor_opens_anything(database: Database) -> None:
    letters = Letters(await connected_number(database))
    body = letters.message(wamid="wamid.once")
    await take_in(database, body)
    await change(database, "UPDATE conversations SET due_at = NULL, window_opened_at = NULL")
    done = await take_in(database, body)
    (conversation,) = await rows(database, _CONVERSATIONS)
    assert (conversation.due_at, conversation.window_opened_at) == (None, None)
    assert not done.due
    assert not +done.received


async def test_reactions_group_messages_and_what_a_switched_off_number_gets_are_kept_with_the_reason(
    database: Database,
) -> None:
    number = await connected_number(database)
    letters = Letters(number)
    reaction = letters.said(type="reaction", reaction={"message_id": "wamid.x", "emoji": "x"})
    await take_in(database, letters.body(letters.change(reaction)), letters.message(group_id="G1"))
    (conversation,) = await rows(database, _CONVERSATIONS)
    assert (conversation.due_at, conversation.window_opened_at) == (None, None)
    await integrations.set_enabled(
        database, organization_id=number.organization_id, integration_id=number.integration_id, enabled=False
    )
    await take_in(database, letters.message())
    kept = await rows(database, _MESSAGES)
    assert [message.state for message in kept] == ["kept"] * 3
    assert [message.kept_reason for message in kept] == [
        "A message of type reaction is not answered.",
        "A message of a group is never answered one to one.",
        "The number was switched off when it came.",
    ]
    assert (await rows(database, _CONVERSATIONS))[0].due_at is None


async def test_a_number_being_connected_keeps_its_messages_until_it_is_live(database: Database) -> None:
    number = await connected_number(database, state="connecting")
    await take_in(database, Letters(number).message())
    (message,) = await rows(database, _MESSAGES)
    assert message.state == "received"
    assert (await rows(database, _CONVERSATIONS))[0].due_at is None
    await integrations.set_state(
        database, organization_id=number.organization_id, integration_id=number.integration_id, state="live"
    )
    assert (await rows(database, _CONVERSATIONS))[0].due_at is not None


async def test_what_is_not_ours_is_quarantined_with_the_reason_and_processed_once_its_number_is_connected(
    database: Database,
) -> None:
    mine = await connected_number(database)
    coming = replace(mine, waba_id="7715550002", phone_number_id="9915550002")
    other_waba = replace(mine, waba_id="771")
    sample = replace(mine, waba_id="0", phone_number_id="123456123")
    alert = {"field": "account_alerts", "value": {"entity_type": "BUSINESS", "alert_info": {}}}
    await take_in(
        database,
        Letters(coming).message("early"),
        Letters(other_waba).message(),
        Letters(sample).message(),
        envelope({"id": "7715550002", "changes": [alert]}),
        envelope({"id": mine.waba_id, "changes": [alert]}),
    )
    assert await outcomes(database) == {"applied": 1, "quarantined": 4}
    kept = await rows(database, "SELECT * FROM webhook_items ORDER BY webhook_event_id")
    assert [item.reason for item in kept] == [
        "No number with this phone_number_id is connected.",
        "The number with this phone_number_id is connected with another WABA id.",
        "Meta's own sample, sent by the Test button of the app dashboard: it is of no number.",
        "No number of this WABA is connected.",
    ]
    assert await rows(database, _MESSAGES) == []
    assert not await reprocess(database, outcome=Outcome.QUARANTINED)

    await connected_number(database, digits="15550002")
    assert await reprocess(database, outcome=Outcome.QUARANTINED) == {Outcome.APPLIED: 2}
    assert await outcomes(database) == {"applied": 3, "quarantined": 2}
    (message,) = await rows(database, _MESSAGES)
    assert message.content == {"text": {"body": "early"}}
    (conversation,) = await rows(database, _CONVERSATIONS)
    assert conversation.due_at is not None
    assert len(await rows(database, "SELECT * FROM webhook_items")) == 2


async def test_one_poisoned_item_is_parked_alone_and_applied_once_it_can_be(database: Database) -> None:
    letters = Letters(await connected_number(database))
    await change(database, "ALTER TABLE messages ADD CONSTRAINT poison CHECK (content #>> '{text,body}' <> 'poison')")
    said = [letters.said("one"), letters.said("poison"), letters.said("three")]
    await take_in(database, letters.message("before"), letters.body(letters.change(*said)), letters.message("after"))
    assert await outcomes(database) == {"applied": 4, "parked": 1}
    (item,) = await rows(database, "SELECT * FROM webhook_items")
    (report,) = await rows(database, "SELECT * FROM error_reports")
    assert (item.place, item.kind, item.outcome) == (1, "messages.text", "parked")
    assert str(report.id) in item.reason
    assert item.organization_id == letters.number.organization_id
    assert not any("poison" in line for line in report.trace)

    await change(database, "ALTER TABLE messages DROP CONSTRAINT poison")
    assert await reprocess(database, outcome=Outcome.PARKED) == {Outcome.APPLIED: 1}
    assert await outcomes(database) == {"applied": 5}
    (owned,) = await rows(
        database,
        "SELECT applied, parked FROM webhook_event_organizations WHERE webhook_event_id = :id",
        id=item.webhook_event_id,
    )
    assert tuple(owned) == (3, 0)


async def test_a_body_that_cannot_be_read_is_parked_and_what_follows_is_applied(database: Database) -> None:
    letters = Letters(await connected_number(database))
    await take_in(database, b"\xff\xfe not json", letters.message())
    assert await outcomes(database) == {"applied": 1, "parked": 1}
    (item,) = await rows(database, "SELECT * FROM webhook_items")
    assert item.reason == "the body is no JSON"


async def test_a_person_is_one_contact_by_phone_and_by_bsuid(database: Database) -> None:
    number = await connected_number(database)
    phone_only, bsuid_only = Customer("491700000001", None), Customer(None, "DE.1001")
    for customer in (phone_only, ADA, bsuid_only):
        await take_in(database, Letters(number, customer).message())
    assert len(await rows(database, "SELECT * FROM contacts")) == 1
    assert len(await rows(database, _CONVERSATIONS)) == 1
    identities = await rows(database, "SELECT kind, value FROM contact_identities ORDER BY kind")
    assert [tuple(identity) for identity in identities] == [("bsuid", "DE.1001"), ("wa_id", "491700000001")]


async def test_the_new_owner_of_a_phone_number_does_not_get_into_the_old_ones_conversation(database: Database) -> None:
    number = await connected_number(database)
    await take_in(database, Letters(number, ADA).message())
    await take_in(database, Letters(number, Customer(ADA.wa_id, "DE.2002", "Eve")).message())
    assert len(await rows(database, _CONVERSATIONS)) == 2


async def test_a_new_profile_name_is_taken_over(database: Database) -> None:
    number = await connected_number(database)
    await take_in(database, Letters(number).message())
    await take_in(database, Letters(number, Customer(name="Ada L.")).message())
    assert (await rows(database, "SELECT profile_name FROM contacts"))[0].profile_name == "Ada L."


async def test_two_organizations_see_only_their_own_of_one_body(database: Database) -> None:
    mine, theirs = await connected_number(database), await connected_number(database, digits="15550002")
    entries = [
        {"id": number.waba_id, "changes": [Letters(number, customer).change(Letters(number, customer).said())]}
        for number, customer in ((mine, ADA), (theirs, ADA), (theirs, BOB))
    ]
    await take_in(database, envelope(*entries))
    owned = await rows(database, "SELECT organization_id, applied FROM webhook_event_organizations ORDER BY applied")
    assert [tuple(row) for row in owned] == [(mine.organization_id, 1), (theirs.organization_id, 2)]
    assert len(await rows(database, "SELECT * FROM contacts")) == 3


async def test_an_answer_by_hand_takes_the_conversation_over_and_an_old_one_does_not(database: Database) -> None:
    letters = Letters(await connected_number(database))
    echo = letters.echo(at=ago(minutes=1))
    await take_in(database, letters.message(), echo, echo)
    assert await outcomes(database) == {"applied": 2, "duplicate": 1}
    (conversation,) = await rows(database, _CONVERSATIONS)
    assert conversation.in_charge == "person"
    (echoed,) = await rows(database, "SELECT * FROM messages WHERE direction = 'out'")
    assert (echoed.author, echoed.state) == ("person", "accepted")

    await change(database, "UPDATE conversations SET in_charge = 'bot', in_charge_since = clock_timestamp()")
    await take_in(database, letters.echo(at=ago(minutes=5)))
    (conversation,) = await rows(database, _CONVERSATIONS)
    assert conversation.in_charge == "bot"


async def test_an_answer_by_hand_stops_the_bots_that_is_on_its_way(database: Database) -> None:
    number = await connected_number(database, kind="http", url="https://agent.example/answer")
    letters = Letters(number)
    await take_in(database, letters.message("are you open?"))
    (conversation,) = await rows(database, _CONVERSATIONS)
    begun = await look(database, conversation.id, rules=Rules())
    assert begun is not None
    assert begun[1].new_turn is not None
    message_id = await queued(database, number, conversation.id, author="bot")
    of_a_person = await queued(database, number, conversation.id, author="api")

    await take_in(database, letters.echo("until six"))

    assert (await row(database, "turns", begun[1].new_turn.id)).state == "discarded"
    stopped = await row(database, "messages", message_id)
    assert (stopped.state, stopped.reason) == ("cancelled", "A person took over before this answer left.")
    assert (await row(database, "messages", of_a_person)).state == "queued"
    (conversation,) = await rows(database, _CONVERSATIONS)
    assert (conversation.in_charge, conversation.in_charge_reason) == ("person", TAKEN_OVER)


@pytest.mark.parametrize("known_by", ["message", "attempt"])
async def test_the_echo_of_what_we_sent_ourselves_takes_nothing_over(database: Database, known_by: str) -> None:
    number = await connected_number(database)
    letters = Letters(number)
    await take_in(database, letters.message())
    (conversation,) = await rows(database, _CONVERSATIONS)
    message_id = await queued(database, number, conversation.id, author="bot")
    claimed = await claim(database, message_id)
    assert isinstance(claimed, Claimed)
    await outcomes_of_sends.accepted(database, claimed, "wamid.ours", wake=False)
    if known_by == "attempt":  # a second attempt that was accepted too: the row has the wamid of one of them
        await change(database, "UPDATE messages SET wamid = 'wamid.other' WHERE id = :id", id=message_id)

    await take_in(database, letters.echo("hello", at=ago(minutes=-1), id="wamid.ours"))

    assert await outcomes(database) == {"applied": 1, "duplicate": 1}
    (conversation,) = await rows(database, _CONVERSATIONS)
    assert (conversation.in_charge, conversation.in_charge_reason) == ("bot", None)
    assert len(await rows(database, "SELECT id FROM messages WHERE direction = 'out'")) == 1


async def test_a_customers_call_opens_the_window(database: Database) -> None:
    letters, at = Letters(await connected_number(database)), ago(minutes=2)
    call = {
        "id": "wacid.1",
        "from": ADA.wa_id,
        "to": "1555",
        "event": "connect",
        "direction": "USER_INITIATED",
        "timestamp": str(int(at.timestamp())),
    }
    change_ = letters.change()
    change_["field"] = "calls"
    change_["value"]["calls"] = [call]
    await take_in(database, letters.body(change_))
    (conversation,) = await rows(database, _CONVERSATIONS)
    assert conversation.window_opened_at == at
    assert conversation.due_at is None


async def test_nothing_is_done_and_nothing_parked_while_the_schema_is_not_ours(database: Database) -> None:
    letters = Letters(await connected_number(database))
    await arrive(database, letters.message())
    await change(database, "ALTER TABLE messages RENAME COLUMN content TO contents")
    with pytest.raises(ProgrammingError):
        await process(database, limit=10)
    await change(database, "ALTER TABLE messages RENAME COLUMN contents TO content")
    assert (await process(database, limit=10)).events == 1
    assert await outcomes(database) == {"applied": 1}


async def test_received_messages_are_booked_on_the_numbers_rate(database: Database) -> None:
    number = await connected_number(database, per_second=80)
    await change(database, "UPDATE rate_slots SET next_at = clock_timestamp()")
    await rates.book_received(database, {number.integration_id: 40})
    (slot,) = await rows(database, "SELECT next_at - clock_timestamp() AS ahead FROM rate_slots")
    pace = timedelta(seconds=1 / (80 * rates.PACE))
    assert 39 * pace - timedelta(seconds=0.1) < slot.ahead <= 40 * pace
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE rate_slots SET next_at = clock_timestamp() - interval '1 hour'"))
    await rates.book_received(database, {number.integration_id: 8})
    (slot,) = await rows(database, "SELECT next_at - clock_timestamp() AS ahead FROM rate_slots")
    assert timedelta(0) < slot.ahead <= 8 * pace
