"""Who watches an onboarding hears of each change."""

import asyncio

import pytest

from store.onboarding_answers import ask_cancel, retry
from store.onboarding_changes import changes
from tests.rows import change
from tests.store.conftest import Tenants
from tests.store.connecting import started, waits


async def test_who_watches_hears_of_each_change_and_of_the_end(tenants: Tenants) -> None:
    owner = await tenants.organization()
    onboarding_id = await started(tenants, owner)
    watching = changes(tenants.database, onboarding_id)
    async with asyncio.timeout(10):
        first = await anext(watching)
        await waits(tenants, onboarding_id, "retry")
        begun = asyncio.get_running_loop().time()
        await retry(tenants.database, organization_id=owner, onboarding_id=onboarding_id)
        assert await anext(watching) > first
        assert asyncio.get_running_loop().time() - begun < 1.5
        await change(
            tenants.database,
            "UPDATE onboardings SET ended_at = clock_timestamp(), changed_at = clock_timestamp()",
        )
        await anext(watching)
        with pytest.raises(StopAsyncIteration):
            await anext(watching)


async def test_who_watches_goes_on_after_postgres_has_hung_up_on_everybody(tenants: Tenants) -> None:
    owner = await tenants.organization()
    onboarding_id = await started(tenants, owner)
    watching = changes(tenants.database, onboarding_id)
    async with asyncio.timeout(15):
        await anext(watching)
        await change(
            tenants.database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()",
        )
        changed = asyncio.ensure_future(anext(watching))
        await asyncio.sleep(0.2)
        for _ in range(5):
            try:
                await ask_cancel(tenants.database, organization_id=owner, onboarding_id=onboarding_id)
                break
            except Exception:  # noqa: BLE001, S112 - the pool's connections are dead; each is found out once
                continue
        await changed
    await watching.aclose()
