"""Who somebody is: changes of number and BSUID, new owners of numbers, what statuses and answers tell."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from activities.answers import AnswerRecorder
from store.claims import Claimed, claim
from store.engine import Database
from store.paging import PageRequest
from store.people_answered import learn
from store.reading.contacts import list_contacts
from store.reading.conversations import list_conversations
from tests.intake.letters import ADA, Customer, Letters, ago, take_in
from tests.intake.people import ADA_NOW, OPEN, changed, known_by, reached
from tests.intake.posts import sent_from
from tests.rows import blocked, connected_number, queued, rows
from whatsapp.graph import Accepted

EVE = Customer(ADA.wa_id, "DE.2002", "Eve")
"""Who got Ada's number after her."""


@pytest.mark.parametrize("template", [False, True])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1), (1, 3, 0, 2)])
async def test_a_change_of_number_joins_the_new_one_in_any_order(
    database: Database,
    order: tuple[int, ...],
    template: bool,  # noqa: FBT001 - pytest passes it by name
) -> None:
    number = await connected_number(database)
    was, now = Letters(number, ADA), Letters(number, ADA_NOW)
    told = [
        was.message("from the old number", at=ago(seconds=40)),
        was.message("again", at=ago(seconds=35)),
        changed(was, ADA_NOW, at=ago(seconds=30)),
        now.message("from the new one", at=ago(seconds=20)),
    ]
    for n in order:
        await take_in(database, told[n])
    (conversation,) = await rows(database, OPEN)
    assert len(await rows(database, "SELECT * FROM contacts WHERE merged_into IS NULL")) == 1
    written = await rows(database, "SELECT DISTINCT conversation_id FROM messages")
    assert [one.conversation_id for one in written] == [conversation.id]
    assert await known_by(database) == {(ADA.wa_id, ADA_NOW.wa_id, ADA.user_id, ADA_NOW.user_id)}
    assert await reached(database, number, conversation.id, template=template) == (ADA_NOW.wa_id, ADA_NOW.user_id)


async def test_who_hides_the_new_number_is_reached_by_bsuid_and_not_by_the_old_number(database: Database) -> None:
    number = await connected_number(database)
    was, hidden = Letters(number, ADA), Customer(None, "DE.1009")
    await take_in(database, changed(was, hidden, at=ago(seconds=30)), was.message("late", at=ago(seconds=40)))
    (conversation,) = await rows(database, OPEN)
    assert await reached(database, number, conversation.id) == (None, "DE.1009")
    (contact,) = (await list_contacts(database, number.organization_id, PageRequest())).items
    assert (contact.phone_number, contact.user_id) == (None, "DE.1009")


async def test_a_message_from_before_a_change_makes_one_of_both_halves_also_when_it_comes_after_it(
    database: Database,
) -> None:
    number = await connected_number(database)
    phone, bsuid = Letters(number, Customer(ADA.wa_id, None)), Letters(number, Customer(None, ADA.user_id))
    await take_in(database, phone.message(at=ago(seconds=50)), bsuid.message(at=ago(seconds=45)))
    await take_in(database, changed(bsuid, ADA_NOW, at=ago(seconds=30)))
    assert len(await rows(database, OPEN)) == 2
    await take_in(database, Letters(number, ADA).message("late", at=ago(seconds=40)))
    (conversation,) = await rows(database, OPEN)
    assert await reached(database, number, conversation.id) == (ADA_NOW.wa_id, ADA_NOW.user_id)


async def test_whoever_had_a_number_before_somebody_changed_to_it_stays_another(database: Database) -> None:
    number = await connected_number(database)
    await take_in(database, Letters(number, Customer(ADA_NOW.wa_id, None, "Old")).message(at=ago(seconds=50)))
    hidden = Customer(None, ADA_NOW.user_id)
    await take_in(database, changed(Letters(number, ADA), hidden, at=ago(seconds=30)))
    await take_in(database, Letters(number, ADA_NOW).message(at=ago(seconds=20)))
    assert len(await rows(database, OPEN)) == 2
    assert await known_by(database) == {(ADA.wa_id, ADA_NOW.wa_id, ADA.user_id, ADA_NOW.user_id)}


