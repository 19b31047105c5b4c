"""Files of the business's that Meta is to have before a message with them can leave: one id per file and number.

Such a message is queued under the hold `media`. The id is used by all messages until it expires.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import consequences, merging, nudges
from store.consequences import Trouble
from store.engine import Database

KEPT_BY_META = timedelta(days=29)
"""Of the 30 days that Meta keeps an upload, all but a day of margin."""
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that Meta is to have now, for one number."""

    id: UUID
    organization_id: UUID
    integration_id: UUID
    state: str
    mime_type: str | None
    size: int | None
    object_key: str | None
    says: str | None
    phone_number_id: str
    access_token_sealed: bytes
    there: bool
    """Meta has it: somebody was quicker."""


_BEGIN = text("""
    SELECT f.id, f.organization_id, i.id AS integration_id, f.state, f.mime_type, f.size, f.object_key, f.says,
           i.phone_number_id, i.access_token_sealed,
           EXISTS (SELECT FROM media_uploads u
                   WHERE u.media_id = f.id AND u.integration_id = i.id
                     AND u.expires_at > clock_timestamp() + interval '1 minute') AS there
    FROM media f JOIN integrations i ON i.id = :integration_id AND i.organization_id = f.organization_id
    WHERE f.id = :media_id AND i.enabled AND i.state = 'live' AND i.access_token_sealed IS NOT NULL
      AND EXISTS (SELECT FROM messages m
                  WHERE m.media_id = f.id AND m.integration_id = i.id AND m.state = 'queued')
""")

_WAITING = text("""
    SELECT DISTINCT conversation_id FROM messages
    WHERE media_id = :media_id AND integration_id = :integration_id AND state = 'queued' AND hold = 'media'
""")

_KEEP = text("""
    INSERT INTO media_uploads (media_id, integration_id, organization_id, meta_media_id, uploaded_at, expires_at)
    SELECT :media_id, :integration_id, :organization_id, :meta_media_id, now, now + CAST(:kept AS interval)
    FROM clock_timestamp() AS now
    ON CONFLICT (media_id, integration_id) DO UPDATE
    SET meta_media_id = excluded.meta_media_id, uploaded_at = excluded.uploaded_at, expires_at = excluded.expires_at
""")

_RELEASE = text("""
    UPDATE messages SET hold = NULL, hold_since = NULL, hold_until = NULL, reason = NULL
    WHERE media_id = :media_id AND integration_id = :integration_id AND state = 'queued' AND hold = 'media'
""")

# As long again as it has waited: 2, 4, 8 seconds and so on.
_LATER = text("""
    UPDATE messages
    SET hold_since = coalesce(hold_since, clock_timestamp()), reason = :why,
        hold_until = clock_timestamp() + greatest(
          CAST(:first AS interval), CAST(:wait AS interval),
          least(CAST(:longest AS interval), clock_timestamp() - coalesce(hold_since, clock_timestamp())))
    WHERE media_id = :media_id AND integration_id = :integration_id AND state = 'queued' AND hold = 'media'
""")

_FAIL = text("""
    UPDATE messages
    SET state = 'failed', reason = :why, error_code = :code, error_detail = :detail,
        hold = NULL, hold_since = NULL, hold_until = NULL
    WHERE media_id = :media_id AND integration_id = :integration_id AND state = 'queued' AND hold = 'media'
""")

_FORGET = text("""
    DELETE FROM media_uploads
    WHERE integration_id = :integration_id AND meta_media_id = :meta_media_id
""")


# What was uploaded since an attempt was claimed is another upload than the one that it was posted with.
_FORGET_POSTED = text("""
    DELETE FROM media_uploads u
    USING unnest(CAST(:ids AS uuid[]), CAST(:numbers AS int[])) AS p (message_id, attempt), messages m,
          message_attempts a
    WHERE m.id = p.message_id AND a.message_id = p.message_id AND a.attempt = p.attempt
      AND u.media_id = m.media_id AND u.integration_id = m.integration_id AND u.uploaded_at <= a.claimed_at
""")


async def begin(database: Database, media_id: UUID, integration_id: UUID) -> Wanted | None:
    """What there is to upload; None when no message wants it any more, or the number may not ask now."""
    async with database.statement() as connection:
        values = {"media_id": media_id, "integration_id": integration_id}
        row = (await connection.execute(_BEGIN, values)).mappings().one_or_none()
    return None if row is None else Wanted(**row)


@merging.anew
async def uploaded(database: Database, wanted: Wanted, meta_media_id: str | None) -> None:
    """Meta has it, under this id (None: under the one that is known): what waited for it may leave."""
    values = _key(wanted)
    async with database.transaction() as connection:
        await nudges.mark_due(connection, await _lock_waiting(connection, wanted))
        if meta_media_id is not None:
            kept = {"organization_id": wanted.organization_id, "meta_media_id": meta_media_id, "kept": KEPT_BY_META}
            await connection.execute(_KEEP, values | kept)
        await connection.execute(_RELEASE, values)


@merging.anew
async def later(
    database: Database, wanted: Wanted, why: str, *, wait: timedelta | None = None, trouble: Trouble | None = None
) -> None:
    """Meta has it not yet; with what follows for the number, if it was refused for the number's sake."""
    bounds = {"first": FIRST_WAIT, "longest": LONGEST_WAIT, "wait": wait or FIRST_WAIT}
    troubles = [] if trouble is None else [trouble]
    async with database.transaction() as connection:
        await consequences.lock_numbers(connection, troubles)
        await _lock_waiting(connection, wanted)
        await consequences.follow(connection, troubles)
        await connection.execute(_LATER, _key(wanted) | bounds | {"why": why})


@merging.anew
async def failed(database: Database, wanted: Wanted, why: str, *, code: int | None, detail: str | None) -> None:
    """Meta will never take it: the messages with it fail, and their conversations go on."""
    async with database.transaction() as connection:
        await nudges.mark_due(connection, await _lock_waiting(connection, wanted))
        await connection.execute(_FAIL, _key(wanted) | {"why": why, "code": code, "detail": detail})


async def forget(database: Database, integration_id: UUID, meta_media_id: str) -> None:
    """Meta does not know this id any more: the file is to be uploaded anew before it is sent again."""
    async with database.statement() as connection:
        await connection.execute(_FORGET, {"integration_id": integration_id, "meta_media_id": meta_media_id})


async def forget_posted(connection: AsyncConnection, attempts: Mapping[UUID, int]) -> None:
    """Meta could not use the files that these messages were posted with, told by a status: to be uploaded anew.

    `attempts` has the attempt of each message, which the caller has locked.
    """
    if attempts:
        await connection.execute(_FORGET_POSTED, {"ids": list(attempts), "numbers": list(attempts.values())})


async def _lock_waiting(connection: AsyncConnection, wanted: Wanted) -> Sequence[UUID]:
    """Lock the conversations in which messages wait for the file, those that have them now."""
    waiting = (await connection.execute(_WAITING, _key(wanted))).scalars().all()
    await merging.lock(connection, waiting)
    return waiting


def _key(wanted: Wanted) -> dict[str, UUID]:
    return {"media_id": wanted.id, "integration_id": wanted.integration_id}
