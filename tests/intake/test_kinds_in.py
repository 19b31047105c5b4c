"""Every kind of message that comes in: stored whole, its file noted, what it says of others read from it."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from store import onboarding_live, turns
from store.engine import Database
from store.paging import PageRequest
from store.reading.messages import Message, list_messages, message_story
from store.turn_facts import Rules
from tests.intake.kinds_in import ABOUT_ANOTHER, FILES, KINDS_IN, NOT_ANSWERED, ORIGINAL, SHA256
from tests.intake.letters import ADA, BOB, Letters, ago, outcomes, take_in
from tests.rows import change, connected_number, queued, row, rows

_STORED = "SELECT * FROM messages WHERE wamid = 'wamid.kind'"


def _parts(message: dict[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in message.items() if key != "type"}


def _letter(letters: Letters, name: str, **more: Any) -> bytes:
    """A body with a message of a kind, and with nothing that a text has."""
    said = letters.said(wamid="wamid.kind", **more)
    bare = {key: part for key, part in said.items() if key not in ("text", "type")}
    return letters.body(letters.change(bare | KINDS_IN[name]))


@pytest.mark.parametrize("name", KINDS_IN)
async def test_each_kind_is_stored_whole_with_what_it_is_about(database: Database, name: str) -> None:
    letters, message = Letters(await connected_number(database)), KINDS_IN[name]
    body = _letter(letters, name)
    await take_in(database, body, body)
    assert await outcomes(database) == {"applied": 1, "duplicate": 1}
    (stored,) = await rows(database, _STORED)
    assert stored.type == message.get("type", "unknown")
    assert stored.content == _parts(message)
    assert stored.about_wamid == (ORIGINAL if name in ABOUT_ANOTHER else None)
    assert stored.state == ("kept" if name in NOT_ANSWERED else "received")
    (conversation,) = await rows(database, "SELECT * FROM conversations")
    assert (conversation.window_opened_at is None) == (name in NOT_ANSWERED)
    files = await rows(database, "SELECT * FROM media WHERE message_id = :id", id=stored.id)
    assert len(files) == (name in FILES)


@pytest.mark.parametrize("name", KINDS_IN)
async def test_each_kind_is_read_in_words(database: Database, name: str) -> None:
    letters = Letters(await connected_number(database))
    await take_in(database, _letter(letters, name))
    (stored,) = await rows(database, _STORED)
    story = await message_story(database, letters.number.organization_id, stored.id)
    assert story.message.in_words
    assert "None" not in story.message.in_words
    assert story.original is None


async def test_a_customers_file_is_noted_to_be_fetched_for_as_long_as_meta_keeps_it(database: Database) -> None:
    letters, at = Letters(await connected_number(database)), ago(hours=1)
    await take_in(database, _letter(letters, "document", at=at))
    (stored,) = await rows(database, _STORED)
    (file,) = await rows(database, "SELECT * FROM media")
    assert (file.message_id, file.conversation_id, file.integration_id) == (
        stored.id,
        stored.conversation_id,
        letters.number.integration_id,
    )
    assert (file.direction, file.kind, file.state) == ("in", "document", "waiting")
    assert (file.meta_media_id, file.mime_type, file.filename) == ("1013859600285445", "application/pdf", "order.pdf")
    assert file.sha256 == base64.b64decode(SHA256)
    assert file.fetch_before == at + timedelta(days=7)


async def test_a_file_that_nobody_answers_to_is_fetched_all_the_same(database: Database) -> None:
    letters = Letters(await connected_number(database))
    await take_in(database, _letter(letters, "image", group_id="g1"))
    (stored,) = await rows(database, _STORED)
    assert stored.state == "kept"
    assert [file.message_id for file in await rows(database, "SELECT * FROM media")] == [stored.id]
    (due,) = await rows(database, "SELECT due_at <= clock_timestamp() AS now FROM conversations")
    assert due.now


async def test_the_file_of_an_answer_by_hand_is_fetched_too(database: Database) -> None:
    letters = Letters(await connected_number(database))
    await take_in(database, letters.echo(id="wamid.kind", **KINDS_IN["image"]))
    (stored,) = await rows(database, _STORED)
    assert [file.message_id for file in await rows(database, "SELECT * FROM media")] == [stored.id]


async def test_a_file_of_a_number_that_is_being_connected_waits_until_it_is_live(database: Database) -> None:
    letters = Letters(await connected_number(database, state="connecting"))
    await take_in(database, _letter(letters, "image", group_id="g1"))
    (stored,) = await rows(database, _STORED)
    assert stored.state == "kept", "there is nothing but the file to look for"
    (file,) = await rows(database, "SELECT * FROM media")
    (conversation,) = await rows(database, "SELECT * FROM conversations")
    assert conversation.due_at is None

    assert await onboarding_live.release(database, letters.number.integration_id) == "live"
    (conversation,) = await rows(database, "SELECT * FROM conversations")
    assert conversation.due_at is not None
    looked = await turns.look(database, conversation.id, rules=Rules())
    assert looked is not None
    assert looked[1].files == [file.id]


async def _said(database: Database, letters: Letters, wamid: str) -> Message:
    (found,) = await rows(database, "SELECT id, conversation_id FROM messages WHERE wamid = :wamid", wamid=wamid)
    page = await list_messages(database, letters.number.organization_id, found.conversation_id, PageRequest())
    message = next(one for one in page.items if one.id == found.id)
    story = await message_story(database, letters.number.organization_id, found.id)
    assert story.message == message
    return message


def _reaction(letters: Letters, emoji: str | None, *, second: int) -> bytes:
    part = {"message_id": "w1"} | ({} if emoji is None else {"emoji": emoji})
    return letters.message(at=ago(seconds=60 - second), type="reaction", reaction=part)


async def test_a_message_tells_the_reactions_that_are_on_it_now(database: Database) -> None:
    number = await connected_number(database)
    ada, bob = Letters(number, ADA), Letters(number, BOB)
    told = [
        ada.message("Anybody hungry?", wamid="w1", group_id="g1"),
        _reaction(ada, "❤️", second=3),
        _reaction(ada, "👍", second=1),
        _reaction(bob, "😂", second=2),
    ]
    for body in told[::-1]:
        await take_in(database, body)
    message = await _said(database, ada, "w1")
    assert [(one.emoji, one.by) for one in message.reactions] == [("😂", "customer"), ("❤️", "customer")]
    assert len({one.contact_id for one in message.reactions}) == 2

    await take_in(
        database, _reaction(ada, None, second=5), _reaction(bob, "", second=6), _reaction(ada, "🎉", second=4)
    )
    assert (await _said(database, ada, "w1")).reactions == []


async def test_the_business_own_reaction_counts_once_meta_has_it(database: Database) -> None:
    number = await connected_number(database)
    letters = Letters(number)
    await take_in(database, letters.message(wamid="w1"))
    (conversation,) = await rows(database, "SELECT * FROM conversations")
    content = {"reaction": {"message_id": "w1", "emoji": "🥖"}}
    reaction = await queued(database, number, conversation.id, type="reaction", content=content, about_wamid="w1")
    assert (await _said(database, letters, "w1")).reactions == []
    await change(database, "UPDATE messages SET state = 'accepted' WHERE id = :id", id=reaction)
    ((emoji, by),) = [(one.emoji, one.by) for one in (await _said(database, letters, "w1")).reactions]
    assert (emoji, by) == ("🥖", "business")


def _edit(letters: Letters, words: str, *, second: int) -> bytes:
    edited = {"original_message_id": "w1", "message": {"type": "text", "text": {"body": words}}}
    return letters.message(at=ago(seconds=60 - second), type="edit", edit=edited)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_an_edited_message_says_what_it_says_now_whichever_came_first(
    database: Database, order: tuple[int, ...]
) -> None:
    letters = Letters(await connected_number(database))
    context = {"context": {"from": "15550001", "id": "w0"}}
    bodies = [
        letters.message("two loafs", wamid="w1", at=ago(seconds=60), **context),
        _edit(letters, "two loaves", second=1),
        _edit(letters, "three loaves", second=2),
    ]
    await take_in(database, letters.message("What may it be?", wamid="w0"), *(bodies[n] for n in order))
    message = await _said(database, letters, "w1")
    assert (message.in_words, message.edited_at is None) == ("three loaves", False)
    assert message.content == {"text": {"body": "three loaves"}, **context}
    assert message.replies_to is not None
    assert message.replies_to.message_id is not None
    story = await message_story(database, letters.number.organization_id, message.id)
    assert story.original == {"text": {"body": "two loafs"}, **context}
    assert (await row(database, "messages", message.id)).content == story.original


@pytest.mark.parametrize("first", ["message", "deletion"])
async def test_a_deleted_message_tells_when_whichever_came_first(database: Database, first: str) -> None:
    letters, at = Letters(await connected_number(database)), ago(seconds=5)
    deletion = letters.message(wamid="w2", at=at, type="revoke", revoke={"original_message_id": "w1"})
    bodies = [letters.message(wamid="w1"), deletion]
    await take_in(database, *(bodies if first == "message" else bodies[::-1]))
    assert (await _said(database, letters, "w1")).revoked_at == at
    about = (await _said(database, letters, "w2")).about
    assert about is not None
    assert (about.wamid, about.message_id is None) == ("w1", False)


async def test_nobody_changes_or_deletes_what_another_wrote(database: Database) -> None:
    number = await connected_number(database)
    ada, bob = Letters(number, ADA), Letters(number, BOB)
    deletion = bob.message(type="revoke", revoke={"original_message_id": "w1"})
    await take_in(database, ada.message("mine", wamid="w1"), _edit(bob, "yours", second=1), deletion)
    message = await _said(database, ada, "w1")
    assert (message.in_words, message.edited_at, message.revoked_at) == ("mine", None, None)


async def test_what_a_message_answers_is_named_also_where_it_is_not_known(database: Database) -> None:
    letters = Letters(await connected_number(database))
    context = {"from": "15550001", "id": "wamid.of.long.ago"}
    await take_in(database, letters.message(wamid="w1", context=context))
    replies_to = (await _said(database, letters, "w1")).replies_to
    assert replies_to is not None
    assert (replies_to.wamid, replies_to.message_id) == ("wamid.of.long.ago", None)


async def test_what_businesses_cannot_receive_is_shown_in_words(database: Database) -> None:
    letters = Letters(await connected_number(database))
    await take_in(database, _letter(letters, "unsupported"))
    assert (await _said(database, letters, "wamid.kind")).in_words == (
        "A kind of message that businesses cannot receive (poll creation). "
        "WhatsApp does not pass it on: ask the customer to send it in another way."
    )
