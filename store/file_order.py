"""Files in order: Meta may deliver a file after the text that was sent behind it, so what follows a file waits for it.

Only for numbers with `files_in_order`, and no longer than `FILE_AWAITED`: a customer whose phone is off delays nothing.
The claim decides who waits (`store.claims`); what a status tells lets those go on that have waited.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import nudges
from whatsapp.kinds import FILES

FILE_AWAITED = timedelta(seconds=5)
"""From Meta's acceptance of the file."""


def carries_file(message: str) -> str:
    """SQL: whether the message that a statement calls `message` carries a file, of its type's own or one of ours."""
    types = ", ".join(f"'{kind}'" for kind in FILES)
    return f"({message}.type IN ({types}) OR {message}.media_id IS NOT NULL)"


_AWAITED_UNTIL = text(f"""
    SELECT max(f.accepted_at) + CAST(:awaited AS interval) FROM messages f
    WHERE f.conversation_id = :conversation_id AND f.state = 'accepted' AND f.delivery IN ('none', 'sent')
      AND {carries_file("f")}
      AND f.accepted_at > clock_timestamp() - CAST(:awaited AS interval)
""")  # noqa: S608 - words of ours, no values

# Whether the file is still awaited, the next claim finds out by itself: another one may be.
_RELEASE = text("""
    UPDATE messages w SET hold = NULL, hold_since = NULL, hold_until = NULL, reason = NULL
    FROM messages f
    WHERE f.id = ANY(CAST(:ids AS uuid[])) AND (f.state <> 'accepted' OR f.delivery NOT IN ('none', 'sent'))
      AND w.conversation_id = f.conversation_id AND w.state = 'queued' AND w.hold = 'behind'
    RETURNING w.conversation_id
""")


async def awaited_until(connection: AsyncConnection, conversation_id: UUID) -> datetime | None:
    """Until when the conversation waits for a file of its own to be delivered; None when it waits for none.

    To be called with the conversation locked.
    """
    values = {"conversation_id": conversation_id, "awaited": FILE_AWAITED}
    until: datetime | None = (await connection.execute(_AWAITED_UNTIL, values)).scalar_one()
    return until


async def release(connection: AsyncConnection, file_ids: Collection[UUID]) -> None:
    """Let go on what waited behind these files, if they arrived or never will.

    To be called with their conversations locked.
    """
    if file_ids:
        waited = (await connection.execute(_RELEASE, {"ids": sorted(file_ids)})).scalars()
        await nudges.mark_due(connection, sorted(set(waited)))
