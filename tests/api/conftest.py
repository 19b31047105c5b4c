from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store.engine import Database
from tests.api.edge import Edge, Tenant, edge, settings_for, tenant
from tests.api.linked import Linked, linked


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


@pytest.fixture
async def stage(database: Database, database_url: str) -> AsyncIterator[Linked]:
    """The API beside a simulated Meta."""
    async with linked(database, database_url) as made:
        yield made


@pytest.fixture
async def shop(stage: Linked) -> AsyncIterator[Tenant]:
    """An organization there, with a connected number that Meta knows too."""
    async with tenant(stage.api) as made:
        number = made.number
        await stage.meta.add_number(
            number.phone_number_id, number.waba_id, display_phone_number=number.phone_number, token=number.token
        )
        yield made
