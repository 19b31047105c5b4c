"""Whom a business portfolio has written to first in the last 24 hours: Meta limits how many (section 8.1).

Counted here, for our own sends: what other tools send on the same portfolio is not seen, so this only keeps us from
running into the limit by ourselves. Replies are never counted and never held.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import nudges
from whatsapp.messaging_limit import contacts_in_24_hours

WITHIN = timedelta(hours=24)
_TIDIED = 100
"""Contacts past their 24 hours that are forgotten whenever a new one is counted: more than can be added."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact of an organization, and the portfolio that is to write to it."""

    organization_id: UUID
    portfolio: str
    contact_id: UUID


_LOCK = text("""
    WITH made AS (
      INSERT INTO portfolios (organization_id, portfolio) VALUES (:organization_id, :portfolio)
      ON CONFLICT (organization_id, portfolio) DO UPDATE SET portfolio = excluded.portfolio
      RETURNING contacts, promised_until
    )
    SELECT contacts, promised_until, clock_timestamp() AS now FROM made
""")

_IS_COUNTED = text("""
    SELECT EXISTS (
      SELECT FROM portfolio_contacts
      WHERE organization_id = :organization_id AND portfolio = :portfolio AND contact_id = :contact_id
        AND sent_at > :since)
""")

_COUNT = text("""
    WITH gone AS (
      DELETE FROM portfolio_contacts
      WHERE organization_id = :organization_id AND portfolio = :portfolio AND contact_id <> :contact_id
        AND sent_at <= :since
        AND contact_id IN (
          SELECT contact_id FROM portfolio_contacts
          WHERE organization_id = :organization_id AND portfolio = :portfolio AND sent_at <= :since
          ORDER BY sent_at LIMIT :tidied)
      RETURNING 1
    ), counted AS (
      INSERT INTO portfolio_contacts (organization_id, portfolio, contact_id, sent_at)
      VALUES (:organization_id, :portfolio, :contact_id, clock_timestamp())
      ON CONFLICT (organization_id, portfolio, contact_id) DO UPDATE SET sent_at = excluded.sent_at
      RETURNING (xmax = 0) AS is_new
    )
    UPDATE portfolios
    SET contacts = contacts - (SELECT count(*) FROM gone) + (SELECT count(*) FROM counted WHERE is_new)
    WHERE organization_id = :organization_id AND portfolio = :portfolio
""")

# Reads as many rows as the limit has contacts: only where the limit seems reached, and then a message waits for long.
_RECOUNT = text("""
    WITH gone AS (
      DELETE FROM portfolio_contacts
      WHERE organization_id = :organization_id AND portfolio = :portfolio AND sent_at <= :since
    )
    UPDATE portfolios
    SET contacts = (SELECT count(*) FROM portfolio_contacts
                    WHERE organization_id = :organization_id AND portfolio = :portfolio AND sent_at > :since)
    WHERE organization_id = :organization_id AND portfolio = :portfolio
    RETURNING contacts
""")

# Each that waits is promised the leaving of the next contact; after the last one it begins with the first again.
_PROMISE = text("""
    WITH next AS (
      SELECT min(sent_at) + CAST(:within AS interval) AS leaves_at FROM portfolio_contacts
      WHERE organization_id = :organization_id AND portfolio = :portfolio
        AND sent_at > greatest(:since, CAST(:promised_until AS timestamptz) - CAST(:within AS interval))
    ), first AS (
      SELECT min(sent_at) + CAST(:within AS interval) AS leaves_at FROM portfolio_contacts
      WHERE organization_id = :organization_id AND portfolio = :portfolio AND sent_at > :since
    )
    UPDATE portfolios SET promised_until = coalesce(next.leaves_at, first.leaves_at) FROM next, first
    WHERE organization_id = :organization_id AND portfolio = :portfolio
    RETURNING promised_until
""")

_ROOM = text("""
    SELECT i.messaging_limit, coalesce(p.contacts, 0) AS contacts
    FROM integrations i
    JOIN wabas w ON w.id = i.waba_row_id
    LEFT JOIN portfolios p ON p.organization_id = i.organization_id AND p.portfolio = coalesce(w.business_id, i.waba_id)
    WHERE i.id = :integration_id
""")

_HELD = text("""
    SELECT DISTINCT conversation_id FROM messages
    WHERE integration_id = :integration_id AND state = 'queued' AND hold = 'portfolio'
""")

_RELEASE = text("""
    UPDATE messages SET hold = NULL, hold_since = NULL, hold_until = NULL, reason = NULL
    WHERE conversation_id = ANY(CAST(:conversations AS uuid[])) AND state = 'queued' AND hold = 'portfolio'
""")


async def write_first(connection: AsyncConnection, contact: Contact, *, limit: int) -> datetime | None:
    """Count a contact that we are about to write to outside its window.

    None: go ahead, it is counted, for the next 24 hours. Else nothing is counted, and this is when there will be room.
    The portfolio stays locked until the end of the transaction: two workers never share the last place.
    """
    key = {"organization_id": contact.organization_id, "portfolio": contact.portfolio}
    portfolio = (await connection.execute(_LOCK, key)).one()
    key |= {"since": portfolio.now - WITHIN}
    values = key | {"contact_id": contact.contact_id}
    counted: bool = (await connection.execute(_IS_COUNTED, values)).scalar_one()
    if not counted and portfolio.contacts >= limit:
        contacts: int = (await connection.execute(_RECOUNT, key)).scalar_one()
        if contacts >= limit:
            promise = key | {"within": WITHIN, "promised_until": portfolio.promised_until}
            until: datetime | None = (await connection.execute(_PROMISE, promise)).scalar_one()
            return until or portfolio.now + WITHIN
    await connection.execute(_COUNT, values | {"tidied": _TIDIED})
    return None


async def release(connection: AsyncConnection, integration_id: UUID) -> None:
    """Meta told the limit anew: if there is room by it, what waits for room need not wait any longer.

    The caller may hold the number's lock, and none of a conversation.
    """
    row = (await connection.execute(_ROOM, {"integration_id": integration_id})).one()
    limit = contacts_in_24_hours(row.messaging_limit)
    if limit is not None and row.contacts >= limit:
        return
    held = (await connection.execute(_HELD, {"integration_id": integration_id})).scalars().all()
    if held:
        await nudges.mark_due(connection, held)
        await connection.execute(_RELEASE, {"conversations": list(held)})
