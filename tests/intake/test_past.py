"""The past of a number that is used in the WhatsApp Business app: kept to be read, never answered."""

from datetime import datetime
from typing import Any

import pytest

from intake.reprocess import reprocess
from store.engine import Database
from store.webhook_events import Outcome
from tests.intake.letters import ADA, BOB, Customer, Letters, ago, outcomes, stamp, take_in
from tests.rows import change, connected_number, rows

_MESSAGES = "SELECT * FROM messages ORDER BY created_at"
_CONVERSATIONS = "SELECT * FROM conversations"


async def coexisting(database: Database) -> Letters:
    letters = Letters(await connected_number(database))
    await change(database, "UPDATE integrations SET coexistence = true")
    return letters


def asked(wamid: str, at: datetime, words: str = "open?", **more: Any) -> dict[str, Any]:
    return {"from": ADA.wa_id, "id": wamid, "timestamp": stamp(at), "type": "text", "text": {"body": words}} | more


def answered(letters: Letters, wamid: str, at: datetime, status: str = "DELIVERED") -> dict[str, Any]:
    sides = {"from": letters.number.phone_number, "to": ADA.wa_id, "history_context": {"status": status}}
    return asked(wamid, at, "until six") | sides


def history(letters: Letters, *messages: Any, progress: int = 50, **more: Any) -> bytes:
    metadata = {"phase": 0, "chunk_order": 1, "progress": progress}
    value = letters.change()["value"] | {
        "history": [{"metadata": metadata, "threads": [{"id": ADA.wa_id, "messages": list(messages)}]}]
    }
    return letters.body({"field": "history", "value": value | more})


def address_book(letters: Letters, *contacts: tuple[str, str], action: str = "add") -> bytes:
    parts = [
        {"type": "contact", "action": action, "contact": {"full_name": name, "phone_number": phone}}
        for name, phone in contacts
    ]
    return letters.body({"field": "smb_app_state_sync", "value": letters.change()["value"] | {"state_sync": parts}})


async def test_the_past_is_kept_in_its_order_with_its_moments_and_nobody_is_woken(database: Database) -> None:
    letters, first, second = await coexisting(database), ago(days=60), ago(days=59)
    await take_in(database, letters.message("now", wamid="wamid.now"))
    await change(database, "UPDATE conversations SET due_at = NULL, window_opened_at = NULL, last_message_at = NULL")
    body = history(letters, asked("wamid.1", first), answered(letters, "wamid.2", second))
    done = await take_in(database, body)
    was_asked, was_answered, _ = await rows(database, _MESSAGES)
    assert (was_asked.direction, was_asked.author, was_asked.state) == ("in", "customer", "kept")
    assert was_asked.meta_timestamp == was_asked.created_at == first
    assert was_asked.kept_reason
    assert (was_answered.direction, was_answered.author, was_answered.state) == ("out", "person", "accepted")
    assert (was_answered.delivery, was_answered.accepted_at) == ("delivered", second)
    (conversation,) = await rows(database, _CONVERSATIONS)
    assert (conversation.due_at, conversation.window_opened_at, conversation.in_charge) == (None, None, "bot")
    assert conversation.last_message_at == second
    assert not done.due
    assert not +done.received


async def test_the_past_told_twice_is_kept_once(database: Database) -> None:
    letters = await coexisting(database)
    body = history(letters, asked("wamid.1", ago(days=3)), asked("wamid.1", ago(days=3)), progress=100)
    await take_in(database, body, body)
    assert len(await rows(database, _MESSAGES)) == 1
    completed = await rows(database, "SELECT * FROM audit_log WHERE action = 'integration.history_complete'")
    assert len(completed) == 1
    # Each body has its chunk, which is applied whenever it comes, and the message twice.
    assert await outcomes(database) == {"applied": 3, "duplicate": 3}


async def test_a_message_that_had_failed_stays_failed(database: Database) -> None:
    letters = await coexisting(database)
    await take_in(database, history(letters, answered(letters, "wamid.1", ago(days=3), status="ERROR")))
    (message,) = await rows(database, _MESSAGES)
    assert (message.state, message.delivery) == ("failed", "none")


