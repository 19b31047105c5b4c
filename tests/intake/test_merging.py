"""Two contacts that turn out to be one: what each had is in the older conversation, the other says where it went."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from store import consents, handover
from store.engine import Database
from store.errors import MergedError
from store.merging import FOLLOWED
from store.outbox import Draft, Target, queue_message
from store.paging import PageRequest
from store.reading.contacts import list_contacts
from store.reading.conversations import list_conversations
from store.reading.messages import list_messages
from store.tables import metadata
from store.turn_facts import Rules
from store.turns import look
from tests.intake.letters import ADA, BOB, Customer, Letters, ago, take_in
from tests.intake.people import BEGUN, BSUID_ONLY, OPEN, PHONE_ONLY, are_one, known_by, two_halves
from tests.plans import plan_of
from tests.rows import Number, change, connected_number, queued, row, rows

_TEXT: dict[str, Any] = {"type": "text", "content": {"text": {"body": "hello"}}}


def _closed(conversation: Any) -> bool:
    return conversation.merged_into is not None


async def test_the_older_conversation_has_all_messages_in_their_order(database: Database) -> None:
    number = await connected_number(database)
    older, younger = await two_halves(database, number)
    await are_one(database, number)
    (kept, closed) = await rows(database, BEGUN)
    assert (kept.id, kept.merged_into) == (older, None)
    assert (closed.id, closed.merged_into) == (younger, older)
    page = await list_messages(database, number.organization_id, older, PageRequest())
    assert [message.in_words for message in page.items[::-1]] == ["by phone", "by BSUID", "it is me"]
    assert kept.window_opened_at == kept.last_message_at == max(message.at for message in page.items)
    assert await known_by(database) == {(ADA.wa_id, ADA.user_id)}
    assert kept.due_at is not None


async def test_the_younger_contact_says_where_it_went_and_is_listed_no_more(database: Database) -> None:
    number = await connected_number(database)
    older, younger = await two_halves(database, number)
    await are_one(database, number)
    (contact,) = (await list_contacts(database, number.organization_id, PageRequest())).items
    (conversation,) = (await list_conversations(database, number.organization_id, PageRequest())).items
    assert (conversation.id, conversation.contact_id) == (older, contact.id)
    merged = await rows(database, "SELECT merged_into FROM contacts WHERE merged_into IS NOT NULL")
    assert [one.merged_into for one in merged] == [contact.id]
    with pytest.raises(MergedError) as refused:
        await list_messages(database, number.organization_id, younger, PageRequest())
    assert refused.value.merged_into == older


async def test_whoever_knows_the_old_ids_writes_takes_over_and_gives_back_all_the_same(database: Database) -> None:
    number = await connected_number(database)
    older, younger = await two_halves(database, number)
    (contact,) = await rows(database, "SELECT contact_id FROM conversations WHERE id = :id", id=younger)
    await are_one(database, number)
    owner: dict[str, Any] = {"organization_id": number.organization_id}
    for target in (Target(conversation_id=younger), Target(contact_id=UUID(str(contact.contact_id)))):
        sent = await queue_message(database, target=target, draft=Draft(**_TEXT), **owner)
        assert sent.conversation_id == older
    taken = await handover.take_over(database, conversation_id=younger, reason="by hand", **owner)
    assert (await row(database, "conversations", older)).in_charge == "person"
    given = await handover.give_back(database, conversation_id=younger, reason="by hand", **owner)
    assert taken.conversation_id == given.conversation_id == older
    assert (await row(database, "conversations", older)).in_charge == "bot"


async def test_the_run_of_the_closed_conversation_ends_and_what_it_was_woken_for_goes_on(database: Database) -> None:
    number = await connected_number(database)
    older, younger = await two_halves(database, number)
    await are_one(database, number)
    await change(database, "UPDATE conversations SET due_at = NULL WHERE id = :id", id=older)
    assert await look(database, younger, rules=Rules()) is None
    kept, closed = await rows(database, "SELECT due_at FROM conversations ORDER BY created_at, id")
    assert (kept.due_at is not None, closed.due_at) == (True, None)


async def test_an_open_turn_is_asked_anew_about_both_halves(database: Database) -> None:
    number = await connected_number(database, kind="http", url="https://agent.example/answer")
    older, younger = await two_halves(database, number)
    for conversation_id in (older, younger):
        assert (await plan_of(database, conversation_id)).new_turn is not None
    await are_one(database, number)
    turns = await rows(database, "SELECT * FROM turns ORDER BY turn_no")
    assert [(turn.turn_no, turn.conversation_id, turn.state) for turn in turns] == [
        (1, older, "discarded"),
        (2, older, "discarded"),
    ]
    turn = (await plan_of(database, older)).new_turn
    assert turn is not None
    assert (turn.turn_no, len(turn.taken)) == (3, 3)


async def test_answered_turns_and_files_go_with_their_messages(database: Database) -> None:
    number = await connected_number(database)
    older, younger = await two_halves(database, number)
    letters = Letters(number, BSUID_ONLY)
    await take_in(database, letters.message(type="image", image={"id": "1", "mime_type": "image/png"}))
    for conversation_id in (older, younger):
        await look(database, conversation_id, rules=Rules())
    await are_one(database, number)
    for table in ("turns", "media", "messages"):
        found = await rows(database, f"SELECT DISTINCT conversation_id FROM {table}")  # noqa: S608
        assert [one.conversation_id for one in found] == [older], table
    assert [turn.turn_no for turn in await rows(database, "SELECT turn_no FROM turns ORDER BY 1")] == [1, 2]
    assert (await row(database, "conversations", older)).last_turn_no == 2


async def test_of_each_number_the_older_conversation_is_kept(database: Database) -> None:
    mine = await connected_number(database)
    second = await connected_number(database, digits="15550002")
    await change(
        database, "UPDATE integrations SET organization_id = :owner", owner=mine.organization_id
    )  # both numbers are one organization's
    await change(database, "UPDATE wabas SET organization_id = :owner", owner=mine.organization_id)
    for number, who in ((mine, PHONE_ONLY), (second, BSUID_ONLY), (mine, BSUID_ONLY), (second, PHONE_ONLY)):
        await take_in(database, Letters(number, who).message())
    await take_in(database, Letters(mine, ADA).message())
    first, other, *closed = await rows(database, BEGUN)
    assert [first.integration_id, other.integration_id] == [mine.integration_id, second.integration_id]
    assert first.contact_id == other.contact_id
    assert not _closed(first)
    assert not _closed(other)
    assert {one.merged_into for one in closed} == {first.id, other.id}
    assert len(await rows(database, OPEN)) == 2


async def _consent(database: Database, number: Number, contact_id: UUID, choice: Any, at: datetime) -> None:
    async with database.transaction() as connection:
        await consents.record(
            connection,
            organization_id=number.organization_id,
            contact_id=contact_id,
            choice=choice,
            source="api",
            told_at=at,
        )


@pytest.mark.parametrize("later", ["stop", "resume"])
async def test_the_latest_that_either_said_of_marketing_counts(database: Database, later: str) -> None:
    number = await connected_number(database)
    older, younger = await two_halves(database, number)
    first, second = [(await row(database, "conversations", one)).contact_id for one in (older, younger)]
    said = ["stop", "resume"] if later == "resume" else ["resume", "stop"]
    await _consent(database, number, second, said[0], ago(hours=2))
    await _consent(database, number, first, said[1], ago(hours=1))
    await are_one(database, number)
    contact = await row(database, "contacts", first)
    assert (contact.marketing_stopped_at is not None) == (later == "stop")
    assert len(await rows(database, "SELECT * FROM consents WHERE contact_id = :id", id=first)) == 2


async def test_whom_the_portfolio_wrote_to_as_both_counts_once(database: Database) -> None:
    number = await connected_number(database)
    await two_halves(database, number)
    owner = {"owner": number.organization_id}
    await change(
        database, "INSERT INTO portfolios (organization_id, portfolio, contacts) VALUES (:owner, 'p', 2)", **owner
    )
    await change(
        database,
        "INSERT INTO portfolio_contacts (organization_id, portfolio, contact_id, sent_at) "
        "SELECT :owner, 'p', id, now() - interval '1 hour' FROM contacts",
        **owner,
    )
    await change(
        database,
        "UPDATE portfolio_contacts SET sent_at = now() WHERE contact_id = (SELECT max(id::text) FROM contacts)::uuid",
    )
    await are_one(database, number)
    (counted,) = await rows(database, "SELECT contacts FROM portfolios")
    (left,) = await rows(database, "SELECT sent_at > now() - interval '1 minute' AS latest FROM portfolio_contacts")
    assert (counted.contacts, left.latest) == (1, True)


async def test_two_people_are_never_made_one_by_a_phone_number(database: Database) -> None:
    number = await connected_number(database)
    await take_in(database, Letters(number, ADA).message(at=ago(seconds=9)))
    await take_in(database, Letters(number, BOB).message(at=ago(seconds=8)))
    await take_in(database, Letters(number, Customer(BOB.wa_id, ADA.user_id)).message(at=ago(seconds=7)))
    assert len(await rows(database, OPEN)) == 2
    assert await known_by(database) == {(ADA.wa_id, BOB.wa_id, ADA.user_id), (BOB.user_id,)}


async def test_what_is_queued_goes_on_in_the_conversation_that_is_kept(database: Database) -> None:
    number = await connected_number(database)
    older, younger = await two_halves(database, number)
    first = await queued(database, number, younger, "one")
    second = await queued(database, number, older, "two")
    await are_one(database, number)
    assert (await plan_of(database, older)).to_send[:2] == [first, second]


def test_a_merge_takes_along_every_row_of_a_contact_and_of_a_conversation() -> None:
    pointing = {
        table.name
        for table in metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name in ("contacts", "conversations") and key.parent.name != "merged_into"
    }
    assert pointing == set(FOLLOWED)
