"""Agent flows: who answers a number's customers. A number that is connected names one."""

import base64
import secrets
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from api import onboarding_examples as examples
from api.auth import Caller, Store
from api.contracts import ListingQuery
from api.examples import answers
from store import agent_flows
from store.agent_flows import AgentFlow, MadeAgentFlow
from store.event_urls import check_url
from store.organizations import create_agent_flow
from store.paging import Page

router = APIRouter(prefix="/api/v1", tags=["Numbers"])

_SECRET_BYTES = 32
_EXAMPLE: dict[str, JsonValue] = {"name": "Orders", "kind": "http", "url": "https://agent.example.com/whatsapp"}


class NewAgentFlow(BaseModel):
    """A way to answer customers: `echo` repeats what they write, `http` asks your agent at `url`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    name: str = Field(min_length=1, max_length=200)
    kind: Literal["echo", "http"]
    url: str | None = Field(default=None, max_length=2000, description="Where your agent is asked; for `http` only.")


@router.get("/agent-flows", responses=answers(200, examples.AGENT_FLOWS, 401, 422))
async def read_agent_flows(organization_id: Caller, database: Store, listing: ListingQuery) -> Page[AgentFlow]:
    """List agent flows, the newest first."""
    return await agent_flows.list_agent_flows(database, organization_id, listing.wanted())


@router.post("/agent-flows", status_code=201, responses=answers(201, examples.MADE_AGENT_FLOW, 401, 422))
async def make_agent_flow(
    organization_id: Caller, database: Store, request: Request, wanted: NewAgentFlow
) -> MadeAgentFlow:
    """Make an agent flow. The secret that signs what an `http` agent is asked is shown in this answer only."""
    secret = None
    if wanted.kind == "http":
        check_url(wanted.url or "", private_addresses=request.app.state.settings.agent.private_addresses)
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    flow_id = await create_agent_flow(
        database,
        request.app.state.ring,
        organization_id=organization_id,
        name=wanted.name,
        kind=wanted.kind,
        url=wanted.url if wanted.kind == "http" else None,
        secret=secret,
    )
    return MadeAgentFlow(await agent_flows.agent_flow(database, organization_id, flow_id), secret)
