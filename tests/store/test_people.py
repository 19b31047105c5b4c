"""Accounts of the console: who there is, and that the last owner cannot be locked out."""

import asyncio
from uuid import UUID, uuid4

import pytest

from store.engine import Database
from store.errors import ConflictError, InvalidRequestError, NotFoundError
from store.organizations import create_organization
from store.people import list_people, person_with_email, set_disabled, set_password, set_role
from tests.people import CHEAP, PASSWORD, person
from tests.rows import row


async def test_a_password_is_kept_as_an_argon2id_hash_only(database: Database, ada: UUID) -> None:
    kept = await row(database, "people", ada)
    assert kept.password_hash.startswith("$argon2id$")
    assert PASSWORD not in str(tuple(kept))


async def test_two_addresses_that_differ_only_in_case_are_one_person(
    database: Database, bakery: UUID, ada: UUID
) -> None:
    with pytest.raises(ConflictError):
        await person(database, bakery, "ADA@EXAMPLE.COM")
    found = await person_with_email(database, "aDa@example.com")
    assert found is not None
    assert (found.id, found.email) == (ada, "Ada@example.com")


@pytest.mark.parametrize("email", ["", "ada", "@example.com", "ada@", "a da@example.com", f"{'a' * 300}@example.com"])
async def test_what_is_no_address_is_refused(database: Database, bakery: UUID, email: str) -> None:
    with pytest.raises(InvalidRequestError):
        await person(database, bakery, email)


async def test_a_short_password_is_refused(database: Database, ada: UUID, bakery: UUID) -> None:
    with pytest.raises(InvalidRequestError, match="12"):
        await set_password(database, CHEAP, organization_id=bakery, person_id=ada, password="elevenchars")


async def test_an_unknown_organization_gets_no_people(database: Database) -> None:
    with pytest.raises(NotFoundError):
        await person(database, uuid4(), "ada@example.com")


async def test_the_last_owner_keeps_the_right_to_sign_in(database: Database, bakery: UUID, ada: UUID) -> None:
    await person(database, bakery, "ben@example.com")
    with pytest.raises(ConflictError, match="last owner"):
        await set_disabled(database, organization_id=bakery, person_id=ada, disabled=True)
    with pytest.raises(ConflictError, match="last owner"):
        await set_role(database, organization_id=bakery, person_id=ada, role="member")


async def test_two_owners_who_disable_each_other_leave_one(database: Database, bakery: UUID, ada: UUID) -> None:
    ben = await person(database, bakery, "ben@example.com", role="owner")
    outcomes = await asyncio.gather(
        *(set_disabled(database, organization_id=bakery, person_id=one, disabled=True) for one in (ada, ben)),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ConflictError", "NoneType"]
    assert [one.disabled_at is None for one in await list_people(database, bakery)].count(True) == 1


async def test_people_of_another_organization_are_out_of_reach(database: Database, bakery: UUID, ada: UUID) -> None:
    other = await create_organization(database, "Florist")
    assert await list_people(database, other) == []
    with pytest.raises(NotFoundError):
        await set_disabled(database, organization_id=other, person_id=ada, disabled=True)
    with pytest.raises(NotFoundError):
        await set_password(database, CHEAP, organization_id=other, person_id=ada, password=PASSWORD * 2)
    assert [one.id for one in await list_people(database, bakery)] == [ada]
