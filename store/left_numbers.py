"""Phone numbers that a contact has left: Meta told of another one since, and the old one may have a new owner."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_LEFT = text("""
    SELECT t.renewed_at FROM contact_identities i JOIN contacts t ON t.id = i.contact_id
    WHERE i.organization_id = :organization_id AND i.kind = 'wa_id' AND i.value = :wa_id
      AND (i.told_at IS NULL OR i.told_at < t.renewed_at) AND t.renewed_at IS NOT NULL
""")


async def left_at(connection: AsyncConnection, organization_id: UUID, wa_id: str | None) -> datetime | None:
    """When the contact that is known by this number has changed to another; None: it is still theirs, or nobody's."""
    values = {"organization_id": organization_id, "wa_id": wa_id}
    left: datetime | None = (await connection.execute(_LEFT, values)).scalar_one_or_none()
    return left
