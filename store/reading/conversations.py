"""What the API shows of conversations: with whom, who is in charge, and whether the 24-hour window is open."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from store.engine import Database
from store.errors import MergedError, NotFoundError
from store.paging import Keyset, Page, PageRequest
from store.reading.contacts import identity, phone_number
from store.tables import contacts, conversations, integrations
from whatsapp.window import closes_at, is_open

_ORDER = Keyset("conversations", conversations.c.last_message_at, conversations.c.id)


@dataclass(frozen=True, slots=True)
class Conversation:
    """One contact with one number."""

    id: UUID
    phone_number: str
    """Ours: the number the contact writes to."""
    phone_number_id: str
    contact_id: UUID
    contact_name: str | None
    contact_phone_number: str | None
    contact_user_id: str | None
    in_charge: str
    """`bot` or `person`."""
    in_charge_reason: str | None
    in_charge_since: datetime | None
    window_open: bool
    window_closes_at: datetime | None
    window_seconds_left: int
    template_required: bool
    """The window is closed: only a template may be sent."""
    last_message_at: datetime
    created_at: datetime


async def list_conversations(database: Database, organization_id: UUID, wanted: PageRequest) -> Page[Conversation]:
    """The organization's conversations, the one with the latest message first.

    One that gets a message while its list is paged through moves to the top and is not seen again further down.
    """
    query = (
        select(
            conversations,
            integrations.c.phone_number,
            integrations.c.phone_number_id,
            func.coalesce(contacts.c.profile_name, contacts.c.username).label("contact_name"),
            identity("wa_id").label("wa_id"),
            identity("bsuid").label("user_id"),
            func.clock_timestamp().label("now"),
        )
        .join(integrations, integrations.c.id == conversations.c.integration_id)
        .join(contacts, contacts.c.id == conversations.c.contact_id)
        .where(
            conversations.c.organization_id == organization_id,
            conversations.c.last_message_at.is_not(None),
            conversations.c.merged_into.is_(None),
        )
    )
    async with database.transaction() as connection:
        return await _ORDER.page(connection, query, wanted, make=_conversation)


async def check_conversation(connection: AsyncConnection, organization_id: UUID, conversation_id: UUID) -> None:
    """Nothing, when the organization has this conversation.

    Raises:
        NotFoundError: it has not.
        MergedError: it went into another one.
    """
    query = select(conversations.c.merged_into).where(
        conversations.c.id == conversation_id, conversations.c.organization_id == organization_id
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFoundError("There is no such conversation.")
    if row.merged_into is not None:
        raise MergedError(f"This conversation went into {row.merged_into}.", merged_into=row.merged_into)


def _conversation(row: Any) -> Conversation:
    opened_at: datetime | None = row["window_opened_at"]
    open_now = is_open(opened_at, row["now"])
    closing = None if opened_at is None else closes_at(opened_at)
    left = closing - row["now"] if closing is not None and open_now else timedelta(0)
    return Conversation(
        id=row["id"],
        phone_number=row["phone_number"],
        phone_number_id=row["phone_number_id"],
        contact_id=row["contact_id"],
        contact_name=row["contact_name"],
        contact_phone_number=phone_number(row["wa_id"]),
        contact_user_id=row["user_id"],
        in_charge=row["in_charge"],
        in_charge_reason=row["in_charge_reason"],
        in_charge_since=row["in_charge_since"],
        window_open=open_now,
        window_closes_at=closing,
        window_seconds_left=int(left.total_seconds()),
        template_required=not open_now,
        last_message_at=row["last_message_at"],
        created_at=row["created_at"],
    )
