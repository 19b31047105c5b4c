"""The whole house as the bench sees it: every part a process, data that survives a power cut, one fast number."""

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
        parts = ("api", "worker", "temporal", "postgres", "simulator")
        return {name: self.stack.supervisor.pid(name) for name in parts}


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
