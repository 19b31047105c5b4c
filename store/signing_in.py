"""Signing in: the attempt is counted before the password is looked at, in Postgres, so that all API processes share it.

Two figures are kept, per address and per account; only keyed hashes of both are stored.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import audit
from store.engine import Database
from store.errors import TooManyAttemptsError
from store.hashing import KeyedHash
from store.passwords import Passwords
from store.people import PERSON_COLUMNS, Person
from store.sessions import begin_session
from store.tables import people, sign_in_attempts


@dataclass(frozen=True, slots=True)
class Throttle:
    """How many failed attempts one address, and one account, may have within a time."""

    attempts: int = 10
    window: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class SignIn:
    """What it takes to sign people in."""

    database: Database
    keyed_hash: KeyedHash
    passwords: Passwords
    throttle: Throttle
    session_life: timedelta

    async def __call__(self, *, email: str, password: str, address: str) -> str | None:
        """The value of a new session's cookie; None when e-mail address and password do not belong together.

        An unknown address, a wrong password and a disabled account cannot be told apart, not even by time.

        Raises:
            TooManyAttemptsError: too many failed lately, of this account or from this address; nothing was checked.
        """
        attempt = await self._begin_attempt(email, address)
        query = select(*PERSON_COLUMNS, people.c.password_hash).where(
            func.lower(people.c.email) == email.strip().lower()
        )
        async with self.database.transaction() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            await self.passwords.matches_nobody(password)
            return None
        person = Person(*row[:-1])
        if not await self.passwords.matches(password, row.password_hash) or person.disabled_at is not None:
            return None
        fresh = await self.passwords.hash(password) if self.passwords.is_outdated(row.password_hash) else None
        return await self._succeeded(person, attempt, row.password_hash, fresh)

    async def _begin_attempt(self, email: str, address: str) -> int:
        email_hash = self.keyed_hash.digest(f"sign-in e-mail {email.strip().lower()}")
        address_hash = self.keyed_hash.digest(f"sign-in address {_network(address)}")
        async with self.database.transaction() as connection:
            for digest in sorted((email_hash, address_hash)):
                # Whoever tries a hundred at once is counted one after the other.
                key = int.from_bytes(digest[:8], "big", signed=True)
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            await self._forget_old(connection, email_hash, address_hash)
            for column, digest in (("email_hash", email_hash), ("address_hash", address_hash)):
                await self._check(connection, column, digest)
            values = {"email_hash": email_hash, "address_hash": address_hash, "succeeded": False}
            statement = insert(sign_in_attempts).values(values | {"at": func.clock_timestamp()})
            attempt: int = (await connection.execute(statement.returning(sign_in_attempts.c.id))).scalar_one()
        return attempt

    async def _forget_old(self, connection: AsyncConnection, email_hash: bytes, address_hash: bytes) -> None:
        table = sign_in_attempts.c
        theirs = or_(table.email_hash == email_hash, table.address_hash == address_hash)
        old = table.at < func.clock_timestamp() - self.throttle.window
        await connection.execute(delete(sign_in_attempts).where(theirs, old))

    async def _check(self, connection: AsyncConnection, column: str, digest: bytes) -> None:
        table = sign_in_attempts.c
        failed = (
            select(table.at)
            .where(table[column] == digest, table.succeeded.is_(False))
            .order_by(table.at.desc())
            .limit(self.throttle.attempts)
        )
        instants: list[datetime] = list((await connection.execute(failed)).scalars())
        if self.throttle.attempts <= len(instants):
            now: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
            left = instants[-1] + self.throttle.window - now if instants else self.throttle.window
            raise TooManyAttemptsError(max(left, timedelta(seconds=1)))

    async def _succeeded(self, person: Person, attempt: int, checked: str, fresh: str | None) -> str | None:
        async with self.database.transaction() as connection:
            # The account may have been disabled, or its password changed, while the old one was being checked.
            same = update(people).where(
                people.c.id == person.id, people.c.disabled_at.is_(None), people.c.password_hash == checked
            )
            values = {"signed_in_at": func.clock_timestamp(), "password_hash": fresh or checked}
            if (await connection.execute(same.values(values))).rowcount == 0:
                return None
            done = update(sign_in_attempts).where(sign_in_attempts.c.id == attempt).values(succeeded=True)
            await connection.execute(done)
            await audit.note(
                connection,
                action="person.signed_in",
                organization_id=person.organization_id,
                actor="person",
                actor_id=person.id,
                subject_id=person.id,
            )
            return await begin_session(connection, self.keyed_hash, person, life=self.session_life)


def _network(address: str) -> str:
    """What one household or machine has: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
