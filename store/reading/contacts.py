"""What the API shows of contacts: who they are and how they are reached."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ScalarSelect, Select, or_, select

from store.consents import Source
from store.engine import Database
from store.paging import Keyset, Page, PageRequest
from store.tables import contact_identities, contacts

_ORDER = Keyset("contacts", contacts.c.id)


@dataclass(frozen=True, slots=True)
class Contact:
    """A person who writes to one of the organization's numbers."""

    id: UUID
    profile_name: str | None
    username: str | None
    phone_number: str | None
    """With "+"; null for those who show only a username."""
    user_id: str | None
    """Meta's id of this person for this business (BSUID)."""
    marketing_stopped_at: datetime | None
    """Since when they want no marketing; null: they have not said so, or want it again."""
    marketing_opted_in_at: datetime | None
    """Since when they ask for marketing; null: nobody has recorded it."""
    marketing_source: Source | None
    """What told of it last: Meta's answer to a message, a failed status, their choice in WhatsApp, a word that they
    wrote, the business's software or a person."""
    created_at: datetime


def identity(kind: Literal["wa_id", "bsuid"]) -> ScalarSelect[Any]:
    """The identity of this kind that the contact in the surrounding query has now: as `store.identities.current`."""
    query = select(contact_identities.c.value).where(
        contact_identities.c.contact_id == contacts.c.id,
        contact_identities.c.organization_id == contacts.c.organization_id,
        contact_identities.c.kind == kind,
        or_(contacts.c.renewed_at.is_(None), contact_identities.c.told_at >= contacts.c.renewed_at),
    )
    latest = (contact_identities.c.told_at.desc().nulls_last(), contact_identities.c.created_at.desc())
    return query.order_by(*latest).limit(1).correlate(contacts).scalar_subquery()


def phone_number(wa_id: str | None) -> str | None:
    """A phone number as people write it, of a wa_id."""
    return None if wa_id is None else f"+{wa_id}"


async def list_contacts(database: Database, organization_id: UUID, wanted: PageRequest) -> Page[Contact]:
    """The organization's contacts, the newest first."""
    async with database.transaction() as connection:
        return await _ORDER.page(connection, _query(organization_id), wanted, make=_contact)


def _query(organization_id: UUID) -> Select[Any]:
    return select(
        contacts.c.id,
        contacts.c.profile_name,
        contacts.c.username,
        identity("wa_id").label("wa_id"),
        identity("bsuid").label("user_id"),
        contacts.c.marketing_stopped_at,
        contacts.c.marketing_opted_in_at,
        contacts.c.marketing_source,
        contacts.c.created_at,
    ).where(contacts.c.organization_id == organization_id, contacts.c.merged_into.is_(None))


def _contact(row: Any) -> Contact:
    return Contact(
        id=row["id"],
        profile_name=row["profile_name"],
        username=row["username"],
        phone_number=phone_number(row["wa_id"]),
        user_id=row["user_id"],
        marketing_stopped_at=row["marketing_stopped_at"],
        marketing_opted_in_at=row["marketing_opted_in_at"],
        marketing_source=row["marketing_source"],
        created_at=row["created_at"],
    )
