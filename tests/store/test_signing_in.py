"""Signing in: what opens a session, what opens none, and how many attempts there are."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import pytest
from argon2 import PasswordHasher

from store.engine import Database
from store.errors import TooManyAttemptsError
from store.passwords import Passwords
from store.people import set_disabled, set_password
from store.sessions import session_of
from store.signing_in import SignIn, Throttle
from tests.people import CHEAP, PASSWORD, person
from tests.rows import KEYED_HASH, change, row, rows, value
from tests.store.people import LIFE, actions, signed_in


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
    kept = await rows(database, "SELECT * FROM sign_in_attempts")
    assert len(kept) == 1
    assert "ada" not in str(kept)
    assert "192.0.2.1" not in str(kept)


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
    return int(await value(database, "SELECT count(*) FROM sessions"))


async def test_who_is_disabled_while_the_password_is_being_checked_gets_no_session(
    database: Database, sign_in: SignIn, bakery: UUID, ada: UUID
) -> None:
    await person(database, bakery, "ben@example.com", role="owner")

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
