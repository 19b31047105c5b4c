"""A house of real processes for fault tests: parts that can be killed, simulated customers, and the final reckoning.

The simulator is the oracle of what customers wrote and got; Postgres says what became of each row, Temporal how each
run ended. Postgres and Temporal are the test run's own servers unless a test means to harm them.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from cli.processes import Supervisor
from cli.stack import Stack
from simulator.client import SimulatorClient
from store import integrations, organizations
from store.engine import Database
from tests.pace import slowness
from tests.rows import KEYED_HASH, RING

PROMPT = timedelta(seconds=6)
"""An idle conversation is answered this soon, whoever was killed."""
SENDING_TIMEOUT = 20.0
"""Seconds; the product's own: a row that is `sending` for longer has lost its worker."""
EVENTS_MOST = 300
USUAL_START = 6.0
"""Seconds: a house starts in 2 to 4 with two of them on two cores."""
Figure = Callable[[str, object], None]
"""Pytest's `record_property`: figures stand in the report of `--junitxml FILE -o junit_family=xunit1`."""
_numbers = count(1)
_customers = count(491700000001)


@dataclass(frozen=True, slots=True)
class Line:
    """A connected number of an organization of its own, known to Holdfast and to the simulator."""

    organization_id: UUID
    integration_id: UUID
    phone_number_id: str
    waba_id: str
    phone_number: str
    api_key: str


