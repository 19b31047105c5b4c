"""Sessions of the console: who is signed in, until when. Only a keyed hash of the cookie's value is kept."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import audit
from store.engine import Database
from store.hashing import KeyedHash
from store.ids import new_id
from store.people import PERSON_COLUMNS, Person, end_sessions_of
from store.tables import organizations, people, sessions

_TOUCH_EVERY = timedelta(minutes=1)
"""A session that is used all the time writes its new end this often at most."""
_LONGEST_TOKEN = 200


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in."""

    id: UUID
    person: Person
    organization: str
    """Its name."""
    created_at: datetime

    @property
    def organization_id(self) -> UUID:
        """Whom the session speaks for."""
        return self.person.organization_id


async def begin_session(connection: AsyncConnection, keyed_hash: KeyedHash, person: Person, *, life: timedelta) -> str:
    """A new session, in the transaction of the sign-in; answers the cookie's value, which is known nowhere else."""
    token = secrets.token_urlsafe(32)
    now = func.clock_timestamp()
    await connection.execute(
        insert(sessions).values(
            id=new_id(),
            organization_id=person.organization_id,
            person_id=person.id,
            token_hash=keyed_hash.digest(token),
            seen_at=now,
            expires_at=now + life,
        )
    )
    return token


async def session_of(database: Database, keyed_hash: KeyedHash, token: str, *, life: timedelta) -> Session | None:
    """Who is behind a cookie's value; None when it is unknown, ended, or was not used for `life`.

    Each use moves the session's end to `life` from now.
    """
    if not token or len(token) > _LONGEST_TOKEN:
        return None
    query = (
        select(sessions.c.id, organizations.c.name, sessions.c.created_at, sessions.c.seen_at, *PERSON_COLUMNS)
        .join(people, people.c.id == sessions.c.person_id)
        .join(organizations, organizations.c.id == sessions.c.organization_id)
        .where(
            sessions.c.token_hash == keyed_hash.digest(token),
            sessions.c.ended_at.is_(None),
            sessions.c.expires_at > func.clock_timestamp(),
            people.c.disabled_at.is_(None),
        )
    )
    async with database.transaction() as connection:
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        await _touch(connection, row[0], life)
    return Session(row[0], Person(*row[4:]), row[1], row[2])


async def end_session(database: Database, session: Session) -> None:
    """Sign out."""
    statement = update(sessions).where(sessions.c.id == session.id, sessions.c.ended_at.is_(None))
    async with database.transaction() as connection:
        if (await connection.execute(statement.values(ended_at=func.clock_timestamp()))).rowcount:
            await _note(connection, "person.signed_out", session.person)


async def end_all_sessions(database: Database, person: Person) -> int:
    """Sign out everywhere; answers how many sessions were open."""
    async with database.transaction() as connection:
        ended = await end_sessions_of(connection, person.id)
        await _note(connection, "person.signed_out_everywhere", person)
    return ended


async def _touch(connection: AsyncConnection, session_id: UUID, life: timedelta) -> None:
    now = func.clock_timestamp()
    stale = update(sessions).where(sessions.c.id == session_id, sessions.c.seen_at < now - min(_TOUCH_EVERY, life / 10))
    await connection.execute(stale.values(seen_at=now, expires_at=now + life))


async def _note(connection: AsyncConnection, action: str, person: Person) -> None:
    await audit.note(
        connection,
        action=action,
        organization_id=person.organization_id,
        actor="person",
        actor_id=person.id,
        subject_id=person.id,
    )
