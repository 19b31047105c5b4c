"""Messages as they come in: applied once, in the conversation of whoever wrote, and its window moved on."""

from store import integrations
from store.engine import Database
from tests.intake.letters import ADA, BOB, CONVERSATIONS, MESSAGES, Customer, Letters, ago, envelope, take_in
from tests.rows import change, connected_number, rows


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
    assert len(await rows(database, MESSAGES)) == 30
    (owned,) = await rows(
        database, "SELECT * FROM webhook_event_organizations WHERE webhook_event_id = :id", id=event.id
    )
    assert (owned.organization_id, owned.applied, owned.duplicate) == (letters.number.organization_id, 20, 10)


async def test_a_message_waits_for_a_turn_and_makes_its_conversation_due(database: Database) -> None:
    letters, at = Letters(await connected_number(database)), ago(minutes=3)
    done = await take_in(database, letters.message("hello", at=at))
    (message,) = await rows(database, MESSAGES)
    assert (message.state, message.author, message.content) == ("received", "customer", {"text": {"body": "hello"}})
    (conversation,) = await rows(database, CONVERSATIONS)
    assert conversation.window_opened_at == conversation.last_message_at == at
    assert conversation.due_at is not None
    assert done.due
    assert done.received == {letters.number.integration_id: 1}


async def test_an_older_message_that_comes_late_does_not_move_the_window_back(database: Database) -> None:
    letters, latest = Letters(await connected_number(database)), ago(minutes=1)
    await take_in(database, letters.message(at=latest))
    await take_in(database, letters.message(at=ago(hours=5)))
    (conversation,) = await rows(database, CONVERSATIONS)
    assert conversation.window_opened_at == latest


async def test_a_repeated_message_neither_marks_nor_opens_anything(database: Database) -> None:
    letters = Letters(await connected_number(database))
    body = letters.message(wamid="wamid.once")
    await take_in(database, body)
    await change(database, "UPDATE conversations SET due_at = NULL, window_opened_at = NULL")
    done = await take_in(database, body)
    (conversation,) = await rows(database, CONVERSATIONS)
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
    (conversation,) = await rows(database, CONVERSATIONS)
    assert (conversation.due_at, conversation.window_opened_at) == (None, None)
    await integrations.set_enabled(
        database, organization_id=number.organization_id, integration_id=number.integration_id, enabled=False
    )
    await take_in(database, letters.message())
    kept = await rows(database, MESSAGES)
    assert [message.state for message in kept] == ["kept"] * 3
    assert [message.kept_reason for message in kept] == [
        "A message of type reaction is not answered.",
        "A message of a group is never answered one to one.",
        "The number was switched off when it came.",
    ]
    assert (await rows(database, CONVERSATIONS))[0].due_at is None


async def test_a_number_being_connected_keeps_its_messages_until_it_is_live(database: Database) -> None:
    number = await connected_number(database, state="connecting")
    await take_in(database, Letters(number).message())
    (message,) = await rows(database, MESSAGES)
    assert message.state == "received"
    assert (await rows(database, CONVERSATIONS))[0].due_at is None
    await integrations.set_state(
        database, organization_id=number.organization_id, integration_id=number.integration_id, state="live"
    )
    assert (await rows(database, CONVERSATIONS))[0].due_at is not None


async def test_a_person_is_one_contact_by_phone_and_by_bsuid(database: Database) -> None:
    number = await connected_number(database)
    phone_only, bsuid_only = Customer("491700000001", None), Customer(None, "DE.1001")
    for customer in (phone_only, ADA, bsuid_only):
        await take_in(database, Letters(number, customer).message())
    assert len(await rows(database, "SELECT * FROM contacts")) == 1
    assert len(await rows(database, CONVERSATIONS)) == 1
    identities = await rows(database, "SELECT kind, value FROM contact_identities ORDER BY kind")
    assert [tuple(identity) for identity in identities] == [("bsuid", "DE.1001"), ("wa_id", "491700000001")]


async def test_the_new_owner_of_a_phone_number_does_not_get_into_the_old_ones_conversation(database: Database) -> None:
    number = await connected_number(database)
    await take_in(database, Letters(number, ADA).message())
    await take_in(database, Letters(number, Customer(ADA.wa_id, "DE.2002", "Eve")).message())
    assert len(await rows(database, CONVERSATIONS)) == 2


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
    (conversation,) = await rows(database, CONVERSATIONS)
    assert conversation.window_opened_at == at
    assert conversation.due_at is None
