"""An onboarding's activities over a real Postgres and the simulator's Graph, step by step, to be broken in between."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from temporalio.testing import ActivityEnvironment

import egress
from activities.onboarding.desk import Desk, Rules
from activities.onboarding.steps import Onboardings
from simulator.client import SimulatorClient
from simulator.onboarding_client import Prepared
from store import organizations
from store.engine import Database
from store.onboardings import Hints, start_onboarding
from store.reading.onboardings import Onboarding, OnboardingStep, read_onboarding
from tests.rows import KEYED_HASH, RING, Number, row
from tests.simulator.stage import APP_ID, APP_SECRET, Simulated
from whatsapp.accounts import Accounts
from whatsapp.app_secrets import AppSecrets
from workflows.onboarding_contracts import STEPS, Ended, EndOnboarding, Standing, Step, StepOutcome, TakeStep


class AwayError(Exception):
    """Temporal does not take a Schedule."""


class DiedError(Exception):
    """The worker is gone from one moment to the next."""


@dataclass
class Schedules:
    """Notes what it was asked for."""

    ensured: list[tuple[str, timedelta]] = field(default_factory=list)
    triggered: list[str] = field(default_factory=list)
    is_away: bool = False

    async def ensure(self, integration_id: str, organization_id: str, *, every: timedelta) -> None:
        if self.is_away:
            raise AwayError
        assert organization_id
        self.ensured.append((integration_id, every))

    async def trigger(self, integration_id: str) -> bool:
        self.triggered.append(integration_id)
        return True


class Dying:
    """Accounts whose worker dies right after one of its calls has taken effect."""

    def __init__(self, accounts: Accounts, call: str) -> None:
        self._accounts = accounts
        self._call = call

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._accounts, name)
        if name != self._call:
            return real

        async def then_die(*args: Any, **named: Any) -> Any:
            await real(*args, **named)
            raise DiedError

        return then_die


@dataclass
class Signup:
    """One organization that connects numbers."""

    database: Database
    meta: SimulatorClient
    desk: Desk
    schedules: Schedules
    organization_id: UUID
    agent_flow_id: UUID
    onboarding_id: UUID = field(default_factory=lambda: UUID(int=0))

    @property
    def activities(self) -> Onboardings:
        return Onboardings(self.desk)

    @property
    def names(self) -> dict[str, Any]:
        """Whose onboarding, and which."""
        return {"organization_id": self.organization_id, "onboarding_id": self.onboarding_id}

    async def start(self, number: Prepared, *, hints: bool = True, **options: Any) -> UUID:
        """Begin with a code for the number's account, as the popup ends."""
        code = await self.meta.issue_code(number.waba_id)
        told = Hints("FINISH", number.waba_id, number.phone_number_id, number.business_id) if hints else Hints()
        return await self.start_with(code, hints=told, **options)

    async def start_with(self, code: str, **options: Any) -> UUID:
        """Begin with a code."""
        owner = {"organization_id": self.organization_id, "agent_flow_id": self.agent_flow_id}
        given: dict[str, Any] = {"way": "popup", **owner, **options}
        self.onboarding_id = await start_onboarding(self.database, RING, code=code, **given)
        return self.onboarding_id

    async def prepared(self, **options: Any) -> Prepared:
        """A number that waits to be connected, and the onboarding that does."""
        number = await self.meta.prepare_number(**options)
        await self.start(number)
        return number

    async def take(self, step: Step, *, gives_up: bool = False, onboarding_id: UUID | None = None) -> StepOutcome:
        """Take one step, as Temporal would; what is raised comes through."""
        activities: dict[Step, Callable[[TakeStep], Any]] = {
            "exchange": self.activities.exchange_code,
            "inspect": self.activities.inspect_token,
            "find": self.activities.find_number,
            "connect": self.activities.connect_integration,
            "subscribe": self.activities.subscribe_app,
            "register": self.activities.register_number,
            "check": self.activities.check_number,
            "activate": self.activities.activate_integration,
            "prove": self.activities.await_proof,
        }
        command = TakeStep(str(onboarding_id or self.onboarding_id), step, gives_up)
        return cast("StepOutcome", await ActivityEnvironment().run(activities[step], command))

    async def go(self, *, to: Step = "prove") -> StepOutcome:
        """Take what is left in order, up to `to`, or until a step is not through; the last outcome."""
        outcome = StepOutcome("exchange", "done")
        for step in (await self.standing()).left:
            outcome = await self.take(step)
            if outcome.state not in {"done", "skipped"} or step == to:
                break
        return outcome

    async def standing(self) -> Standing:
        """Where it stands."""
        return cast(
            "Standing", await ActivityEnvironment().run(self.activities.where_it_stands, str(self.onboarding_id))
        )

    async def end(self, state: str = "cancelled", code: str = "", detail: str = "") -> Ended:
        """Take everything back."""
        command = EndOnboarding(str(self.onboarding_id), cast("Any", state), code, detail)
        return cast("Ended", await ActivityEnvironment().run(self.activities.end_onboarding, command))

    async def shown(self) -> Onboarding:
        """What a page shows."""
        return await read_onboarding(self.database, self.organization_id, self.onboarding_id)

    async def step(self, name: Step) -> OnboardingStep:
        """What a page shows of one step."""
        return (await self.shown()).steps[STEPS.index(name)]

    async def row(self) -> Any:
        """The onboarding's row."""
        return await row(self.database, "onboardings", self.onboarding_id)

    async def integration(self) -> Any:
        """Its integration's row."""
        return await row(self.database, "integrations", (await self.row()).integration_id)

    async def changes_at_meta(self) -> list[str]:
        """What was called that changes something, in order."""
        changing = {"subscribe", "unsubscribe", "register", "deregister", "change_number"}
        return [call.call for call in await self.meta.calls() if call.call in changing]

    async def is_subscribed(self, waba_id: str) -> bool:
        """Whether our app is subscribed to this account."""
        waba = next(one for one in await self.meta.wabas() if one["waba_id"] == waba_id)
        return bool(waba["subscribed"])

    async def number(self) -> Number:
        """Its integration, as other tests' rows want it."""
        known = await self.integration()
        ids = (known.waba_id, known.phone_number_id, known.phone_number)
        return Number(self.organization_id, self.agent_flow_id, known.id, *ids, token="")

    def dying_after(self, call: str) -> "Signup":
        """The same, in a worker that dies once this call has taken effect."""
        return self.with_desk(accounts=cast("Accounts", Dying(self.desk.accounts, call)))

    def with_desk(self, **changes: Any) -> "Signup":
        """The same with something else on the desk."""
        return replace(self, desk=replace(self.desk, **changes))

    def with_rules(self, **changes: Any) -> "Signup":
        """The same by other rules."""
        return self.with_desk(rules=replace(self.desk.rules, **changes))

    async def of_another(self) -> "Signup":
        """Another organization at the same desk."""
        return await at_desk(self.database, self.meta, self.desk, self.schedules)


async def at_desk(database: Database, meta: SimulatorClient, desk: Desk, schedules: Schedules) -> Signup:
    """A new organization at a desk."""
    organization_id = await organizations.create_organization(database, "Bakery")
    flow = await organizations.create_agent_flow(
        database, RING, organization_id=organization_id, name="echo", kind="echo"
    )
    return Signup(database, meta, desk, schedules, organization_id, flow)


def accounts_at(client: Any, url: str, *, deadline: timedelta = timedelta(seconds=5)) -> Accounts:
    """Graph's management calls at this address."""
    return Accounts(
        client, base_url=url, version="v26.0", app_id=APP_ID, secrets=AppSecrets.of(APP_SECRET), deadline=deadline
    )


@asynccontextmanager
async def signing_up(database: Database, simulated: Simulated) -> AsyncIterator[Signup]:
    """An organization that connects numbers at a simulator."""
    schedules = Schedules()
    async with egress.graph_client(max_connections=10) as client:
        accounts = accounts_at(client, str(simulated.graph.base_url))
        desk = Desk(database, RING, KEYED_HASH, accounts, schedules, AwayError, Rules(app_id=APP_ID))
        yield await at_desk(database, simulated.client, desk, schedules)
