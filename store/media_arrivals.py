"""Files that customers sent, noted to be fetched: in the transaction that stores their message, each once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.ids import new_id
from whatsapp.kinds import File

META_KEEPS = timedelta(days=7)
"""Ids out of webhooks are good for this long (section 9); counted from the message, not from its arrival."""

# A number that is being connected has its conversations looked at once it is live.
_NOTE = text("""
    WITH noted AS (
      INSERT INTO media (id, organization_id, direction, kind, state, integration_id, conversation_id, message_id,
                         meta_media_id, fetch_before, mime_type, filename, sha256)
      SELECT f.id, m.organization_id, 'in', f.kind, 'waiting', m.integration_id, m.conversation_id, m.id,
             f.meta_media_id, m.meta_timestamp + CAST(:keeps AS interval), f.mime_type, f.filename, f.sha256
      FROM unnest(CAST(:ids AS uuid[]), CAST(:integrations AS uuid[]), CAST(:wamids AS text[]), CAST(:kinds AS text[]),
                  CAST(:metas AS text[]), CAST(:types AS text[]), CAST(:names AS text[]), CAST(:digests AS bytea[]))
        AS f (id, integration_id, wamid, kind, meta_media_id, mime_type, filename, sha256)
      JOIN messages m ON m.integration_id = f.integration_id AND m.wamid = f.wamid
      ON CONFLICT (message_id) DO NOTHING RETURNING conversation_id
    )
    UPDATE conversations c SET due_at = clock_timestamp()
    FROM integrations i
    WHERE c.id IN (SELECT conversation_id FROM noted) AND i.id = c.integration_id AND i.state <> 'connecting'
""")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file with the message that carries it."""

    integration_id: UUID
    wamid: str
    file: File


async def note_files(connection: AsyncConnection, arrivals: Sequence[Arrival]) -> None:
    """Files of stored messages are to be fetched, and their conversations, which are locked, are due for it.

    Told twice, nothing changes.
    """
    if not arrivals:
        return
    files = [one.file for one in arrivals]
    await connection.execute(
        _NOTE,
        {
            "ids": [new_id() for _ in arrivals],
            "integrations": [one.integration_id for one in arrivals],
            "wamids": [one.wamid for one in arrivals],
            "kinds": [file.kind for file in files],
            "metas": [file.media_id for file in files],
            "types": [file.mime_type for file in files],
            "names": [file.filename for file in files],
            "digests": [file.sha256 for file in files],
            "keeps": META_KEEPS,
        },
    )
