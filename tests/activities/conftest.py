from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from simulator.config import SimulatorConfig
from store.engine import Database
from tests.activities.moving import FileHouse, file_house
from tests.activities.signup import Signup, signing_up
from tests.rows import conversation
from tests.simulator.stage import APP_SECRET, simulated


@pytest.fixture
async def signup(database: Database) -> AsyncIterator[Signup]:
    """An organization that connects numbers at a simulator of its own."""
    async with simulated(SimulatorConfig(app_secret=APP_SECRET)) as running, signing_up(database, running) as house:
        yield house


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[FileHouse]:
    """A number whose files move between a simulator of its own and a folder."""
    async with file_house(database, tmp_path / "files") as made:
        yield made


@pytest.fixture
async def talk(house: FileHouse) -> UUID:
    """A conversation of that number."""
    return await conversation(house.database, house.number)
