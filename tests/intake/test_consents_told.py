"""What customers tell of marketing through webhooks: by words, by buttons, by their choice in WhatsApp."""

import asyncio
from typing import Any

import pytest

from intake.batches import process
from store import consents
from store.engine import Database
from store.stop_words import set_stop_words
from tests.intake.letters import ADA, BOB, Letters, ago, arrive, outcomes, take_in
from tests.intake.posts import sent_from
from tests.rows import Number, change, connected_number, rows

_HISTORY = """
    SELECT c.choice, c.source, c.told_at, c.note, m.wamid, i.value AS user_id
    FROM consents c JOIN contact_identities i ON i.contact_id = c.contact_id AND i.kind = 'bsuid'
    LEFT JOIN messages m ON m.id = c.message_id ORDER BY c.told_at
"""


async def _stopped(database: Database) -> dict[str, str | None]:
    """Of each contact by its BSUID what told of marketing last, if it is stopped."""
    found = await rows(
        database,
        "SELECT i.value, CASE WHEN t.marketing_stopped_at IS NOT NULL THEN t.marketing_source END AS by "
        "FROM contacts t JOIN contact_identities i ON i.contact_id = t.id AND i.kind = 'bsuid'",
    )
    return {row.value: row.by for row in found}


async def test_a_stop_word_stops_marketing_from_its_messages_own_timestamp_and_is_answered_like_any_message(
    database: Database,
) -> None:
    letters, at = Letters(await connected_number(database)), ago(hours=2)
    await take_in(database, letters.message("Stop!", wamid="w1", at=at))
    (told,) = await rows(database, _HISTORY)
    assert (told.choice, told.source, told.told_at, told.wamid) == ("stop", "stop_word", at, "w1")
    (contact,) = await rows(database, "SELECT marketing_stopped_at FROM contacts")
    assert contact.marketing_stopped_at == at
    (message,) = await rows(database, "SELECT m.state, c.due_at FROM messages m JOIN conversations c ON true")
    assert message.state == "received", "the bot sees it"
    assert message.due_at is not None


async def test_the_same_word_fifty_times_is_told_once(database: Database) -> None:
    letters = Letters(await connected_number(database))
    body = letters.message("stop", wamid="w1")
    await arrive(database, *[body] * 50)
    await asyncio.gather(*(process(database, limit=5) for _ in range(10)))
    await take_in(database)
    assert len(await rows(database, _HISTORY)) == 1
    assert await outcomes(database) == {"applied": 1, "duplicate": 49}


async def test_words_that_come_late_and_in_any_order_count_by_their_time(database: Database) -> None:
    letters = Letters(await connected_number(database))
    said = [("STOP", 60), ("hello", 50), ("START", 40), ("please stop", 30)]
    await take_in(database, *(letters.message(words, at=ago(seconds=since)) for words, since in reversed(said)))
    assert await _stopped(database) == {ADA.user_id: None}
    assert [told.choice for told in await rows(database, _HISTORY)] == ["stop", "resume"]
    await take_in(database, letters.message("Abmelden", at=ago(seconds=45)))
    assert await _stopped(database) == {ADA.user_id: None}
    await take_in(database, letters.message("Abmelden", at=ago(seconds=20)))
    assert await _stopped(database) == {ADA.user_id: "stop_word"}


@pytest.mark.parametrize(
    "reply",
    [
        {"type": "button", "button": {"payload": "STOP", "text": "No more offers"}},
        {"type": "button", "button": {"payload": "17", "text": "Stop"}},
        {
            "type": "interactive",
            "interactive": {"type": "button_reply", "button_reply": {"id": "stop", "title": "No more offers"}},
        },
    ],
)
async def test_a_button_that_carries_the_word_stops_too(database: Database, reply: dict[str, Any]) -> None:
    letters = Letters(await connected_number(database))
    message = letters.said(**reply)
    message.pop("text", None)
    await take_in(database, letters.body(letters.change(message)))
    assert await _stopped(database) == {ADA.user_id: "stop_word"}


@pytest.mark.parametrize(
    "said",
    [
        {"group_id": "g1"},
        {"type": "reaction", "reaction": {"message_id": "w0", "emoji": "🛑"}},
        {"type": "edit", "edit": {"original_message_id": "w0", "message": {"type": "text", "text": {"body": "stop"}}}},
    ],
)
async def test_what_is_said_to_a_group_or_is_no_message_of_its_own_stops_nothing(
    database: Database, said: dict[str, Any]
) -> None:
    letters = Letters(await connected_number(database))
    await take_in(database, letters.body(letters.change(letters.said("stop", **said))))
    assert await rows(database, "SELECT * FROM consents") == []


