from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from simulator.config import SimulatorConfig
from tests.conftest import find_chromium
from tests.simulator.stage import APP_SECRET, Simulated, Webhook, served, simulated


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """The popup in a browser is not collected where there is none; the run's last line says so."""
    return True if collection_path.name == "test_popup.py" and find_chromium() is None else None


@pytest.fixture(scope="session")
async def webhook_server() -> AsyncIterator[Webhook]:
    hook = Webhook()
    routes = [Route("/hook/{test:int}", hook.post, methods=["POST"]), Route("/hook/{test:int}", hook.get)]
    async with served(Starlette(routes=routes)) as url:
        hook.base_url = f"{url}/hook"
        yield hook


@pytest.fixture
def webhook(webhook_server: Webhook) -> Webhook:
    """The app's webhook, which has received nothing yet."""
    webhook_server.forget()
    return webhook_server


@pytest.fixture
def config(webhook: Webhook) -> SimulatorConfig:
    return SimulatorConfig(
        app_secret=APP_SECRET,
        webhook_url=webhook.url,
        retry_first=timedelta(milliseconds=20),
        retry_longest=timedelta(milliseconds=100),
    )


@pytest.fixture
async def simulator(config: SimulatorConfig) -> AsyncIterator[Simulated]:
    async with simulated(config) as running:
        yield running


@pytest.fixture
async def strict(config: SimulatorConfig) -> AsyncIterator[Simulated]:
    """One that wants `appsecret_proof`."""
    async with simulated(replace(config, require_proof=True)) as running:
        yield running
