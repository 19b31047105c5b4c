"""States of the redirect: good once, in their own browser, for their time."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from store import oauth_states
from store.oauth_states import StateExpiredError, StateOtherBrowserError, StateUnknownError, StateUsedError
from tests.rows import change, rows
from tests.store.conftest import Tenants


async def state_for(tenants: Tenants, owner: UUID, browser: str = "cookie") -> str:
    return await oauth_states.begin(
        tenants.database,
        tenants.keyed_hash,
        organization_id=owner,
        agent_flow_id=await tenants.agent_flow(owner),
        browser=browser,
        redirect_uri="https://holdfast.example/callback",
    )


async def used(tenants: Tenants, state: str, browser: str = "cookie", **options: Any) -> oauth_states.OAuthState:
    return await oauth_states.use(tenants.database, tenants.keyed_hash, state=state, browser=browser, **options)


async def test_a_state_works_once_even_when_it_comes_ten_times_at_once(tenants: Tenants) -> None:
    owner = await tenants.organization()
    state = await state_for(tenants, owner)
    # Connections that are still to be opened would come one after the other.
    await asyncio.gather(*(rows(tenants.database, "SELECT pg_sleep(0.2)") for _ in range(10)))
    outcomes = await asyncio.gather(*(used(tenants, state) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(outcome, oauth_states.OAuthState) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, StateUsedError) for outcome in outcomes) == 9
    (row,) = await rows(tenants.database, "SELECT * FROM oauth_states")
    assert state.encode() not in row.state_hash


async def test_each_wrong_state_is_refused_in_its_own_words(tenants: Tenants) -> None:
    owner, stranger = await tenants.organization(), await tenants.organization()
    state = await state_for(tenants, owner)
    with pytest.raises(StateUnknownError):
        await used(tenants, "made up")
    with pytest.raises(StateUnknownError):
        await used(tenants, state, organization_id=stranger)
    with pytest.raises(StateOtherBrowserError):
        await used(tenants, state, "another cookie")
    await change(tenants.database, "UPDATE oauth_states SET expires_at = clock_timestamp()")
    with pytest.raises(StateExpiredError):
        await used(tenants, state)
    await change(tenants.database, "UPDATE oauth_states SET expires_at = clock_timestamp() + interval '1 minute'")
    assert (await used(tenants, state, organization_id=owner)).organization_id == owner
