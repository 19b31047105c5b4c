"""Customers' files that wait to be fetched: what there is to know of one, and what became of the attempt.

A row is `waiting` until its file is `stored` or `lost` for good. What passes by itself is tried again by `next_at`,
until `fetch_before`: then Meta has forgotten the file.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from store import consequences
from store.consequences import Trouble
from store.engine import Database
from store.objects import key_of

FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that is to be fetched now."""

    id: UUID
    organization_id: UUID
    integration_id: UUID
    kind: str
    meta_media_id: str
    sha256: bytes | None
    attempt: int
    phone_number_id: str
    access_token_sealed: bytes
    overdue: bool
    """Meta keeps it no longer."""

    @property
    def key(self) -> str:
        """Where it is kept."""
        return key_of(self.organization_id, self.id)

    @property
    def wait(self) -> timedelta:
        """Before the next attempt, should this one fail."""
        return min(FIRST_WAIT * (1 << min(self.attempt - 1, 20)), LONGEST_WAIT)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was found of a file that is kept now."""

    size: int
    sha256: bytes
    mime_type: str | None


# A number whose token is dead has nothing to ask with; one that Meta has stopped may still read.
FETCHES = "i.access_token_sealed IS NOT NULL AND i.state IN ('connecting', 'live', 'stopped')"
"""SQL: whether the number `i` can ask Meta for files."""

_DUE = f"""
    (f.fetch_before <= clock_timestamp() OR ({FETCHES} AND coalesce(f.next_at <= clock_timestamp(), true)))
"""
WAITING_FILES = f"""
    SELECT array_agg(f.id ORDER BY f.id) FILTER (WHERE {_DUE}) AS files,
           min(CASE WHEN {FETCHES} THEN least(f.next_at, f.fetch_before) ELSE f.fetch_before END)
             FILTER (WHERE NOT {_DUE}) AS files_next_at
    FROM media f WHERE f.conversation_id = c.id AND f.state = 'waiting'
"""  # noqa: S608 - the words above
"""SQL: the files of conversation `c` at number `i` that are to be fetched now, and when another one is. A held number
asks for none: its release marks the conversation, and the end of the seven days does."""

_BEGIN = text(f"""
    UPDATE media f SET attempts = f.attempts + 1
    FROM integrations i
    WHERE f.id = :media_id AND f.direction = 'in' AND f.state = 'waiting' AND i.id = f.integration_id
      AND (({FETCHES}) OR f.fetch_before <= clock_timestamp())
    RETURNING f.id, f.organization_id, f.integration_id, f.kind, f.meta_media_id, f.sha256, f.attempts AS attempt,
              i.phone_number_id, coalesce(i.access_token_sealed, '') AS access_token_sealed,
              coalesce(f.fetch_before <= clock_timestamp(), false) AS overdue
""")  # noqa: S608 - the words above

# Also one that was given up meanwhile: its bytes are there.
_STORED = text("""
    UPDATE media
    SET state = 'stored', object_key = :key, size = :size, sha256 = :sha256, stored_at = clock_timestamp(),
        mime_type = coalesce(:mime_type, mime_type), next_at = NULL, says = NULL
    WHERE id = :media_id AND state <> 'stored'
""")

_LATER = text("""
    UPDATE media SET next_at = clock_timestamp() + CAST(:wait AS interval), says = :says
    WHERE id = :media_id AND state = 'waiting'
""")

_LOST = text("""
    UPDATE media
    SET state = 'lost', next_at = NULL,
        says = CASE WHEN CAST(:with_last AS boolean) AND says IS NOT NULL THEN :says || ' The last attempt: ' || says
                    ELSE :says END
    WHERE id = :media_id AND state = 'waiting'
""")

_DIRECTION = text("SELECT direction FROM media WHERE id = :media_id")

_STATE = text("SELECT state, coalesce(says, '') AS says FROM media WHERE id = :media_id")


async def is_inbound(database: Database, media_id: UUID) -> bool:
    """Whether a customer sent it."""
    async with database.statement() as connection:
        return (await connection.execute(_DIRECTION, {"media_id": media_id})).scalar_one_or_none() == "in"


async def begin(database: Database, media_id: UUID) -> Wanted | None:
    """Begin an attempt; None when there is nothing to fetch, or nobody to ask for it while the number is held."""
    async with database.statement() as connection:
        row = (await connection.execute(_BEGIN, {"media_id": media_id})).mappings().one_or_none()
    return None if row is None else Wanted(**row)


async def stored(database: Database, wanted: Wanted, fetched: Fetched) -> None:
    """It is kept. Told twice, nothing changes."""
    values = {"media_id": wanted.id, "key": wanted.key, "size": fetched.size, "sha256": fetched.sha256}
    async with database.statement() as connection:
        await connection.execute(_STORED, values | {"mime_type": fetched.mime_type})


async def later(database: Database, wanted: Wanted, says: str, *, wait: timedelta) -> None:
    """It could not be fetched now; the look at its conversation finds out when it is to be tried again."""
    values = {"media_id": wanted.id, "wait": wait, "says": says}
    async with database.statement() as connection:
        await connection.execute(_LATER, values)


async def lost(database: Database, wanted: Wanted, says: str, *, with_last: bool = False) -> None:
    """It will never be fetched; `with_last` adds what came of the last attempt."""
    async with database.statement() as connection:
        await connection.execute(_LOST, {"media_id": wanted.id, "says": says, "with_last": with_last})


async def troubled(database: Database, trouble: Trouble) -> None:
    """Meta refused for the number's sake: the same follows as from a refused message."""
    async with database.transaction() as connection:
        await consequences.lock_numbers(connection, [trouble])
        await consequences.follow(connection, [trouble])


async def state_of(database: Database, media_id: UUID) -> tuple[str, str]:
    """What is recorded of a file, and why."""
    async with database.statement() as connection:
        row = (await connection.execute(_STATE, {"media_id": media_id})).one_or_none()
    return ("missing", "") if row is None else (row.state, row.says)
