"""One browser and one console per session, an organization of its own for each test."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from playwright.async_api import Browser

from simulator.app import create_app
from simulator.client import SimulatorClient
from simulator.config import SimulatorConfig
from store.engine import Database
from tests.api.edge import APP_ID, SECRET
from tests.browsers import launched
from tests.console.stage import Console, Install, Installation, installed, opened
from tests.services import clone_database, drop_database
from tests.simulator.stage import served


@pytest.fixture(scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """One for all pages."""
    async with launched(chromium) as browser:
        yield browser


@pytest.fixture(scope="session")
async def meta() -> AsyncIterator[SimulatorClient]:
    """The simulator in Meta's place: its SDK, its popup, its dialog."""
    async with (
        served(create_app(SimulatorConfig(app_secret=SECRET, app_id=APP_ID))) as url,
        SimulatorClient(url) as client,
    ):
        yield client


@pytest.fixture(scope="session")
async def installation(
    browser: Browser, meta: SimulatorClient, postgres_template: str, worker_id: str
) -> AsyncIterator[Installation]:
    """One for all tests that need no settings of their own."""
    name = f"console_{worker_id}_{os.getpid()}"
    url = await clone_database(postgres_template, name)
    database = Database.connect(url)
    sdk = {"sdk_url": f"{meta.base_url}/sdk.js", "dialog_url": meta.base_url}
    async with installed(database, url, browser, meta=sdk) as serving:
        yield serving
    await database.close()
    await drop_database(postgres_template, name)


@pytest.fixture
async def console(installation: Installation) -> AsyncIterator[Console]:
    """An organization of this test's own."""
    async with opened(installation) as made:
        yield made


@pytest.fixture
def install(database: Database, database_url: str, browser: Browser) -> Install:
    """Serves a console with settings of this test's own: an async context manager."""
    return partial(_install, database, database_url, browser)


@asynccontextmanager
async def _install(database: Database, url: str, browser: Browser, **settings: Any) -> AsyncIterator[Console]:
    async with installed(database, url, browser, **settings) as serving, opened(serving) as made:
        yield made
