"""Opens houses: starts their parts, on servers of their own or on those of the test run."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.processes import Supervisor
from cli.stack import Stack
from simulator.client import SimulatorClient
from store.engine import Database
from tests.faults.house import House
from tests.rows import HASH_KEY, SEALING_KEY

WEBHOOKS: dict[str, Any] = {"retry_longest": 1.0, "connections": 64}
"""How the simulator delivers them, if a test does not want it otherwise: repeated soon."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Running servers that a house may use instead of starting its own."""

    database_url: str | None = None
    temporal_address: str | None = None
    namespace: str = "default"


@asynccontextmanager
async def opened(
    folder: Path,
    temporal_cli: Path,
    servers: Servers,
    *,
    workers: int = 1,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[House]:
    """A house with every part running, and one line.

    Its own Postgres is durable: a killed one has lost nothing that it committed.
    """
    settings = {
        "TEMPORAL_NAMESPACE": servers.namespace,
        "SEALING_KEYS": SEALING_KEY,
        "SEALING_HASH_KEY": base64.b64encode(HASH_KEY).decode(),
        "WORKER_SANDBOX": "true",
    }
    async with AsyncExitStack() as closing:
        supervisor = closing.enter_context(Supervisor(folder))
        stack = Stack(
            supervisor,
            temporal_cli,
            durable=True,
            environment=settings | dict(environment or {}),
            database_url=servers.database_url,
            temporal_address=servers.temporal_address,
        )
        began = time.monotonic()
        await _start(stack, workers)
        started_in = time.monotonic() - began
        simulator = await closing.enter_async_context(SimulatorClient(stack.simulator_url))
        database = Database.connect(stack.database_url, pool_size=4)
        closing.push_async_callback(database.close)
        house = House(stack, simulator, database, servers.namespace, started_in)
        await simulator.set_webhook(**WEBHOOKS)
        await house.connect()
        yield house


async def _start(stack: Stack, workers: int) -> None:
    """Everything at once where one does not need the other: a start takes a quarter of the time."""
    own = [stack.start(name) for name in ("postgres", "temporal")]
    await asyncio.gather(*own)
    parts = [stack.part("simulator"), stack.part("api"), stack.part("worker")]
    parts += [
        stack.part("worker", name=f"worker-{number}", environment={"WORKER_METRICS_PORT": "0"})
        for number in range(2, workers + 1)
    ]
    for part in parts:
        stack.supervisor.start(part)
    await asyncio.gather(*(stack.supervisor.ready(part.name) for part in parts))
