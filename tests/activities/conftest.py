from collections.abc import AsyncIterator

import pytest

from simulator.config import SimulatorConfig
from store.engine import Database
from tests.activities.signup import Signup, signing_up
from tests.simulator.stage import APP_SECRET, simulated


@pytest.fixture
async def signup(database: Database) -> AsyncIterator[Signup]:
    """An organization that connects numbers at a simulator of its own."""
    async with simulated(SimulatorConfig(app_secret=APP_SECRET)) as running, signing_up(database, running) as house:
        yield house
