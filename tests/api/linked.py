"""An API with its ways out: a simulated Meta over real HTTP, and a Temporal that writes down what it is told."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import egress
from settings import Settings
from simulator.app import create_app
from simulator.client import SimulatorClient
from simulator.config import SimulatorConfig
from store.engine import Database
from tests.api.edge import APP_ID, SECRET, Edge, edge, settings_for
from tests.simulator.stage import served
from whatsapp.accounts import Accounts
from whatsapp.app_secrets import AppSecrets
from workflows.client import LaterError
from workflows.onboarding_contracts import Act


@dataclass
class Temporal:
    """What the API's background told the runs of onboardings."""

    woken: list[tuple[str, str]] = field(default_factory=list)
    acts: list[tuple[str, Act]] = field(default_factory=list)
    away: bool = False
    hangs: asyncio.Event | None = None
    """Until it is set nothing is answered."""

    async def wake(self, onboarding_id: str, organization_id: str) -> None:
        if self.hangs is not None:
            await self.hangs.wait()
        if self.away:
            raise LaterError("unavailable")
        self.woken.append((onboarding_id, organization_id))

    async def act(self, onboarding_id: str, act: Act) -> bool:
        self.acts.append((onboarding_id, act))
        return not self.away

    async def can_take_a_code(self) -> bool:
        return not self.away


@dataclass
class Linked:
    """The API, and what it is linked to."""

    api: Edge
    meta: SimulatorClient
    temporal: Temporal
    settings: Settings
    accounts: Accounts


@asynccontextmanager
async def linked_again(stage: Linked) -> AsyncIterator[Edge]:
    """Another process of the API beside the first."""
    async with edge(stage.api.database, stage.settings, starter=stage.temporal, accounts=stage.accounts) as api:
        yield api


@asynccontextmanager
async def linked(database: Database, url: str, **console: Any) -> AsyncIterator[Linked]:
    """Serve the API so; `console` changes the settings of that group."""
    config = SimulatorConfig(app_secret=SECRET, app_id=APP_ID, require_proof=True)
    settings = settings_for(url)
    settings = replace(settings, console=settings.console.model_copy(update=console))
    temporal = Temporal()
    async with (
        served(create_app(config)) as graph_url,
        SimulatorClient(graph_url) as meta,
        egress.graph_client(max_connections=4) as client,
    ):
        accounts = Accounts(
            client,
            base_url=graph_url,
            version="v26.0",
            app_id=APP_ID,
            secrets=AppSecrets.of(SECRET),
            deadline=timedelta(seconds=2),
        )
        async with edge(database, settings, starter=temporal, accounts=accounts) as api:
            yield Linked(api, meta, temporal, settings, accounts)


def forms(secret: str) -> set[str]:
    """A secret as it is, quoted in an address, as base64, and as Postgres shows bytes: none of them may show."""
    plain = secret.encode()
    return {secret, quote(secret, safe=""), base64.b64encode(plain).decode().rstrip("="), plain.hex()}


async def everything_stored(database: Database) -> str:
    """Every row of every table, as text."""
    async with database.engine.connect() as connection:
        names = await connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = names.scalars().all()
        queries = [f'SELECT t::text FROM "{name}" t' for name in tables]  # noqa: S608 - Postgres's own names
        rows = [(await connection.exec_driver_sql(query)).scalars() for query in queries]
        return "\n".join(row for found in rows for row in found)
