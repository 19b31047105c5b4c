"""What contacts want of marketing: kept as it was told, whole; of all that was told the latest counts.

The history is the record. What counts stands on the contact, made anew from its history at each change, so that the
order in which things become known makes no difference: old news that come late stay old.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.errors import OptedOutError
from store.ids import new_id

log = structlog.get_logger(__name__)

Choice = Literal["stop", "resume", "opt_in"]
"""stop: no marketing. resume: a stop is taken back. opt_in: marketing is asked for."""
Source = Literal["answer", "status", "preference", "stop_word", "api", "person"]

BY: dict[str, str] = {
    "answer": "as Meta answered to a message (131050)",
    "status": "as Meta told of a message that failed (131050)",
    "preference": "by their choice in WhatsApp",
    "stop_word": "by a word that they wrote",
    "api": "as the business's software told",
    "person": "as a person of the business noted",
}
"""How it became known, as a sentence goes on."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """A contact that wants no marketing: since when, and how that became known first."""

    since: datetime
    source: str

    def __str__(self) -> str:
        at = self.since.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        return f"The contact has stopped marketing messages: since {at}, {BY[self.source]}."


_LOCK = text("""
    SELECT id FROM contacts
    WHERE id = ANY(CAST(:contacts AS uuid[]) || ARRAY(
      SELECT contact_id FROM conversations WHERE id = ANY(CAST(:conversations AS uuid[]))))
    ORDER BY id FOR NO KEY UPDATE
""")

_KEEP = text("""
    WITH told AS (
      SELECT CAST(:contact_id AS uuid) AS contact_id, CAST(:choice AS text) AS choice, CAST(:source AS text) AS source,
             CAST(:message_id AS uuid) AS message_id, CAST(:told_at AS timestamptz) AS told_at
    )
    INSERT INTO consents (id, organization_id, contact_id, choice, source, message_id, note, told_at)
    SELECT CAST(:id AS uuid), t.organization_id, t.id, n.choice, n.source, n.message_id, CAST(:note AS text), n.told_at
    FROM told n JOIN contacts t ON t.id = n.contact_id AND t.organization_id = :organization_id
    WHERE NOT EXISTS (
      SELECT FROM consents c
      WHERE c.contact_id = n.contact_id AND c.told_at = n.told_at AND c.choice = n.choice AND c.source = n.source
        AND c.message_id IS NOT DISTINCT FROM n.message_id)
    RETURNING id
""")

# A stop and its contrary at the same second: the stop counts. A stop lasts from its first until something else was
# told, and ends what was asked for before it.
_SETTLE = text("""
    WITH told AS (
      SELECT contact_id, choice, source, told_at,
             coalesce(max(told_at) FILTER (WHERE choice = 'stop') OVER w, '-infinity') AS last_stop,
             coalesce(max(told_at) FILTER (WHERE choice <> 'stop') OVER w, '-infinity') AS last_other
      FROM consents WHERE contact_id = ANY(CAST(:ids AS uuid[]))
      WINDOW w AS (PARTITION BY contact_id)
    ), counts AS (
      SELECT contact_id, max(told_at) AS told_at,
             min(told_at) FILTER (WHERE choice = 'stop' AND told_at >= last_other) AS stopped_at,
             min(told_at) FILTER (WHERE choice = 'opt_in' AND told_at > last_stop) AS opted_in_at,
             (array_agg(source ORDER BY told_at DESC, choice = 'stop' DESC, source))[1] AS source
      FROM told GROUP BY contact_id
    )
    UPDATE contacts t
    SET marketing_stopped_at = n.stopped_at, marketing_opted_in_at = n.opted_in_at, marketing_source = n.source,
        marketing_told_at = n.told_at
    FROM counts n WHERE t.id = n.contact_id
""")

_STOPPED = text("""
    SELECT t.marketing_stopped_at AS since,
           coalesce((SELECT source FROM consents c
                     WHERE c.contact_id = t.id AND c.choice = 'stop' AND c.told_at = t.marketing_stopped_at
                     ORDER BY source LIMIT 1),
                    t.marketing_source, 'api') AS source
    FROM conversations talk JOIN contacts t ON t.id = talk.contact_id
    WHERE talk.id = :conversation_id AND t.marketing_stopped_at IS NOT NULL
""")


async def record(
    connection: AsyncConnection,
    *,
    organization_id: UUID,
    contact_id: UUID,
    choice: Choice,
    source: Source,
    told_at: datetime,
    message_id: UUID | None = None,
    note: str | None = None,
) -> bool:
    """Keep what was told of a contact, and what counts now; False when exactly this was known already.

    `told_at` is by the clock of whoever told it; `message_id` the message that said so or was refused for it; `note`
    how an opt-in was obtained. The contact is locked until the end of the transaction: where that locks conversations
    too, `lock` comes before them.
    """
    await lock(connection, [contact_id])
    values = {
        "id": new_id(),
        "organization_id": organization_id,
        "contact_id": contact_id,
        "choice": choice,
        "source": source,
        "message_id": message_id,
        "note": note,
        "told_at": told_at,
    }
    is_new = (await connection.execute(_KEEP, values)).one_or_none() is not None
    if is_new:
        log.info("consent.told", contact_id=str(contact_id), choice=choice, source=source)
        await settle(connection, [contact_id])
    return is_new


async def settle(connection: AsyncConnection, contact_ids: Iterable[UUID]) -> None:
    """Make what counts of locked contacts from their histories, as after one has got another's history too."""
    await connection.execute(_SETTLE, {"ids": sorted(set(contact_ids))})


async def lock(
    connection: AsyncConnection, contact_ids: Collection[UUID], *, of_conversations: Collection[UUID] = ()
) -> None:
    """Lock contacts, and those of conversations, in the order of their ids: before the conversations themselves."""
    if contact_ids or of_conversations:
        await connection.execute(_LOCK, {"contacts": list(contact_ids), "conversations": list(of_conversations)})


async def stopped(connection: AsyncConnection, conversation_id: UUID) -> Stopped | None:
    """Whether the contact of the conversation wants no marketing at this moment, since when and by what."""
    row = (await connection.execute(_STOPPED, {"conversation_id": conversation_id})).one_or_none()
    return None if row is None else Stopped(row.since, row.source)


async def refuse_marketing(connection: AsyncConnection, conversation_id: UUID) -> None:
    """Nothing, as long as the contact of the conversation has not stopped marketing.

    Raises:
        OptedOutError: it has; the words say since when and by what.
    """
    stop = await stopped(connection, conversation_id)
    if stop is not None:
        raise OptedOutError(str(stop))
