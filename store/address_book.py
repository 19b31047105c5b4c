"""Contacts out of the business's own address book: known by name before they write. Nobody's conversation begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.ids import new_id

# In the order of their keys, as everywhere where identities are made. A name that WhatsApp itself told stays.
_CREATE = text("""
    WITH listed AS MATERIALIZED (
      SELECT DISTINCT ON (organization_id, wa_id) *
      FROM unnest(CAST(:organizations AS uuid[]), CAST(:wa_ids AS text[]), CAST(:names AS text[]),
                  CAST(:contacts AS uuid[]), CAST(:ids AS uuid[])) WITH ORDINALITY
        AS l (organization_id, wa_id, name, contact_id, id, n)
      ORDER BY organization_id, wa_id, n DESC
    ), missing AS MATERIALIZED (
      SELECT l.* FROM listed l
      WHERE NOT EXISTS (SELECT FROM contact_identities i
                        WHERE i.organization_id = l.organization_id AND i.kind = 'wa_id' AND i.value = l.wa_id)
    ), created AS (
      INSERT INTO contacts (id, organization_id, profile_name)
      SELECT contact_id, organization_id, name FROM missing
    )
    INSERT INTO contact_identities (id, organization_id, kind, value, contact_id)
    SELECT id, organization_id, 'wa_id', wa_id, contact_id FROM missing ORDER BY organization_id, wa_id
    ON CONFLICT (organization_id, kind, value) DO NOTHING
    RETURNING contact_id
""")

_DELETE_UNIDENTIFIED = text("""
    DELETE FROM contacts t WHERE id = ANY(CAST(:contacts AS uuid[]))
      AND NOT EXISTS (SELECT FROM contact_identities i WHERE i.contact_id = t.id)
""")

_NAME = text("""
    WITH named AS MATERIALIZED (
      SELECT t.id, l.name
      FROM unnest(CAST(:organizations AS uuid[]), CAST(:wa_ids AS text[]), CAST(:names AS text[]))
        AS l (organization_id, wa_id, name)
      JOIN contact_identities i ON i.organization_id = l.organization_id AND i.kind = 'wa_id' AND i.value = l.wa_id
      JOIN contacts t ON t.id = i.contact_id
      WHERE t.profile_name IS NULL ORDER BY t.id FOR NO KEY UPDATE OF t
    )
    UPDATE contacts t SET profile_name = n.name FROM named n WHERE t.id = n.id
""")


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody in an address book."""

    organization_id: UUID
    wa_id: str
    name: str


async def store_contacts(connection: AsyncConnection, listed: Sequence[Listed]) -> None:
    """Make contacts of these, and give a name to those that have none. Done twice, nothing changes."""
    if not listed:
        return
    values = {
        "organizations": [one.organization_id for one in listed],
        "wa_ids": [one.wa_id for one in listed],
        "names": [one.name for one in listed],
    }
    contacts = [new_id() for _ in listed]
    created = set(
        (
            await connection.execute(_CREATE, {**values, "contacts": contacts, "ids": [new_id() for _ in listed]})
        ).scalars()
    )
    if len(created) < len(contacts):
        lost = [contact for contact in contacts if contact not in created]
        await connection.execute(_DELETE_UNIDENTIFIED, {"contacts": lost})
    await connection.execute(_NAME, values)
