"""Onboardings that are begun over HTTP, and one that waits."""

from typing import Any
from uuid import UUID

import httpx

from tests.api.edge import Edge, Tenant
from tests.rows import change

PATH = "/api/v1/whatsapp/onboardings"
CODE = "AQBcanary-of-a-code/with+signs="
PIN = "739201"


async def start(shop: Tenant, **request: Any) -> httpx.Response:
    """Begin one with a code."""
    return await shop.client.post(PATH, json={"code": CODE, "agent_flow_id": str(shop.number.agent_flow_id)} | request)


async def waiting(shop: Tenant, api: Edge, wait: str, step: str, **columns: Any) -> str:
    """An onboarding that waits for a person."""
    started = (await start(shop)).json()["id"]
    values = {"waiting_for": wait, "step": step} | columns
    sets = ", ".join(f"{name} = :{name}" for name in values)
    statement = f"UPDATE onboardings SET {sets}, waiting_since = now(), due_at = NULL WHERE id = :id"  # noqa: S608
    await change(api.database, statement, id=UUID(started), **values)
    return str(started)
