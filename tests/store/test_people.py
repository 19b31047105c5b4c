"""Accounts of the console: who may sign in, and that the last owner cannot be locked out."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from store.engine import Database
from store.errors import ConflictError, InvalidRequestError, NotFoundError, TooManyAttemptsError
from store.organizations import create_organization
from store.passwords import Passwords
from store.people import create_person, list_people, person_with_email, set_disabled, set_password, set_role
from store.sessions import end_all_sessions, end_session, session_of
from store.signing_in import SignIn, Throttle
from tests.rows import KEYED_HASH, change, row

LIFE = timedelta(hours=12)
PASSWORD = "correct horse battery"
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
async def bakery(database: Database) -> UUID:
    return await create_organization(database, "Bakery")


@pytest.fixture
async def ada(database: Database, bakery: UUID) -> UUID:
    return await add(database, bakery, "Ada@example.com", role="owner")


@pytest.fixture
def sign_in(database: Database) -> SignIn:
    return SignIn(database, KEYED_HASH, CHEAP, Throttle(attempts=3), LIFE)


async def add(database: Database, organization_id: UUID, email: str, *, role: str = "member") -> UUID:
    return await create_person(
        database,
        CHEAP,
        organization_id=organization_id,
        email=email,
        name=email.partition("@")[0],
        password=PASSWORD,
        role=role,  # type: ignore[arg-type]
    )


async def signed_in(sign_in: SignIn, *, email: str = "ada@example.com") -> str:
    token = await sign_in(email=email, password=PASSWORD, address="192.0.2.1")
    assert token is not None
    return token


async def actions(database: Database) -> list[str]:
    async with database.transaction() as connection:
        return list((await connection.execute(text("SELECT action FROM audit_log ORDER BY id"))).scalars())


async def test_a_password_is_kept_as_an_argon2id_hash_only(database: Database, ada: UUID) -> None:
    kept = await row(database, "people", ada)
    assert kept.password_hash.startswith("$argon2id$")
    assert PASSWORD not in str(tuple(kept))


async def test_two_addresses_that_differ_only_in_case_are_one_person(
    database: Database, bakery: UUID, ada: UUID
) -> None:
    with pytest.raises(ConflictError):
        await add(database, bakery, "ADA@EXAMPLE.COM")
    found = await person_with_email(database, "aDa@example.com")
    assert found is not None
    assert (found.id, found.email) == (ada, "Ada@example.com")


@pytest.mark.parametrize("email", ["", "ada", "@example.com", "ada@", "a da@example.com", f"{'a' * 300}@example.com"])
async def test_what_is_no_address_is_refused(database: Database, bakery: UUID, email: str) -> None:
    with pytest.raises(InvalidRequestError):
        await add(database, bakery, email)


async def test_a_short_password_is_refused(database: Database, ada: UUID, bakery: UUID) -> None:
    with pytest.raises(InvalidRequestError, match="12"):
        await set_password(database, CHEAP, organization_id=bakery, person_id=ada, password="elevenchars")


async def test_an_unknown_organization_gets_no_people(database: Database) -> None:
    with pytest.raises(NotFoundError):
        await add(database, uuid4(), "ada@example.com")


async def test_the_last_owner_keeps_the_right_to_sign_in(database: Database, bakery: UUID, ada: UUID) -> None:
    await add(database, bakery, "ben@example.com")
    with pytest.raises(ConflictError, match="last owner"):
        await set_disabled(database, organization_id=bakery, person_id=ada, disabled=True)
    with pytest.raises(ConflictError, match="last owner"):
        await set_role(database, organization_id=bakery, person_id=ada, role="member")


async def test_two_owners_who_disable_each_other_leave_one(database: Database, bakery: UUID, ada: UUID) -> None:
    ben = await add(database, bakery, "ben@example.com", role="owner")
    outcomes = await asyncio.gather(
        *(set_disabled(database, organization_id=bakery, person_id=one, disabled=True) for one in (ada, ben)),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ConflictError", "NoneType"]
    assert [person.disabled_at is None for person in await list_people(database, bakery)].count(True) == 1


async def test_people_of_another_organization_are_out_of_reach(database: Database, bakery: UUID, ada: UUID) -> None:
    other = await create_organization(database, "Florist")
    assert await list_people(database, other) == []
    with pytest.raises(NotFoundError):
        await set_disabled(database, organization_id=other, person_id=ada, disabled=True)
    with pytest.raises(NotFoundError):
        await set_password(database, CHEAP, organization_id=other, person_id=ada, password=PASSWORD * 2)
    assert [person.id for person in await list_people(database, bakery)] == [ada]


async def test_signing_in_opens_a_session_whose_token_is_kept_as_a_keyed_hash(
    database: Database, sign_in: SignIn, ada: UUID, bakery: UUID
) -> None:
    token = await signed_in(sign_in, email=" ADA@example.com ")
    session = await session_of(database, KEYED_HASH, token, life=LIFE)
    assert session is not None
    assert (session.person.id, session.organization_id, session.organization) == (ada, bakery, "Bakery")
    kept = await row(database, "sessions", session.id)
    assert kept.token_hash == KEYED_HASH.digest(token)
    assert (await actions(database))[-1] == "person.signed_in"


@pytest.mark.parametrize(
    ("email", "password"), [("ada@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("", ""), ("a\x7f", "x")]
)
async def test_what_does_not_belong_together_opens_nothing(
    database: Database, sign_in: SignIn, ada: UUID, email: str, password: str
) -> None:
    assert (await row(database, "people", ada)).id == ada
    assert await sign_in(email=email, password=password, address="192.0.2.1") is None


async def test_an_unknown_address_takes_a_hash_as_well(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def note(_: Passwords, __: str, stored: str) -> bool:
        checked.append(stored)
        return False

    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(Passwords, "_matches", note)
    sign_in = SignIn(database, KEYED_HASH, Passwords(hasher), Throttle(), LIFE)
    assert await sign_in(email="nobody@example.com", password=PASSWORD, address="192.0.2.1") is None
    assert checked[0].startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert not hasher.check_needs_rehash(checked[0])


async def test_a_hash_with_old_parameters_is_made_anew_when_its_person_signs_in(
    database: Database, sign_in: SignIn, ada: UUID
) -> None:
    dearer = replace(sign_in, passwords=Passwords(PasswordHasher(time_cost=2, memory_cost=128, parallelism=1)))
    assert await dearer(email="ada@example.com", password=PASSWORD, address="192.0.2.1")
    assert "m=128,t=2,p=1" in (await row(database, "people", ada)).password_hash
    assert await dearer(email="ada@example.com", password=PASSWORD, address="192.0.2.1")


async def test_failed_attempts_are_counted_per_account_wherever_they_come_from(
    database: Database, sign_in: SignIn, ada: UUID
) -> None:
    for number in range(3):
        assert await sign_in(email="ada@example.com", password="wrong", address=f"192.0.2.{number}") is None
    with pytest.raises(TooManyAttemptsError) as refused:
        await sign_in(email="ada@example.com", password=PASSWORD, address="198.51.100.1")
    assert "15 minutes" in refused.value.next_step
    await change(database, "UPDATE sign_in_attempts SET at = at - interval '15 minutes'")
    assert await sign_in(email="ada@example.com", password=PASSWORD, address="198.51.100.1")
    assert ada


async def test_failed_attempts_are_counted_per_address_whomever_they_try(sign_in: SignIn) -> None:
    for number in range(3):
        assert await sign_in(email=f"{number}@example.com", password="wrong", address="2001:db8:0:1::1") is None
    with pytest.raises(TooManyAttemptsError):
        await sign_in(email="ada@example.com", password="wrong", address="2001:db8:0:1:ffff::2")
    assert await sign_in(email="ada@example.com", password="wrong", address="2001:db8:0:2::1") is None


async def test_attempts_that_come_at_once_are_counted_one_by_one(database: Database, sign_in: SignIn) -> None:
    other_process = replace(sign_in, database=Database.connect(database.engine.url.render_as_string(False)))
    tries = [
        process(email="ada@example.com", password="wrong", address=f"192.0.2.{number}")
        for number in range(10)
        for process in (sign_in, other_process)
    ]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    await other_process.database.close()
    assert outcomes.count(None) == 3
    assert sum(isinstance(outcome, TooManyAttemptsError) for outcome in outcomes) == 17


async def test_attempts_keep_neither_the_address_nor_the_account_tried(database: Database, sign_in: SignIn) -> None:
    await sign_in(email="ada@example.com", password="wrong", address="192.0.2.1")
    async with database.transaction() as connection:
        kept = (await connection.execute(text("SELECT * FROM sign_in_attempts"))).all()
    assert len(kept) == 1
    assert "ada" not in str(kept)
    assert "192.0.2.1" not in str(kept)


async def test_a_session_ends_when_it_was_not_used_for_its_life(database: Database, sign_in: SignIn, ada: UUID) -> None:
    token = await signed_in(sign_in)
    await change(
        database,
        "UPDATE sessions SET seen_at = seen_at - interval '11 hours', expires_at = expires_at - interval '11 hours'",
    )
    assert await session_of(database, KEYED_HASH, token, life=LIFE) is not None
    async with database.transaction() as connection:
        left = (await connection.execute(text("SELECT expires_at - clock_timestamp() FROM sessions"))).scalar_one()
    assert left > timedelta(hours=11, minutes=59)
    await change(database, "UPDATE sessions SET expires_at = clock_timestamp()")
    assert await session_of(database, KEYED_HASH, token, life=LIFE) is None
    assert ada


async def test_signing_out_ends_the_session_and_everywhere_ends_all(
    database: Database, sign_in: SignIn, ada: UUID
) -> None:
    tokens = [await signed_in(sign_in) for _ in range(3)]
    sessions = [await session_of(database, KEYED_HASH, token, life=LIFE) for token in tokens]
    assert sessions[0] is not None
    await end_session(database, sessions[0])
    assert await session_of(database, KEYED_HASH, tokens[0], life=LIFE) is None
    assert await end_all_sessions(database, sessions[0].person) == 2
    assert [await session_of(database, KEYED_HASH, token, life=LIFE) for token in tokens] == [None] * 3
    assert ada


@pytest.mark.parametrize("end", ["disabled", "password"])
async def test_a_disabled_account_and_a_new_password_end_every_session(
    database: Database, sign_in: SignIn, bakery: UUID, ada: UUID, end: str
) -> None:
    await add(database, bakery, "ben@example.com", role="owner")
    token = await signed_in(sign_in)
    if end == "disabled":
        await set_disabled(database, organization_id=bakery, person_id=ada, disabled=True)
        assert await sign_in(email="ada@example.com", password=PASSWORD, address="192.0.2.1") is None
    else:
        new = "another long password"
        await set_password(database, CHEAP, organization_id=bakery, person_id=ada, password=new)
    assert await session_of(database, KEYED_HASH, token, life=LIFE) is None


async def test_a_session_of_a_disabled_account_is_nobodys_even_where_it_was_not_ended(
    database: Database, sign_in: SignIn, ada: UUID
) -> None:
    token = await signed_in(sign_in)
    await change(database, "UPDATE people SET disabled_at = clock_timestamp() WHERE id = :id", id=ada)
    assert await session_of(database, KEYED_HASH, token, life=LIFE) is None
    await change(database, "UPDATE people SET disabled_at = NULL WHERE id = :id", id=ada)
    assert await session_of(database, KEYED_HASH, token, life=LIFE) is not None


async def test_disabling_somebody_ends_their_sessions_for_good(
    database: Database, sign_in: SignIn, bakery: UUID, ada: UUID
) -> None:
    await add(database, bakery, "ben@example.com", role="owner")
    token = await signed_in(sign_in)
    for disabled in (True, False):
        await set_disabled(database, organization_id=bakery, person_id=ada, disabled=disabled)
    assert await session_of(database, KEYED_HASH, token, life=LIFE) is None


@pytest.mark.parametrize("token", ["", "unknown", "x" * 5000, "ü"])
async def test_an_unknown_token_is_nobody(database: Database, token: str) -> None:
    assert await session_of(database, KEYED_HASH, token, life=LIFE) is None


class Interrupted:
    """Passwords that take their time: something happens while one is being checked."""

    def __init__(self, happens: Callable[[], Awaitable[None]]) -> None:
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(CHEAP, name)

    async def matches(self, password: str, stored: str) -> bool:
        matches = await CHEAP.matches(password, stored)
        await self._happens()
        return matches


def _while(sign_in: SignIn, happens: Callable[[], Awaitable[None]]) -> SignIn:
    return replace(sign_in, passwords=cast("Passwords", Interrupted(happens)))


async def _sessions(database: Database) -> int:
    async with database.transaction() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM sessions"))).scalar_one())


async def test_who_is_disabled_while_the_password_is_being_checked_gets_no_session(
    database: Database, sign_in: SignIn, bakery: UUID, ada: UUID
) -> None:
    await add(database, bakery, "ben@example.com", role="owner")

    async def disabled() -> None:
        await set_disabled(database, organization_id=bakery, person_id=ada, disabled=True)

    came = await _while(sign_in, disabled)(email="ada@example.com", password=PASSWORD, address="192.0.2.1")
    assert (came, await _sessions(database)) == (None, 0)
    assert "person.signed_in" not in await actions(database)


async def test_a_password_that_is_changed_while_the_old_one_is_being_checked_opens_nothing_by_the_old_one(
    database: Database, sign_in: SignIn, bakery: UUID, ada: UUID
) -> None:
    async def changed() -> None:
        await set_password(database, CHEAP, organization_id=bakery, person_id=ada, password=PASSWORD * 2)

    came = await _while(sign_in, changed)(email="ada@example.com", password=PASSWORD, address="192.0.2.1")
    assert (came, await _sessions(database)) == (None, 0)
    assert await sign_in(email="ada@example.com", password=PASSWORD, address="192.0.2.1") is None
    assert await sign_in(email="ada@example.com", password=PASSWORD * 2, address="192.0.2.1") is not None


async def test_who_signs_in_often_is_never_throttled_for_it(sign_in: SignIn, ada: UUID) -> None:
    assert ada
    for _ in range(sign_in.throttle.attempts + 2):
        await signed_in(sign_in)
    assert await sign_in(email="ada@example.com", password="wrong", address="192.0.2.1") is None
    await signed_in(sign_in)
