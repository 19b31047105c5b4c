"""The demo's first part: a business connects its number, as its own frontend would, step by step."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx

from cli import tenant
from simulator.client import SimulatorClient

_PATIENCE = timedelta(seconds=20)
_POLL = 0.05


async def connect(
    api: httpx.AsyncClient, simulator: SimulatorClient, business: tenant.Business, *, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Finish Meta's signup, hand its code to Holdfast and tell each step as it happens; the onboarding, live.

    Raises:
        TimeoutError: it did not become live in time; says where it stands.
    """
    await simulator.prepare_number(
        tenant.PHONE_NUMBER_ID, waba_id=tenant.WABA_ID, display_phone_number=tenant.PHONE_NUMBER
    )
    code = await simulator.issue_code(tenant.WABA_ID)
    began = time.monotonic()
    given = {
        "code": code,
        "agent_flow_id": str(business.agent_flow_id),
        "event": "FINISH",
        "waba_id": tenant.WABA_ID,
        "phone_number_id": tenant.PHONE_NUMBER_ID,
    }
    answer = (await api.post("/onboardings", json=given)).raise_for_status()
    path = f"/onboardings/{answer.json()['id']}"
    tell(f"{'code handed over':18} 202 in {(time.monotonic() - began) * 1000:.0f} ms")
    shown: set[str] = set()
    async for onboarding in _read(api, path):
        for step in onboarding["steps"]:
            if step["state"] in ("done", "skipped") and step["step"] not in shown:
                shown.add(step["step"])
                tell(f"{step['step']:18} {step['says']} [dim]{(time.monotonic() - began) * 1000:.0f} ms[/dim]")
        if onboarding["state"] == "live" and "activate" in shown:  # the row is live a moment before its step is done
            return onboarding
        if onboarding["state"] not in ("running", "live"):
            raise TimeoutError(f"it is {onboarding['state']}: {onboarding['error']}")
    raise TimeoutError("the onboarding ended before it was live")


async def proof(api: httpx.AsyncClient, onboarding_id: str) -> dict[str, Any]:
    """Wait until a customer's message has proven the number; the onboarding, ended.

    Raises:
        TimeoutError: none has.
    """
    async for onboarding in _read(api, f"/onboardings/{onboarding_id}"):
        if onboarding["ended_at"] is not None:
            return onboarding
    raise TimeoutError("the number was not proven")


async def _read(api: httpx.AsyncClient, path: str) -> AsyncIterator[dict[str, Any]]:
    """The onboarding, again and again."""
    deadline = time.monotonic() + _PATIENCE.total_seconds()
    while True:
        onboarding: dict[str, Any] = (await api.get(path)).raise_for_status().json()
        yield onboarding
        if time.monotonic() > deadline:
            raise TimeoutError(f"it stands at `{onboarding['step']}`: {onboarding['says']}")
        await asyncio.sleep(_POLL)
