"""A merge and whoever else is at work with the same contacts: nobody is lost on the way, nobody waits in a ring."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from intake.batches import process
from store import contacts, media_uploads, nudges, statuses
from store.contacts import Party
from store.engine import Database
from store.ids import new_id
from store.media_uploads import Wanted
from store.merging import MovedError
from tests.intake.letters import ADA, Letters, ago, arrive, take_in
from tests.intake.people import BSUID_ONLY, OPEN, are_one, two_halves
from tests.rows import Number, blocked, change, connected_number, queued, row, rows
from whatsapp.events import Sender


async def test_a_message_that_waits_for_a_conversation_that_is_being_merged_goes_where_that_went(
    database: Database,
) -> None:
    number = await connected_number(database)
    older, younger = await two_halves(database, number)
    await arrive(database, Letters(number, BSUID_ONLY).message("meanwhile", wamid="w4"))
    async with database.transaction() as merging:
        await merging.execute(text("SELECT FROM conversations WHERE id = :id FOR NO KEY UPDATE"), {"id": younger})
        applying = asyncio.create_task(_until_applied(database))
        await blocked(database)
        values = {"older": older, "younger": younger}
        for statement in (
            "UPDATE contact_identities SET contact_id = (SELECT contact_id FROM conversations WHERE id = :older)",
            "UPDATE conversations SET merged_into = :older WHERE id = :younger",
        ):
            await merging.execute(text(statement), {key: values[key] for key in values if f":{key}" in statement})
    await applying
    (message,) = await rows(database, "SELECT conversation_id FROM messages WHERE wamid = 'w4'")
    assert message.conversation_id == older


async def _until_applied(database: Database) -> None:
    """As intake's loop: what was in the way of another transaction is tried again."""
    async with asyncio.timeout(40):
        while True:
            try:
                if not (await process(database, limit=10)).events:
                    return
            except MovedError:
                continue


def _named_as_both(number: Number) -> Party:
    return Party(
        number.organization_id, number.integration_id, Sender(ADA.wa_id, ADA.user_id, None, None), ago(seconds=2)
    )


async def test_a_conversation_that_begins_while_its_contact_is_merged_is_the_other_ones(database: Database) -> None:
    number = await connected_number(database)
    second = await connected_number(database, digits="15550002")
    for table in ("integrations", "wabas"):
        owner = number.organization_id
        await change(database, f"UPDATE {table} SET organization_id = :owner", owner=owner)  # noqa: S608
    older, _ = await two_halves(database, number)
    await arrive(database, Letters(second, BSUID_ONLY).message("to the other number", wamid="w4"))
    async with database.transaction() as merging:
        await contacts.conversations_of(merging, [_named_as_both(number)])
        applying = asyncio.create_task(_until_applied(database))
        await blocked(database)
    await applying
    begun, kept = await rows(database, "SELECT contact_id FROM conversations WHERE merged_into IS NULL")
    assert begun.contact_id == kept.contact_id == (await row(database, "conversations", older)).contact_id


async def test_a_merge_and_who_writes_to_several_of_its_messages_do_not_wait_for_each_other(database: Database) -> None:
    number = await connected_number(database)
    _, younger = await two_halves(database, number)
    low, high = [await queued(database, number, younger) for _ in range(2)]
    late = (
        "UPDATE messages SET created_at = created_at + interval '1 hour' WHERE id = :id"  # found last, but for its id
    )
    await change(database, late, id=low)
    touch = text("UPDATE messages SET reason = 'looked at' WHERE id = :id")
    async with database.transaction() as writing:
        await writing.execute(touch, {"id": low})
        merging = asyncio.create_task(are_one(database, number))
        await blocked(database)
        await writing.execute(touch, {"id": high})
    await merging
    assert len(await rows(database, OPEN)) == 1


async def _merges(connection: AsyncConnection, younger: UUID, older: UUID) -> None:
    """What a merge does to a conversation and its messages."""
    for statement in (
        "UPDATE conversations SET merged_into = :older WHERE id = :younger",
        "UPDATE messages SET conversation_id = :older WHERE conversation_id = :younger",
    ):
        await connection.execute(text(statement), {"older": older, "younger": younger})


async def test_a_status_that_waits_to_be_joined_while_its_message_is_merged_away_is_joined_later(
    database: Database,
) -> None:
    number = await connected_number(database)
    older, younger = await two_halves(database, number)
    message_id = await queued(database, number, younger, state="unknown", attempt=1, claimed_at=ago(seconds=9))
    letters = Letters(number, BSUID_ONLY)
    await take_in(database, letters.statuses(letters.status("w9", "sent")))
    posted = "INSERT INTO message_attempts (message_id, attempt, organization_id, state, claimed_at, wamid) "
    posted += "SELECT id, 1, organization_id, 'unknown', claimed_at, 'w9' FROM messages WHERE id = :id"
    await change(database, posted, id=message_id)
    async with database.transaction() as merging:
        await _merges(merging, younger, older)
        joining = asyncio.create_task(statuses.rematch(database))
        await blocked(database)
    with pytest.raises(MovedError):
        await joining
    assert (await row(database, "messages", message_id)).state == "unknown"
    assert await statuses.rematch(database) == 1
    assert (await row(database, "messages", message_id)).state == "accepted"


async def _put_off(database: Database, wanted: Wanted) -> None:
    await media_uploads.later(database, wanted, "why")


async def _refused(database: Database, wanted: Wanted) -> None:
    await media_uploads.failed(database, wanted, "why", code=131053, detail=None)


async def _uploaded(database: Database, wanted: Wanted) -> None:
    await media_uploads.uploaded(database, wanted, "4490709327384033")


@pytest.mark.parametrize(
    ("write", "became"),
    [(_put_off, ("queued", "media", "why")), (_refused, ("failed", None, "why")), (_uploaded, ("queued", None, None))],
)
async def test_what_becomes_of_an_upload_is_written_under_the_lock_of_the_conversation_that_its_message_went_to(
    database: Database, write: Callable[[Database, Wanted], Coroutine[Any, Any, None]], became: tuple[str | None, ...]
) -> None:
    number = await connected_number(database)
    older, younger = await two_halves(database, number)
    media_id = new_id()
    columns = "id, organization_id, direction, kind, state"
    kept = f"INSERT INTO media ({columns}) VALUES (:id, :owner, 'out', 'image', 'stored')"  # noqa: S608
    await change(database, kept, id=media_id, owner=number.organization_id)
    message_id = await queued(database, number, younger, type="image", media_id=media_id, hold="media")
    wanted = await media_uploads.begin(database, media_id, number.integration_id)
    assert wanted is not None
    async with database.transaction() as looking:
        await nudges.lock(looking, [older])
        async with database.transaction() as merging:
            await _merges(merging, younger, older)
            writing = asyncio.create_task(write(database, wanted))
            await blocked(database)
        await blocked(database)
        before = await row(database, "messages", message_id)
        assert (before.hold, before.reason) == ("media", None)
    await writing
    now = await row(database, "messages", message_id)
    assert (now.state, now.hold, now.reason) == became
