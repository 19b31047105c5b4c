"""Two transactions in each other's way: the order of locks that keeps them from waiting for each other in a ring."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from intake.batches import process
from store import integrations, nudges, routes, statuses
from store.engine import Database
from store.ids import new_id
from store.tables import contact_identities, contacts, message_attempts
from tests.intake.letters import ADA, BOB, Letters, ago, arrive, outcomes, stamp
from tests.rows import Number, blocked, change, connected_number, conversation, queued, row, rows

_TOUCH = text("UPDATE messages SET reason = 'looked at' WHERE id = :id")


async def _unknown(database: Database, number: Number, conversation_id: UUID) -> UUID:
    message = await queued(database, number, conversation_id, state="unknown", attempt=1, claimed_at=ago(seconds=9))
    async with database.transaction() as connection:
        await connection.execute(
            insert(message_attempts).values(
                message_id=message,
                attempt=1,
                organization_id=number.organization_id,
                state="unknown",
                claimed_at=ago(seconds=9),
            )
        )
    return message


async def test_a_status_and_a_look_at_its_conversation_do_not_wait_for_each_other(database: Database) -> None:
    number = await connected_number(database)
    conversation_id, letters = await conversation(database, number), Letters(number)
    message = await _unknown(database, number, conversation_id)
    await arrive(database, letters.statuses(letters.status("w1", "sent", message=f"{message}.1")))
    async with database.transaction() as looking:
        await nudges.lock(looking, [conversation_id])
        applying = asyncio.create_task(process(database, limit=10))
        await blocked(database)
        await looking.execute(_TOUCH, {"id": message})
    await applying
    assert (await row(database, "messages", message)).state == "accepted"


async def test_a_joined_status_and_a_look_at_its_conversation_do_not_wait_for_each_other(database: Database) -> None:
    number = await connected_number(database)
    conversation_id, letters = await conversation(database, number), Letters(number)
    message = await _unknown(database, number, conversation_id)
    await arrive(database, letters.statuses(letters.status("w1", "sent")))
    await process(database, limit=10)
    await change(database, "UPDATE message_attempts SET wamid = 'w1'")
    async with database.transaction() as looking:
        await nudges.lock(looking, [conversation_id])
        joining = asyncio.create_task(statuses.rematch(database))
        await blocked(database)
        await looking.execute(_TOUCH, {"id": message})
    assert await joining == 1
    assert (await row(database, "messages", message)).state == "accepted"


async def _create(connection: AsyncConnection, number: Number, contact_id: UUID, wa_id: str | None) -> None:
    await connection.execute(
        insert(contact_identities).values(
            id=new_id(), organization_id=number.organization_id, contact_id=contact_id, kind="wa_id", value=wa_id
        )
    )


async def test_two_intakes_that_create_the_same_contacts_do_not_wait_for_each_other(database: Database) -> None:
    number = await connected_number(database)
    ada, bob = Letters(number, ADA), Letters(number, BOB)
    await arrive(database, bob.body(bob.change(bob.said()), ada.change(ada.said())))
    first, second = new_id(), new_id()
    async with database.transaction() as other:
        for contact_id in (first, second):
            await other.execute(insert(contacts).values(id=contact_id, organization_id=number.organization_id))
        await _create(other, number, first, ADA.wa_id)
        applying = asyncio.create_task(process(database, limit=10))
        await blocked(database)
        await _create(other, number, second, BOB.wa_id)
    await applying
    assert await outcomes(database) == {"applied": 2}
    unidentified = "SELECT id FROM contacts t WHERE NOT EXISTS (SELECT FROM contact_identities WHERE contact_id = t.id)"
    assert await rows(database, f"{unidentified} AND merged_into IS NULL") == []
    assert len(await rows(database, "SELECT id FROM contacts WHERE merged_into IS NULL")) == 2


_LOCK_CONTACT = text("""
    SELECT t.id FROM contacts t JOIN contact_identities i ON i.contact_id = t.id AND i.value = :wa_id
    FOR NO KEY UPDATE OF t
""")


async def test_an_intake_locks_whom_it_renames_and_who_tells_of_marketing_in_one_order(database: Database) -> None:
    number = await connected_number(database)
    ada, bob = Letters(number, ADA), Letters(number, BOB)
    await arrive(database, ada.message(), bob.message())
    await process(database, limit=10)
    renamed = replace(BOB, name="Robert").contact()
    await arrive(database, ada.message("STOP"), bob.body(bob.change(bob.said(), contacts=[renamed])))
    async with database.transaction() as other:
        await other.execute(_LOCK_CONTACT, {"wa_id": ADA.wa_id})
        applying = asyncio.create_task(process(database, limit=10))
        await blocked(database)
        await other.execute(_LOCK_CONTACT, {"wa_id": BOB.wa_id})
    await applying
    told = await rows(database, "SELECT profile_name, marketing_stopped_at IS NOT NULL AS stopped FROM contacts")
    assert {tuple(one) for one in told} == {("Ada", True), ("Robert", False)}


_STORE_STATUS = text("""
    INSERT INTO message_statuses (organization_id, integration_id, wamid, status, meta_timestamp, raw,
                                  webhook_event_id, place)
    VALUES (:organization, :integration, :wamid, 'read', to_timestamp(:at), '{}', 0, 0)
""")


async def test_two_intakes_that_store_the_same_statuses_do_not_wait_for_each_other(database: Database) -> None:
    number, at = await connected_number(database), stamp(None)
    letters = Letters(number)
    told = [letters.status(wamid, "read", timestamp=at) for wamid in ("w2", "w1")]
    await arrive(database, letters.statuses(*told))
    values = {"organization": number.organization_id, "integration": number.integration_id, "at": int(at)}
    async with database.transaction() as other:
        await other.execute(_STORE_STATUS, values | {"wamid": "w1"})
        applying = asyncio.create_task(process(database, limit=10))
        await blocked(database)
        await other.execute(_STORE_STATUS, values | {"wamid": "w2"})
    await applying
    assert await outcomes(database) == {"duplicate": 2}


@pytest.mark.parametrize("unusual", ["connecting", "disabled"])
async def test_a_number_is_not_activated_while_a_message_is_being_stored_as_not_to_be_answered_yet(
    database: Database, unusual: str
) -> None:
    number = await connected_number(database, state="connecting" if unusual == "connecting" else "live")
    organization_id, integration_id = number.organization_id, number.integration_id
    if unusual == "disabled":
        await integrations.set_enabled(
            database, organization_id=organization_id, integration_id=integration_id, enabled=False
        )
    async with database.transaction() as storing:
        await routes.read_routes(storing, phone_number_ids=[number.phone_number_id], waba_ids=[])
        activation = (
            integrations.set_state(
                database, organization_id=organization_id, integration_id=integration_id, state="live"
            )
            if unusual == "connecting"
            else integrations.set_enabled(
                database, organization_id=organization_id, integration_id=integration_id, enabled=True
            )
        )
        activating = asyncio.create_task(activation)
        await blocked(database)
        assert not activating.done()
    await activating