async def test_one_customers_word_stops_nobody_else_also_in_one_body(database: Database) -> None:
    number = await connected_number(database)
    ada, bob = Letters(number, ADA), Letters(number, BOB)
    await take_in(database, bob.body(ada.change(ada.said("hello")), bob.change(bob.said("stop"))))
    assert await _stopped(database) == {ADA.user_id: None, BOB.user_id: "stop_word"}


@pytest.mark.parametrize("unusual", ["enabled = false", "state = 'held'", "state = 'connecting'"])
async def test_a_number_that_does_not_send_hears_the_word_all_the_same(database: Database, unusual: str) -> None:
    letters = Letters(await connected_number(database))
    await change(database, f"UPDATE integrations SET {unusual}")  # noqa: S608 - the words above
    await take_in(database, letters.message("stop"))
    assert await _stopped(database) == {ADA.user_id: "stop_word"}


async def test_a_numbers_own_words_take_the_place_of_the_known_ones_until_they_are_taken_back(
    database: Database,
) -> None:
    number = await connected_number(database)
    letters = Letters(number)

    async def hears(words: dict[str, dict[str, list[str]]] | None, said: str) -> bool:
        await change(database, "DELETE FROM consents")
        await change(database, "UPDATE contacts SET marketing_stopped_at = NULL")
        await set_stop_words(
            database, organization_id=number.organization_id, integration_id=number.integration_id, words=words
        )
        await take_in(database, letters.message(said))
        return await _stopped(database) == {ADA.user_id: "stop_word"}

    own = {"nl": {"stop": ["Geen reclame"], "start": []}}
    assert await hears(own, "geen reclame!")
    assert not await hears(own, "STOP")
    assert not await hears({}, "STOP")
    assert await hears(None, "STOP")
    assert not await hears(None, "geen reclame")


def _chooses(number: Number, value: str, **person: Any) -> bytes:
    letters = Letters(number)
    change = letters.change()
    change["field"] = "user_preferences"
    choice = {"category": "marketing_messages", "value": value, "timestamp": int(ago(seconds=30).timestamp())}
    change["value"]["user_preferences"] = [choice | person]
    return letters.body(change)


@pytest.mark.parametrize("written", ["before", "with it", "after", "never"])
async def test_a_choice_counts_whether_the_customer_writes_before_it_or_after_it(
    database: Database, written: str
) -> None:
    number = await connected_number(database)
    letters, choice = Letters(number), _chooses(number, "stop", wa_id=ADA.wa_id, user_id=ADA.user_id)
    hello = letters.message("hello")
    if written == "before":
        await take_in(database, hello)
        await take_in(database, choice)
    elif written == "with it":
        await take_in(database, choice, hello)
    else:
        await take_in(database, choice)
        if written == "after":
            await take_in(database, hello)
    assert await _stopped(database) == {ADA.user_id: "preference"}
    assert len(await rows(database, "SELECT id FROM contacts")) == 1


async def test_who_signs_up_by_the_businesss_link_has_asked_for_it(database: Database) -> None:
    number = await connected_number(database)
    await take_in(database, _chooses(number, "signup", user_id=ADA.user_id, signup_id="131"))
    (told,) = await rows(database, _HISTORY)
    assert (told.choice, told.source) == ("opt_in", "preference")
    assert told.note == "They signed up by the business's link in WhatsApp."
    (contact,) = await rows(database, "SELECT marketing_opted_in_at, marketing_stopped_at FROM contacts")
    assert (contact.marketing_opted_in_at, contact.marketing_stopped_at) == (told.told_at, None)


async def test_a_refusal_names_the_message_that_was_refused_for_it(database: Database) -> None:
    sent = await sent_from(database)
    message = await sent.message("accepted", wamid="w1", category="marketing")
    await sent.told(sent.letters.status("w1", "failed", code=131050))
    (told,) = await rows(database, "SELECT * FROM consents")
    assert (told.choice, told.source, told.message_id) == ("stop", "status", message)
    (attempt,) = await rows(database, "SELECT claimed_at FROM message_attempts")
    assert told.told_at == attempt.claimed_at


async def test_words_of_the_same_customers_in_two_intakes_do_not_wait_for_each_other(database: Database) -> None:
    number = await connected_number(database)
    ada, bob = Letters(number, ADA), Letters(number, BOB)
    await take_in(database, ada.message(), bob.message())
    contacts = sorted(row.id for row in await rows(database, "SELECT id FROM contacts"))
    await arrive(database, ada.body(bob.change(bob.said("stop")), ada.change(ada.said("stop"))))
    async with database.transaction() as other:
        await consents.lock(other, contacts[:1])
        applying = asyncio.create_task(process(database, limit=10))
        await asyncio.sleep(0.3)
        assert not applying.done()
        await consents.lock(other, contacts[1:])
    await applying
    assert await outcomes(database) == {"applied": 4}
    assert await _stopped(database) == {ADA.user_id: "stop_word", BOB.user_id: "stop_word"}