async def test_a_new_message_that_the_past_told_first_is_answered_all_the_same(database: Database) -> None:
    letters, at = await coexisting(database), ago(seconds=5)
    await take_in(database, history(letters, asked("wamid.1", at)))
    done = await take_in(database, letters.message(wamid="wamid.1", at=at))
    (message,) = await rows(database, _MESSAGES)
    assert (message.state, message.kept_reason) == ("received", None)
    (conversation,) = await rows(database, _CONVERSATIONS)
    assert conversation.window_opened_at == at
    assert conversation.due_at is not None
    assert done.due
    assert done.received == {letters.number.integration_id: 1}
    again = await take_in(database, letters.message(wamid="wamid.1", at=at))
    assert not again.due


async def test_the_past_does_not_touch_what_came_before_it(database: Database) -> None:
    letters, at = await coexisting(database), ago(seconds=5)
    await take_in(database, letters.message("first", wamid="wamid.1", at=at))
    await take_in(database, history(letters, asked("wamid.1", at, "second")))
    (message,) = await rows(database, _MESSAGES)
    assert (message.state, message.content) == ("received", {"text": {"body": "first"}})


async def test_media_of_the_past_is_filled_in_when_it_is_told_of_later(database: Database) -> None:
    letters, at = await coexisting(database), ago(days=2)
    placeholder = asked("wamid.1", at, type="media_placeholder")
    await take_in(database, history(letters, placeholder))
    later = letters.change()["value"] | {"messages": [asked("wamid.1", at, type="image", image={"id": "7"})]}
    body = letters.body({"field": "history", "value": later})
    await take_in(database, body, body)
    (message,) = await rows(database, _MESSAGES)
    assert (message.type, message.content["image"], message.state) == ("image", {"id": "7"}, "kept")


async def test_a_declined_history_is_told_once(database: Database) -> None:
    letters = await coexisting(database)
    value = letters.change()["value"] | {"history": [{"errors": [{"code": 2593109, "message": "off"}]}]}
    body = letters.body({"field": "history", "value": value})
    await take_in(database, body, body)
    (finding,) = await rows(database, "SELECT * FROM findings")
    assert (finding.code, finding.severity) == ("history_declined", "notice")


async def test_contacts_of_the_address_book_are_known_by_name_before_they_write(database: Database) -> None:
    letters = await coexisting(database)
    await take_in(database, letters.message())
    book = address_book(letters, ("Ada Lovelace", ADA.wa_id or ""), ("Bob", f"+{BOB.wa_id}"), ("Bob", BOB.wa_id or ""))
    await take_in(database, book, book)
    found = await rows(database, "SELECT profile_name FROM contacts ORDER BY profile_name")
    assert [one.profile_name for one in found] == ["Ada", "Bob"]
    assert len(await rows(database, _CONVERSATIONS)) == 1
    await take_in(database, Letters(letters.number, BOB).message())
    assert len(await rows(database, "SELECT * FROM contacts")) == 2


async def test_a_contact_without_a_name_gets_the_address_books_and_a_removed_one_stays(database: Database) -> None:
    letters = await coexisting(database)
    nameless = Letters(letters.number, Customer("491700000009", None))
    await take_in(database, nameless.body(nameless.change(nameless.said(), contacts=[{"wa_id": "491700000009"}])))
    await take_in(database, address_book(letters, ("Cleo", "491700000009")))
    await take_in(database, address_book(letters, ("Cleo", "491700000009"), action="remove"))
    (contact,) = await rows(database, "SELECT * FROM contacts")
    assert contact.profile_name == "Cleo"


@pytest.mark.parametrize("make", [history, address_book])
async def test_the_past_of_a_number_that_is_not_ours_waits_until_it_is(database: Database, make: Any) -> None:
    letters = await coexisting(database)
    body = make(letters, *([asked("wamid.1", ago(days=3))] if make is history else [("Bob", "491700000002")]))
    await change(database, "UPDATE integrations SET phone_number_id = 'another'")
    await take_in(database, body)
    assert set(await outcomes(database)) == {"quarantined"}
    await change(database, "UPDATE integrations SET phone_number_id = :own", own=letters.number.phone_number_id)
    became = await reprocess(database, outcome=Outcome.QUARANTINED)
    assert set(became) == {Outcome.APPLIED}
    assert len(await rows(database, "SELECT * FROM contacts")) == 1