async def test_an_old_payload_that_names_only_the_new_number_joins_it(database: Database) -> None:
    number = await connected_number(database)
    phone_only = Letters(number, Customer(ADA.wa_id, None))
    await take_in(database, phone_only.message(at=ago(seconds=9)), changed(phone_only, Customer("491700000009", None)))
    (conversation,) = await rows(database, OPEN)
    assert await reached(database, number, conversation.id) == ("491700000009", None)


@pytest.mark.parametrize("first", ["ada", "eve"])
async def test_a_number_is_its_new_owners_and_the_old_one_is_reached_by_bsuid(database: Database, first: str) -> None:
    number = await connected_number(database)
    hers = Letters(number, ADA).message("I am Ada", at=ago(seconds=40))
    anothers = Letters(number, EVE).message("I am Eve", at=ago(seconds=20))
    for body in (hers, anothers) if first == "ada" else (anothers, hers):
        await take_in(database, body)
    assert await known_by(database) == {(ADA.user_id,), (EVE.wa_id, EVE.user_id)}
    said = "SELECT conversation_id FROM messages WHERE content #>> '{text,body}' = :said"
    (ada,), (eve,) = [await rows(database, said, said=words) for words in ("I am Ada", "I am Eve")]
    assert ada.conversation_id != eve.conversation_id
    assert await reached(database, number, ada.conversation_id) == (None, ADA.user_id)
    assert await reached(database, number, eve.conversation_id) == (EVE.wa_id, EVE.user_id)


async def test_the_number_that_somebody_left_is_not_used_once_another_has_it(database: Database) -> None:
    number = await connected_number(database)
    was = Letters(number, ADA)
    await take_in(database, was.message(at=ago(seconds=40)), changed(was, ADA_NOW, at=ago(seconds=30)))
    await take_in(database, Letters(number, EVE).message("I am Eve"))
    assert await known_by(database) == {(ADA_NOW.wa_id, ADA.user_id, ADA_NOW.user_id), (EVE.wa_id, EVE.user_id)}
    assert len(await rows(database, OPEN)) == 2


async def test_who_shows_only_a_bsuid_is_listed_and_written_to_by_it(database: Database) -> None:
    number = await connected_number(database)
    await take_in(database, Letters(number, Customer(None, "DE.3003", "Uma")).message("hello"))
    (conversation,) = (await list_conversations(database, number.organization_id, PageRequest())).items
    assert (conversation.contact_phone_number, conversation.contact_user_id) == (None, "DE.3003")
    assert await reached(database, number, conversation.id) == (None, "DE.3003")


async def test_statuses_of_messages_to_a_bsuid_are_joined_without_any_phone_number(database: Database) -> None:
    number = await connected_number(database)
    letters = Letters(number, Customer(None, "DE.3003"))
    await take_in(database, letters.message())
    (conversation,) = await rows(database, OPEN)
    message_id = await queued(database, number, conversation.id)
    claimed = await claim(database, message_id)
    assert isinstance(claimed, Claimed)
    status = letters.status("w1", "delivered", message=f"{message_id}.1", recipient_user_id="DE.3003")
    del status["recipient_id"]
    await take_in(database, letters.statuses(status))
    (message,) = await rows(database, "SELECT * FROM messages WHERE id = :id", id=message_id)
    assert (message.state, message.delivery) == ("accepted", "delivered")


async def test_a_status_tells_metas_own_name_of_a_number(database: Database) -> None:
    """In Brazil the number that is written to and the one that Meta knows differ by a digit."""
    sent = await sent_from(database)
    await sent.message("accepted", wamid="w1")
    await sent.told(sent.letters.status("w1", "sent", recipient_id="551187654321"))
    await take_in(database, Letters(sent.letters.number, Customer("551187654321", None)).message())
    assert len(await rows(database, OPEN)) == 1


