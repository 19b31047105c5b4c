"""A merge and whoever else is at work with the same contacts: nobody is lost on the way, nobody waits in a ring."""

import asyncio

from sqlalchemy import text

from intake.batches import process
from store import contacts
from store.contacts import Party
from store.engine import Database
from store.merging import MovedError
from tests.intake.letters import ADA, Letters, ago, arrive
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
