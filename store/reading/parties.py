"""Between whom a message goes: which number of ours, which contact."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func

from store.reading.contacts import identity, phone_number
from store.tables import contacts, conversations, integrations, messages


@dataclass(frozen=True, slots=True)
class Parties:
    """A number of ours and a contact."""

    integration_id: UUID
    phone_number: str
    """Ours."""
    phone_number_id: str
    contact_id: UUID
    contact_name: str | None
    contact_phone_number: str | None
    contact_user_id: str | None


def with_parties(query: Select[Any]) -> Select[Any]:
    """A query over messages that selects their parties too."""
    return (
        query.add_columns(
            messages.c.integration_id,
            *(integrations.c.phone_number, integrations.c.phone_number_id),
            conversations.c.contact_id,
            func.coalesce(contacts.c.profile_name, contacts.c.username).label("contact_name"),
            identity("wa_id").label("wa_id"),
            identity("bsuid").label("user_id"),
        )
        .join(integrations, integrations.c.id == messages.c.integration_id)
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .join(contacts, contacts.c.id == conversations.c.contact_id)
    )


def parties_of(row: Any) -> Parties:
    """The parties of a row of such a query."""
    return Parties(
        integration_id=row["integration_id"],
        phone_number=row["phone_number"],
        phone_number_id=row["phone_number_id"],
        contact_id=row["contact_id"],
        contact_name=row["contact_name"],
        contact_phone_number=phone_number(row["wa_id"]),
        contact_user_id=row["user_id"],
    )
