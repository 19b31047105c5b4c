"""Sessions of the console: how long one lives, and what ends it."""

from datetime import timedelta
from uuid import UUID

import pytest

from store.engine import Database
from store.people import set_disabled, set_password
from store.sessions import end_all_sessions, end_session, session_of
from store.signing_in import SignIn
from tests.people import CHEAP, PASSWORD, person
from tests.rows import KEYED_HASH, change, value
from tests.store.people import LIFE, signed_in


async def test_a_session_ends_when_it_was_not_used_for_its_life(database: Database, sign_in: SignIn, ada: UUID) -> None:
    token = await signed_in(sign_in)
    await change(
        database,
        "UPDATE sessions SET seen_at = seen_at - interval '11 hours', expires_at = expires_at - interval '11 hours'",
    )
    assert await session_of(database, KEYED_HASH, token, life=LIFE) is not None
    left = await value(database, "SELECT expires_at - clock_timestamp() FROM sessions")
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
    await person(database, bakery, "ben@example.com", role="owner")
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
    await person(database, bakery, "ben@example.com", role="owner")
    token = await signed_in(sign_in)
    for disabled in (True, False):
        await set_disabled(database, organization_id=bakery, person_id=ada, disabled=disabled)
    assert await session_of(database, KEYED_HASH, token, life=LIFE) is None


@pytest.mark.parametrize("token", ["", "unknown", "x" * 5000, "ü"])
async def test_an_unknown_token_is_nobody(database: Database, token: str) -> None:
    assert await session_of(database, KEYED_HASH, token, life=LIFE) is None
