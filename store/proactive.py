"""Writing first: a template to a person by phone number or BSUID, who becomes a contact by it if they are none yet."""

from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from store import contacts, outbox
from store.contacts import Party
from store.engine import Database
from store.errors import ConflictError, InvalidRequestError, NotFoundError
from store.left_numbers import left_at
from store.outbox import Draft
from store.tables import conversations, integrations
from whatsapp.events import Sender


@dataclass(frozen=True, slots=True)
class Addressee:
    """A person, by phone number (digits) or BSUID: exactly one of these; and from which number they are written to.

    Neither `integration_id` nor `phone_number_id`: from the only one that the organization has.
    """

    wa_id: str | None = None
    user_id: str | None = None
    integration_id: UUID | None = None
    phone_number_id: str | None = None


@dataclass(frozen=True, slots=True)
class WrittenFirst:
    """A message on its way to somebody who need not have written before, as it was when it was first queued."""

    message_id: UUID
    conversation_id: UUID
    contact_id: UUID
    integration_id: UUID
    queued_at: datetime
    state: str = "queued"


async def queue_first(
    database: Database,
    *,
    organization_id: UUID,
    to: Addressee,
    draft: Draft,
    author: Literal["api", "person"] = "api",
    idempotency_key: str | None = None,
) -> WrittenFirst:
    """Queue a message to a person; contact, identity and conversation are made in the same transaction if need be.

    Nothing is made when it is refused, and one contact of two requests that come at once. The same key with the same
    request answers what it answered first.

    Raises:
        InvalidRequestError: what is sent cannot be sent, the number is not clear, or its contact has another one now.
        IdempotencyKeyReusedError: the key came before, with something else.
        NotFoundError: the organization has no such number.
        OptedOutError: it is marketing, which this contact has stopped.
        ConflictError: the number is disconnected, or the organization has none.
    """
    queued = await outbox.queue_to(
        database,
        organization_id=organization_id,
        find=partial(_conversation, organization_id=organization_id, to=to),
        named={"first": asdict(to)},
        draft=draft,
        author=author,
        idempotency_key=idempotency_key,
    )
    query = select(conversations.c.contact_id, conversations.c.integration_id).where(
        conversations.c.id == queued.conversation_id, conversations.c.organization_id == organization_id
    )
    async with database.transaction() as connection:
        talk = (await connection.execute(query)).one()
    return WrittenFirst(
        queued.message_id, queued.conversation_id, talk.contact_id, talk.integration_id, queued.queued_at
    )


async def _conversation(connection: AsyncConnection, *, organization_id: UUID, to: Addressee) -> UUID:
    integration_id = await _number(connection, organization_id, to)
    # What is sent to a contact goes where they are reached now: a code for this number's owner to another phone.
    if await left_at(connection, organization_id, to.wa_id) is not None:
        raise InvalidRequestError(
            "to: the contact with this phone number has changed to another one.",
            next_step="Name the contact by user_id; whoever has the number now has to write first.",
        )
    person = Sender(to.wa_id, to.user_id, profile_name=None, username=None)
    (conversation_id,) = await contacts.conversations_of(connection, [Party(organization_id, integration_id, person)])
    return conversation_id


async def _number(connection: AsyncConnection, organization_id: UUID, to: Addressee) -> UUID:
    query = select(integrations.c.id, integrations.c.state).where(integrations.c.organization_id == organization_id)
    if to.integration_id is not None:
        query = query.where(integrations.c.id == to.integration_id)
    if to.phone_number_id is not None:
        query = query.where(integrations.c.phone_number_id == to.phone_number_id)
    rows = (await connection.execute(query)).all()
    connected: list[UUID] = [row.id for row in rows if row.state != "disconnected"]
    if len(connected) == 1:
        return connected[0]
    if connected:
        raise InvalidRequestError(
            "The organization has several numbers: name one by integration_id or phone_number_id."
        )
    if to.integration_id is None and to.phone_number_id is None:
        raise ConflictError("The organization has no connected number.", next_step="Connect one first.")
    if rows:
        raise ConflictError("The number is disconnected.", next_step="Connect it again, or name another one.")
    raise NotFoundError("There is no such number.")
