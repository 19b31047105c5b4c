"""A connected number, its other side in the simulator, and the check between them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from temporalio.testing import ActivityEnvironment

import egress
from activities.checks import NumberChecks
from simulator.config import SimulatorConfig
from store.engine import Database
from tests.rows import RING, Number, change, connected_number, row, rows
from tests.simulator.stage import APP_ID, APP_SECRET, Simulated, simulated
from whatsapp.accounts import Accounts
from whatsapp.app_secrets import AppSecrets
from workflows.check_contracts import Checked, CheckNumber

CALLBACK = "https://holdfast.example/api/v1/webhooks/whatsapp"
DAY = timedelta(days=1)


class AwayError(Exception):
    """Temporal does not take a call."""


@dataclass
class Schedules:
    """The Schedules of checks, as a test sees them."""

    every: dict[str, timedelta] = field(default_factory=dict)
    away: bool = False

    async def ensure(self, integration_id: str, organization_id: str, *, every: timedelta) -> None:
        assert UUID(organization_id)
        if self.away:
            raise AwayError
        self.every[integration_id] = every

    async def remove(self, integration_id: str) -> None:
        if self.away:
            raise AwayError
        self.every.pop(integration_id, None)


@dataclass(frozen=True)
class CheckHouse:
    """What a test of a check looks at."""

    database: Database
    number: Number
    meta: Simulated
    schedules: Schedules
    activities: NumberChecks

    async def check(self) -> Checked:
        command = CheckNumber(str(self.number.integration_id))
        checked: Checked = await ActivityEnvironment().run(self.activities.check_integration, command)
        return checked

    async def integration(self) -> Any:
        return await row(self.database, "integrations", self.number.integration_id)

    async def findings(self, code: str | None = None, *, open_only: bool = False) -> list[Any]:
        query = (
            "SELECT * FROM findings WHERE (CAST(:code AS text) IS NULL OR code = :code) "
            "AND (cleared_at IS NULL OR NOT :open) ORDER BY id"
        )
        return await self.rows(query, code=code, open=open_only)

    async def told(self, *types: str) -> list[Any]:
        """The events of these types, in order; of all types when none is named."""
        every = await self.rows("SELECT type, data FROM events ORDER BY id")
        return [one for one in every if not types or one.type in types]

    async def rows(self, query: str, **values: Any) -> list[Any]:
        return await rows(self.database, query, **values)

    async def hold(self, state: str, reason: str) -> None:
        """Have the number held or stopped a while ago."""
        await change(
            self.database,
            "UPDATE integrations SET state = :state, state_reason = :reason, state_since = now() - interval '1 hour'",
            state=state,
            reason=reason,
        )

    @property
    def interval(self) -> timedelta | None:
        return self.schedules.every.get(str(self.number.integration_id))


class ReplacesTheToken:
    """Meta's side, while which is first asked for a token somebody stores a new one, or stops the number."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._house: CheckHouse | None = None
        self._new: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._accounts, name)

    def begin(self, house: CheckHouse, new: str | None) -> None:
        """What is stored; None: the number is stopped."""
        self._house, self._new = house, new

    async def inspect_token(self, token: str) -> Any:
        answer = await self._accounts.inspect_token(token)
        house, self._house = self._house, None
        if house is not None and self._new is None:
            await house.hold("stopped", "stopped")
        elif house is not None and self._new is not None:
            place = {"table": "integrations", "column": "access_token_sealed", "row": house.number.integration_id}
            sealed = RING.seal(self._new, **place)  # type: ignore[arg-type]
            await change(house.database, "UPDATE integrations SET access_token_sealed = :sealed", sealed=sealed)
        return answer


@asynccontextmanager
async def check_house(
    database: Database, *, override_url: str = "", accounts: Callable[[Accounts], Any] = lambda made: made
) -> AsyncIterator[CheckHouse]:
    number = await connected_number(database)
    config = SimulatorConfig(app_secret=APP_SECRET, app_id=APP_ID, webhook_url=CALLBACK)
    async with simulated(config) as meta, egress.graph_client(max_connections=4) as http:
        await meta.client.add_number(
            number.phone_number_id, number.waba_id, display_phone_number=number.phone_number, token=number.token
        )
        made = Accounts(
            http,
            base_url=str(meta.graph.base_url),
            version="v26.0",
            app_id=APP_ID,
            secrets=AppSecrets.of(APP_SECRET),
            deadline=timedelta(seconds=10),
        )
        schedules = Schedules()
        activities = NumberChecks(
            database,
            RING,
            accounts(made),
            schedules,
            AwayError,
            APP_ID,
            [CALLBACK],
            override_url,
            DAY,
            timedelta(minutes=15),
        )
        yield CheckHouse(database, number, meta, schedules, activities)
