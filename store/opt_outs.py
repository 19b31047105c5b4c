"""What customers say of marketing messages themselves: stop, or resume. The latest of all that was told counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from whatsapp.events import MarketingChoice


@dataclass(frozen=True, slots=True)
class Chosen:
    """A customer's choice, told to one organization."""

    organization_id: UUID
    choice: MarketingChoice


# Somebody who is no contact yet has chosen nothing here: Meta refuses what is sent to them all the same (131050).
_STORE = text("""
    UPDATE contacts t
    SET marketing_stopped_at = CASE WHEN CAST(:stops AS boolean)
                                 THEN coalesce(t.marketing_stopped_at, CAST(:at AS timestamptz)) END,
        marketing_source = 'preference', marketing_told_at = :at
    WHERE t.id = (SELECT contact_id FROM contact_identities
                  WHERE organization_id = :organization_id
                    AND ((kind = 'bsuid' AND value = :user_id) OR (kind = 'wa_id' AND value = :wa_id))
                  ORDER BY kind LIMIT 1)
      AND coalesce(t.marketing_told_at, '-infinity') < :at
""")


async def store_choices(connection: AsyncConnection, chosen: Sequence[Chosen]) -> None:
    """Keep what contacts have chosen, in the order in which they chose. Told twice, or late, nothing changes."""
    for one in sorted(chosen, key=lambda one: one.choice.timestamp):
        values = {
            "organization_id": one.organization_id,
            "user_id": one.choice.person.user_id,
            "wa_id": one.choice.person.wa_id,
            "stops": one.choice.stops,
            "at": one.choice.timestamp,
        }
        await connection.execute(_STORE, values)
