"""Houses for fault tests: one that all share whose parts are as usual, others for settings and servers of their own.

A house takes six seconds of processor time to start: a test that ends a part of the shared one starts it again.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest

from cli import temporal_cli
from tests.faults.house import House
from tests.faults.opening import WEBHOOKS, Servers, opened
from tests.services import clone_database, drop_database

_numbers = count()
_SETTINGS = {
    "LINGER": "0.5",
    "INBOUND_STALE_AFTER": "0",  # what is dated a day ago, so that its window closes within the test, is the bot's
    "API_WEBHOOK_COMMIT_TIMEOUT": "10",  # held up until a hundred are in flight, which is no time-out
}
AS_IN_PRODUCTION = {"WORKER_SANDBOX": "false", "MAX_BOT_TURNS": "100000"}
"""For figures: workers as they run there, and no guard against customers who write as fast as other bots."""
OpenHouse = Callable[..., Awaitable[House]]


@pytest.fixture(scope="session")
async def cli() -> Path:
    return await asyncio.to_thread(temporal_cli.find, None, say=print)


@pytest.fixture(scope="session")
async def shared_house(
    cli: Path,
    postgres_template: str,
    temporal_address: str,
    temporal_namespace: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[House]:
    """One house for the tests of this worker that harm neither Postgres nor Temporal."""
    name = f"house_{os.getpid()}"
    servers = Servers(await clone_database(postgres_template, name), temporal_address, f"{temporal_namespace}-house")
    async with opened(tmp_path_factory.mktemp("house"), cli, servers, environment=_SETTINGS) as house:
        yield house
    await drop_database(postgres_template, name)


@pytest.fixture
async def house(shared_house: House) -> House:
    """The shared house with a fresh line; what a test before left undone is made good."""
    await restore(shared_house)
    await shared_house.connect()
    return shared_house


async def restore(house: House) -> None:
    """Every part of a shared house runs, one worker alone, and nothing is disturbed."""
    own = ("temporal",) if house.stack.temporal else ()
    for part in (*own, "api", "worker"):
        if not house.supervisor.is_running(part):
            await house.supervisor.restart(part)
    await house.supervisor.stop("worker-2")
    await house.simulator.end_faults()
    await house.simulator.set_webhook(**WEBHOOKS)


@pytest.fixture
async def open_house(
    run_folder: Path,
    cli: Path,
    postgres_template: str,
    temporal_address: str,
    temporal_namespace: str,
    worker_id: str,
) -> AsyncIterator[OpenHouse]:
    """Opens a house of this test's own; `own` names the servers (postgres, temporal) that the test means to harm."""
    async with AsyncExitStack() as closing:

        async def open_it(*own: str, workers: int = 1, environment: Mapping[str, str] | None = None) -> House:
            database_url = None
            if "postgres" not in own:
                name = f"own_{worker_id}_{os.getpid()}_{next(_numbers)}_{uuid4().hex[:4]}"
                database_url = await clone_database(postgres_template, name)
                closing.push_async_callback(drop_database, postgres_template, name)
            servers = Servers(
                database_url,
                None if "temporal" in own else temporal_address,
                "default" if "temporal" in own else temporal_namespace,
            )
            return await closing.enter_async_context(
                opened(run_folder, cli, servers, workers=workers, environment=environment)
            )

        yield open_it
