from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store.engine import Database
from tests.api.edge import Edge, Tenant, edge, settings_for, tenant


@pytest.fixture
async def api(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Edge]:
    async with edge(database, settings_for(database_url, files=tmp_path / "files")) as serving:
        yield serving


@pytest.fixture
async def bakery(api: Edge) -> AsyncIterator[Tenant]:
    async with tenant(api) as made:
        yield made


@pytest.fixture
async def florist(api: Edge) -> AsyncIterator[Tenant]:
    """Another organization, which must see nothing of the bakery's."""
    async with tenant(api, digits="15550002", wa_id="491700000002") as made:
        yield made