async def test_what_a_status_tells_never_makes_one_of_two_people(database: Database) -> None:
    sent = await sent_from(database)
    number = sent.letters.number
    await take_in(database, sent.letters.message())  # has a BSUID by now
    await take_in(database, Letters(number, Customer(None, "DE.2002", "Eve")).message())
    before = await known_by(database)
    await sent.message("accepted", wamid="w1")
    await sent.told(sent.letters.status("w1", "delivered", recipient_user_id="DE.2002"))
    await sent.told(sent.letters.status("w1", "read", recipient_user_id="DE.4004"))
    assert await known_by(database) == before


async def test_the_answer_to_a_send_joins_metas_own_name_of_the_number(database: Database) -> None:
    sent = await sent_from(database)
    message_id = await sent.message("accepted", wamid="w1")
    for _ in range(2):
        await learn(database, message_id, wa_id="551187654321", user_id=None)
    assert await known_by(database) == {tuple(sorted(("551187654321", str(sent.letters.customer.wa_id))))}
    await take_in(database, Letters(sent.letters.number, Customer("551187654321", "BR.1")).message())
    assert len(await rows(database, OPEN)) == 1


async def test_the_answer_to_a_send_finds_whom_the_number_wrote_as_before(database: Database) -> None:
    sent = await sent_from(database)
    message_id = await sent.message("accepted", wamid="w1")
    await take_in(database, Letters(sent.letters.number, Customer("551187654321", "BR.1")).message("it is me"))
    assert len(await rows(database, OPEN)) == 2
    await learn(database, message_id, wa_id="551187654321", user_id=None)
    (conversation,) = await rows(database, OPEN)
    assert {row.conversation_id for row in await rows(database, "SELECT conversation_id FROM messages")} == {
        conversation.id
    }


async def test_a_name_that_was_told_earlier_and_comes_later_changes_nothing(database: Database) -> None:
    number = await connected_number(database)
    now = Letters(number, Customer(ADA.wa_id, ADA.user_id, "Ada Lovelace")).message(at=ago(seconds=10))
    before = Letters(number, Customer(ADA.wa_id, ADA.user_id, "Ada Byron")).message(at=ago(seconds=20))
    await take_in(database, now)
    await take_in(database, before)
    assert (await rows(database, "SELECT profile_name FROM contacts"))[0].profile_name == "Ada Lovelace"


async def test_a_worker_that_records_an_answer_keeps_metas_own_name_of_the_number(database: Database) -> None:
    sent = await sent_from(database)
    claimed = await claim(database, await queued(database, sent.letters.number, sent.conversation_id))
    assert isinstance(claimed, Claimed)
    answer = Accepted("w1", wa_id="551187654321")
    await AnswerRecorder(database, timedelta(seconds=120)).record(claimed, answer, wake=False)
    assert await known_by(database) == {tuple(sorted(("551187654321", str(sent.letters.customer.wa_id))))}
    assert await reached(database, sent.letters.number, sent.conversation_id) == ("551187654321", None)


async def test_an_accepted_send_stands_although_its_answer_names_somebody_who_is_being_merged(
    database: Database,
) -> None:
    sent = await sent_from(database)
    await take_in(database, Letters(sent.letters.number, Customer("551187654321", None)).message())
    (theirs,) = [one.id for one in await rows(database, OPEN) if one.id != sent.conversation_id]
    claimed = await claim(database, await queued(database, sent.letters.number, sent.conversation_id))
    assert isinstance(claimed, Claimed)
    merged = text("UPDATE conversations SET merged_into = :into WHERE id = :theirs")
    async with database.transaction() as merging:
        await merging.execute(merged, {"into": sent.conversation_id, "theirs": theirs})
        recorder = AnswerRecorder(database, timedelta(seconds=120))
        recording = asyncio.create_task(recorder.record(claimed, Accepted("w1", wa_id="551187654321"), wake=False))
        await blocked(database)
    assert (await recording).state == "accepted"