@dataclass(slots=True)
class House:
    """The parts of one installation, a line to write to, and what was said on it."""

    stack: Stack
    simulator: SimulatorClient
    database: Database
    namespace: str
    started_in: float = 0.0
    """Seconds that its parts took to start."""
    line: Line = field(init=False)

    @property
    def slowness(self) -> float:
        """By how much everything takes longer here than on a machine at its usual pace; 1 at least."""
        return max(slowness(), self.started_in / USUAL_START)

    @property
    def supervisor(self) -> Supervisor:
        """Kills, stops, pauses and restarts the parts: api, worker (worker-2), postgres, temporal, simulator."""
        return self.stack.supervisor

    async def temporal(self) -> Client:
        """A fresh client: servers come and go."""
        address = self.stack.temporal_address
        return await Client.connect(address, namespace=self.namespace, data_converter=pydantic_data_converter)

    async def connect(
        self,
        *,
        kind: Literal["echo", "http"] = "echo",
        url: str | None = None,
        secret: str | None = None,
        token: str = "EAAfaults0000",
        per_second: int = 1000,
        pause: timedelta | None = None,
    ) -> Line:
        """A number of its own organization; from now on customers write to it. `pause` is its agent's patience."""
        number = next(_numbers)
        phone_number, phone_number_id, waba_id = f"+1555{number:07}", f"7{number:09}", f"8{number:09}"
        organization = await organizations.create_organization(self.database, f"Organization {number}")
        flow = await organizations.create_agent_flow(
            self.database, RING, organization_id=organization, name=kind, kind=kind, url=url, secret=secret, pause=pause
        )
        integration = await integrations.connect_number(
            self.database,
            RING,
            KEYED_HASH,
            organization_id=organization,
            agent_flow_id=flow,
            waba_id=waba_id,
            phone_number=phone_number,
            phone_number_id=phone_number_id,
            access_token=token,
            verify_token=f"verify-{number}",
            per_second=per_second,
        )
        key = await organizations.create_api_key(self.database, KEYED_HASH, organization_id=organization, name="test")
        await self.simulator.add_number(
            phone_number_id, waba_id, display_phone_number=phone_number, token=token, throughput=per_second
        )
        self.line = Line(organization, integration, phone_number_id, waba_id, phone_number, key)
        return self.line

    # --- customers ----------------------------------------------------------------------------------------------------

    async def says(self, customer: str, words: str, **message: Any) -> str:
        """Let a customer write; the wamid."""
        return await self.simulator.customer_says(self.line.phone_number_id, customer, words, **message)

    async def exchange(self, customer: str, words: str, *, patience: float = 30) -> float:
        """Let a customer write and wait for the reply; the seconds it took.

        Raises:
            TimeoutError: no reply came within `patience` seconds.
        """
        began = time.monotonic()
        wamid = await self.says(customer, words)
        timeout = timedelta(seconds=patience) * self.slowness
        await self.simulator.wait_for_reply(self.line.phone_number_id, customer, after=wamid, timeout=timeout)
        return time.monotonic() - began

    async def crowd(self, size: int, words: str = "hello") -> list[str]:
        """New customers, each of whom writes one message now."""
        customers = new_customers(size)
        await asyncio.gather(*(self.says(customer, f"{words} from {customer}") for customer in customers))
        return customers

    async def account(self) -> dict[str, Any]:
        """The simulator's account of this line."""
        return await self.simulator.account(self.line.phone_number_id, lists=True)

    async def answered(self, *, within: float, but: int = 0) -> float:
        """Wait until every customer has a reply to what they wrote last, `but` some; the seconds it took.

        `within` seconds on a machine at its usual pace.

        Raises:
            TimeoutError: somebody still has none; says how many.
        """
        began, within = time.monotonic(), within * self.slowness
        number = self.line.phone_number_id
        while (left := (await self.simulator.account(number))["unanswered"]) > but:
            if time.monotonic() - began > within:
                raise TimeoutError(f"{left} messages are unanswered after {within} s: {await self._not_done()}")
            await asyncio.sleep(0.1)
        return time.monotonic() - began

    # --- rows ---------------------------------------------------------------------------------------------------------

    async def rows(self, query: str, **values: Any) -> list[Any]:
        """The rows of a query; `:line` is the line's integration."""
        async with self.database.transaction() as connection:
            line = {"line": self.line.integration_id} if ":line" in query else {}
            found = await connection.execute(text(query), values | line)
            return list(found)

    async def states(self, direction: Literal["in", "out"]) -> Counter[str]:
        """How many messages of the line are in each state."""
        query = (
            "SELECT state, count(*) AS number FROM messages "
            "WHERE integration_id = :line AND direction = :direction GROUP BY state"
        )
        return Counter({row.state: row.number for row in await self.rows(query, direction=direction)})

    async def _not_done(self) -> list[dict[str, Any]]:
        """Some rows that are not at rest, for whoever reads why a test failed."""
        query = (
            "SELECT m.conversation_id, m.direction, m.state, m.attempt, m.hold, m.reason, m.created_at, m.claimed_at, "
            "m.hold_until, c.due_at, c.nudged_at, c.turn_began_at, clock_timestamp() AS now "
            "FROM messages m JOIN conversations c ON c.id = m.conversation_id "
            "WHERE m.integration_id = :line AND m.state NOT IN ('accepted', 'in_turn')"
        )
        return [dict(row._mapping) for row in await self.rows(f"{query} LIMIT 3")]

    async def sending(self) -> set[UUID]:
        """The messages that are `sending` at this moment."""
        query = "SELECT id FROM messages WHERE integration_id = :line AND state = 'sending'"
        return {row.id for row in await self.rows(query)}

    async def is_posting(self) -> bool:
        """Whether some messages are in mid-post."""
        return len(await self.sending()) >= 3

    async def resolved(self, message_ids: set[UUID]) -> int:
        """Wait until each row that was `sending` when its worker died is accepted or unknown; how many are unknown.

        Its status tells that it left. One that was claimed and not yet posted nobody knows of: time tells.
        """
        query = "SELECT state FROM messages WHERE id = ANY(CAST(:ids AS uuid[]))"

        async def none_is_sending() -> bool:
            return "sending" not in {row.state for row in await self.rows(query, ids=list(message_ids))}

        within = SENDING_TIMEOUT + PROMPT.total_seconds()
        await self.until(none_is_sending, within=within, what="no row is `sending` any more")
        states = [row.state for row in await self.rows(query, ids=list(message_ids))]
        assert set(states) <= {"accepted", "unknown"}, states
        return states.count("unknown")

    async def until(self, met: Callable[[], Awaitable[bool]], *, within: float, what: str) -> None:
        """Wait for something, `within` seconds on a machine at its usual pace.

        Raises:
            TimeoutError: it did not happen; names it.
        """
        deadline = time.monotonic() + within * self.slowness
        while not await met():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {within} s: {what}")
            await asyncio.sleep(0.1)

    # --- the reckoning ------------------------------------------------------------------------------------------------

    async def reckon(self, *, apart: int = 0) -> None:
        """Nothing lost, doubled, stuck or failed on the line; `apart` messages may be `unknown` and unanswered."""
        assert await self.simulator.settle(timedelta(seconds=20)), "webhooks were never acknowledged"
        account = await self.account()
        assert account["doubled_ids"] == []
        assert account["repeated_ids"] == []
        assert account["unanswered"] <= apart, account["unanswered_messages"]
        await self.until(self._is_at_rest, within=40, what="statuses are applied and rows at rest")
        await self._each_inbound_is_in_one_turn(account["inbound"])
        outbound = await self.states("out")
        assert set(outbound) <= {"accepted", "unknown"}, outbound
        assert outbound["unknown"] <= apart
        await self.no_run_failed()

    async def _is_at_rest(self) -> bool:
        pending = await self.rows("SELECT 1 FROM webhook_events WHERE state = 'pending' LIMIT 1")
        busy = {"received"} & set(await self.states("in")) or {"queued", "sending"} & set(await self.states("out"))
        return not pending and not busy

    async def is_settled(self) -> bool:
        """Whether everything is at rest, and no row that is `unknown` waits for a status any more."""
        waiting = (
            "SELECT 1 FROM messages WHERE integration_id = :line AND state = 'unknown' AND unknown_until IS NOT NULL"
        )
        return await self._is_at_rest() and not await self.rows(f"{waiting} LIMIT 1")

    async def _each_inbound_is_in_one_turn(self, inbound: int) -> None:
        query = "SELECT turn_id FROM messages WHERE integration_id = :line AND direction = 'in'"
        turns = [row.turn_id for row in await self.rows(query)]
        assert len(turns) == inbound
        assert all(turns), await self.states("in")

    async def no_run_failed(self) -> None:
        """No run of the line ended FAILED, timed out or was terminated, and none is longer than `EVENTS_MOST`."""
        client = await self.temporal()
        async for run in client.list_workflows(f"WaOrganization = '{self.line.organization_id}'"):
            described = await client.get_workflow_handle(run.id, run_id=run.run_id).describe()
            assert described.status is not None
            assert described.status.name in {"RUNNING", "COMPLETED", "CONTINUED_AS_NEW"}, run.id
            assert described.history_length <= EVENTS_MOST, run.id

    async def error_reports(self) -> list[Any]:
        """Unexpected errors of the whole house."""
        return await self.rows('SELECT at, "where", type, trace FROM error_reports')


def new_customers(size: int) -> list[str]:
    """Phone numbers that nobody has written from."""
    return [str(next(_customers)) for _ in range(size)]
