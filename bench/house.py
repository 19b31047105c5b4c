"""The whole house as the bench sees it: every part a process, data that survives a power cut, one fast number."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from cli import tenant
from cli.stack import Stack
from simulator.client import SimulatorClient
from store.engine import Database

PER_SECOND = 1000
"""The number's level: messages per second, in and out together."""
ENVIRONMENT = {"MAX_BOT_TURNS": "1000", "LOG_LEVEL": "warning"}
"""Beside production's own settings: simulated customers write faster than the guard against other bots allows."""

_PARTS = ("api", "worker", "temporal", "postgres", "simulator")
_MOST_WORKERS = 4


@dataclass(frozen=True, slots=True)
class House:
    """A running stack with a connected number."""

    stack: Stack
    simulator: SimulatorClient
    database: Database
    organization_id: UUID
    integration_id: UUID

    def pids(self) -> dict[str, int]:
        """The parts whose processor time an exchange is charged with."""
        supervisor = self.stack.supervisor
        more = [name for name in ("intake", *_more_workers(_MOST_WORKERS)) if supervisor.is_running(name)]
        return {name: supervisor.pid(name) for name in (*_PARTS, *more)}

    @asynccontextmanager
    async def workers(self, many: int) -> AsyncIterator[None]:
        """So many worker processes, the one that is always there included."""
        names, supervisor = _more_workers(many), self.stack.supervisor
        for name in names:
            supervisor.start(self.stack.part("worker", name=name, environment={"WORKER_METRICS_PORT": "0"}))
        await asyncio.gather(*(supervisor.ready(name) for name in names))
        yield
        await asyncio.gather(*(supervisor.stop(name) for name in names))

    @asynccontextmanager
    async def intake_apart(self) -> AsyncIterator[None]:
        """Intake in a process of its own, and an API that has none."""
        supervisor = self.stack.supervisor
        await supervisor.stop("api")
        parts = [self.stack.part("api", environment={"INTAKE": "separate"}), self.stack.part("intake")]
        await asyncio.gather(*(supervisor.run(part) for part in parts))
        yield
        await asyncio.gather(*(supervisor.stop(part.name) for part in parts))
        await self.stack.start("api")


def _more_workers(many: int) -> list[str]:
    return [f"worker-{number}" for number in range(2, many + 1)]


@asynccontextmanager
async def open_house(stack: Stack) -> AsyncIterator[House]:
    """Start everything, connect a number; stopping is the supervisor's."""
    await stack.start()
    database = Database.connect(stack.database_url, pool_size=4)
    try:
        business = await tenant.create(database, stack.environment(), per_second=PER_SECOND)
        async with SimulatorClient(stack.simulator_url) as simulator:
            await tenant.introduce(simulator, throughput=PER_SECOND)
            yield House(stack, simulator, database, UUID(business.organization_id), UUID(business.integration_id))
    finally:
        await database.close()
