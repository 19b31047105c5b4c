"""Businesses that connect numbers in a house of real processes, and the account of what was asked of Meta for each."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from simulator.onboarding_client import Prepared
from tests.faults.house import House

ONCE = ("exchange", "subscribe", "register")
"""Calls that are never to take effect twice for one number."""
HASTE = {"NUDGE_REPEAT": "2", "ONBOARDING_FIRST_RETRY": "0.2"}
"""Intake asks again sooner than in production (10 s), and a step that Meta refused is taken again sooner (1 s)."""


@dataclass(frozen=True, slots=True)
class Signup:
    """A signup that was finished at Meta, and the onboarding that its code began."""

    onboarding_id: str
    number: Prepared
    code: str


@dataclass(slots=True)
class Signups:
    """The front door of onboardings: the API, as a business's own frontend uses it."""

    house: House
    api: httpx.AsyncClient
    agent_flow_id: str

    async def begin(self, *, code: str | None = None, waba_id: str | None = None, **standing: Any) -> Signup:
        """A new number, signed up at Meta; its code handed over. `code`: this one instead of a new one."""
        number = await self.house.simulator.prepare_number(waba_id=waba_id, **standing)
        return await self.hand_over(number, code or await self.house.simulator.issue_code(number.waba_id))

    async def hand_over(self, number: Prepared, code: str) -> Signup:
        """Give Holdfast the code of a signup."""
        given = {
            "code": code,
            "agent_flow_id": self.agent_flow_id,
            "waba_id": number.waba_id,
            "phone_number_id": number.phone_number_id,
            "event": "FINISH",
        }
        answer = await self.api.post("/onboardings", json=given)
        assert answer.status_code == 202, answer.text
        return Signup(answer.json()["id"], number, code)

    async def read(self, signup: Signup) -> dict[str, Any]:
        """Where it stands."""
        answer: dict[str, Any] = (await self.api.get(f"/onboardings/{signup.onboarding_id}")).raise_for_status().json()
        return answer

    async def until(
        self, signup: Signup, met: Callable[[dict[str, Any]], bool], *, within: float = 40
    ) -> dict[str, Any]:
        """Wait until the onboarding stands so, `within` seconds at the usual pace.

        Raises:
            TimeoutError: it does not; says where it stands.
        """
        deadline = time.monotonic() + within * self.house.slowness
        while not met(onboarding := await self.read(signup)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{onboarding['state']} at {onboarding['step']}: {onboarding['says']}")
            await asyncio.sleep(0.1)
        return onboarding

    async def ended(self, signup: Signup, *, within: float = 40) -> dict[str, Any]:
        """Wait until the number is live, or the onboarding has failed."""
        return await self.until(signup, lambda onboarding: onboarding["state"] != "running", within=within)

    async def effects(self, signup: Signup) -> Counter[str]:
        """How often each of the calls in `ONCE` took effect at Meta for this number (a code's exchange: in all)."""
        number = signup.number
        counted = Counter[str]()
        for call, object_id in (("subscribe", number.waba_id), ("register", number.phone_number_id)):
            counted[call] = sum(made.outcome == "ok" for made in await self.house.simulator.calls(call, object_id))
        return counted

    async def no_run_failed(self) -> None:
        """No onboarding's run ended FAILED, timed out or was terminated."""
        client = await self.house.temporal()
        async for run in client.list_workflows("WorkflowType = 'OnboardingWorkflow'"):
            assert run.status is not None
            assert run.status.name in {"RUNNING", "COMPLETED", "CONTINUED_AS_NEW"}, run.id


@asynccontextmanager
async def signing_up(house: House) -> AsyncIterator[Signups]:
    """The signups of the house's organization."""
    (row,) = await house.rows("SELECT agent_flow_id FROM integrations WHERE id = :line")
    async with httpx.AsyncClient(
        base_url=f"{house.stack.api_url}/api/v1/whatsapp",
        headers={"Authorization": f"Bearer {house.line.api_key}"},
        trust_env=False,
        timeout=30,
    ) as api:
        yield Signups(house, api, str(row.agent_flow_id))
