"""The people who sign in to the console: who they are, what they may do, and whether they still may."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from store import audit
from store.engine import Database
from store.errors import ConflictError, InvalidRequestError, NotFoundError
from store.ids import new_id
from store.passwords import Passwords
from store.tables import organizations, people, sessions

Role = Literal["owner", "member"]
_LONGEST_EMAIL = 254
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account."""

    id: UUID
    organization_id: UUID
    email: str
    name: str
    role: Role
    created_at: datetime
    signed_in_at: datetime | None
    disabled_at: datetime | None


PERSON_COLUMNS = [people.c[name] for name in Person.__slots__]


async def create_person(
    database: Database,
    passwords: Passwords,
    *,
    organization_id: UUID,
    email: str,
    name: str,
    password: str,
    role: Role = "member",
    by: UUID | None = None,
) -> UUID:
    """An account; `by` is the person who made it (none: the command line).

    Raises:
        NotFoundError: there is no such organization.
        InvalidRequestError: the e-mail address, the name or the password cannot be one.
        ConflictError: somebody has this e-mail address already, here or in another organization.
    """
    person_id, email, name = new_id(), email_of(email), _name_of(name)
    row = {
        "id": person_id,
        "organization_id": organization_id,
        "email": email,
        "name": name,
        "role": role,
        "password_hash": await passwords.hash(password),
    }
    try:
        async with database.transaction() as connection:
            await _check_organization(connection, organization_id)
            await connection.execute(insert(people).values(row))
            await _note(connection, "person.created", organization_id, person_id, by, role=role)
    except IntegrityError as error:
        raise ConflictError(
            "Somebody has this e-mail address already.", next_step="Use another, or enable the account that has it."
        ) from error
    return person_id


async def list_people(database: Database, organization_id: UUID) -> list[Person]:
    """Everybody of an organization, by name."""
    query = select(*PERSON_COLUMNS).where(people.c.organization_id == organization_id)
    async with database.transaction() as connection:
        rows = (await connection.execute(query.order_by(func.lower(people.c.name), people.c.id))).all()
    return [Person(*row) for row in rows]


async def person_with_email(database: Database, email: str) -> Person | None:
    """Whoever has this e-mail address, in whatever organization: for the command line."""
    query = select(*PERSON_COLUMNS).where(func.lower(people.c.email) == email.strip().lower())
    async with database.transaction() as connection:
        row = (await connection.execute(query)).one_or_none()
    return None if row is None else Person(*row)


async def set_disabled(
    database: Database, *, organization_id: UUID, person_id: UUID, disabled: bool, by: UUID | None = None
) -> None:
    """Take or give back the right to sign in; taking it ends every session of theirs at once.

    Raises:
        NotFoundError: the organization has no such person.
        ConflictError: they are the last owner who can sign in.
    """
    values = {"disabled_at": func.coalesce(people.c.disabled_at, func.clock_timestamp()) if disabled else None}
    async with database.transaction() as connection:
        # One at a time per organization: two owners disabling each other must not leave none.
        await _check_organization(connection, organization_id, lock=True)
        if disabled:
            await _keep_an_owner(connection, organization_id, person_id)
        await _change(connection, organization_id, person_id, values)
        if disabled:
            await end_sessions_of(connection, person_id)
        action = "person.disabled" if disabled else "person.enabled"
        await _note(connection, action, organization_id, person_id, by)


async def set_role(
    database: Database, *, organization_id: UUID, person_id: UUID, role: Role, by: UUID | None = None
) -> None:
    """Make somebody an owner or a member.

    Raises:
        NotFoundError: the organization has no such person.
        ConflictError: they are the last owner who can sign in.
    """
    async with database.transaction() as connection:
        await _check_organization(connection, organization_id, lock=True)
        if role == "member":
            await _keep_an_owner(connection, organization_id, person_id)
        await _change(connection, organization_id, person_id, {"role": role})
        await _note(connection, "person.role_changed", organization_id, person_id, by, role=role)


async def set_password(
    database: Database,
    passwords: Passwords,
    *,
    organization_id: UUID,
    person_id: UUID,
    password: str,
    by: UUID | None = None,
) -> None:
    """A new password; every session of theirs ends.

    Raises:
        NotFoundError: the organization has no such person.
        InvalidRequestError: the password is too short.
    """
    password_hash = await passwords.hash(password)
    async with database.transaction() as connection:
        await _change(connection, organization_id, person_id, {"password_hash": password_hash})
        await end_sessions_of(connection, person_id)
        await _note(connection, "person.password_changed", organization_id, person_id, by)


async def end_sessions_of(connection: AsyncConnection, person_id: UUID) -> int:
    """End every session of a person; answers how many were open."""
    statement = update(sessions).where(sessions.c.person_id == person_id, sessions.c.ended_at.is_(None))
    return (await connection.execute(statement.values(ended_at=func.clock_timestamp()))).rowcount


def email_of(given: str) -> str:
    """An e-mail address as it is stored: trimmed, and plausible.

    Raises:
        InvalidRequestError: it cannot be one.
    """
    email = unicodedata.normalize("NFC", given.strip())
    before, at, after = email.rpartition("@")
    if not (before and at and after) or len(email) > _LONGEST_EMAIL or any(char.isspace() for char in email):
        raise InvalidRequestError("This is no e-mail address.", next_step="Write it as name@example.com.")
    return email


def _name_of(given: str) -> str:
    name = " ".join(given.split())
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise InvalidRequestError(f"A name has 1 to {_LONGEST_NAME} characters.")
    return name


async def _check_organization(connection: AsyncConnection, organization_id: UUID, *, lock: bool = False) -> None:
    query = select(organizations.c.id).where(organizations.c.id == organization_id)
    if (await connection.execute(query.with_for_update() if lock else query)).one_or_none() is None:
        raise NotFoundError("There is no organization with this id.")


async def _keep_an_owner(connection: AsyncConnection, organization_id: UUID, person_id: UUID) -> None:
    query = select(func.count()).where(
        people.c.organization_id == organization_id,
        people.c.role == "owner",
        people.c.disabled_at.is_(None),
        people.c.id != person_id,
    )
    target = select(people.c.role).where(people.c.id == person_id, people.c.organization_id == organization_id)
    if (await connection.execute(target)).scalar() == "owner" and not (await connection.execute(query)).scalar_one():
        raise ConflictError(
            "This is the last owner who can sign in.", next_step="Make somebody else an owner first, then repeat it."
        )


async def _change(
    connection: AsyncConnection, organization_id: UUID, person_id: UUID, values: Mapping[str, object]
) -> None:
    statement = update(people).where(people.c.id == person_id, people.c.organization_id == organization_id)
    if (await connection.execute(statement.values(dict(values)))).rowcount == 0:
        raise NotFoundError("This organization has no such person.")


async def _note(
    connection: AsyncConnection, action: str, organization_id: UUID, person_id: UUID, by: UUID | None, **detail: object
) -> None:
    await audit.note(
        connection,
        action=action,
        organization_id=organization_id,
        actor="holdfast" if by is None else "person",
        actor_id=by,
        subject_id=person_id,
        detail=detail or None,
    )
