"""Agent flows as their organization sees them: who answers a number's customers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, select

from store.engine import Database
from store.errors import NotFoundError
from store.paging import Keyset, Page, PageRequest
from store.tables import agent_flows

_ORDER = Keyset("agent-flows", agent_flows.c.id)


@dataclass(frozen=True, slots=True)
class AgentFlow:
    """One way to answer customers."""

    id: UUID
    name: str
    kind: str
    """echo, or http: the business's own agent behind a URL."""
    url: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MadeAgentFlow:
    """A new agent flow, for `http` with the secret that signs what it is asked: shown this once."""

    agent_flow: AgentFlow
    secret: str | None


async def list_agent_flows(database: Database, organization_id: UUID, wanted: PageRequest) -> Page[AgentFlow]:
    """The organization's agent flows, the newest first."""
    async with database.transaction() as connection:
        return await _ORDER.page(connection, _theirs(organization_id), wanted, make=_agent_flow)


async def agent_flow(database: Database, organization_id: UUID, agent_flow_id: UUID) -> AgentFlow:
    """One of them.

    Raises:
        NotFoundError: the organization has no such agent flow.
    """
    query = _theirs(organization_id).where(agent_flows.c.id == agent_flow_id)
    async with database.transaction() as connection:
        row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFoundError("This organization has no such agent flow.")
    return _agent_flow(row)


def _theirs(organization_id: UUID) -> Select[Any]:
    columns = (agent_flows.c.id, agent_flows.c.name, agent_flows.c.kind, agent_flows.c.url, agent_flows.c.created_at)
    return select(*columns).where(agent_flows.c.organization_id == organization_id)


def _agent_flow(row: RowMapping) -> AgentFlow:
    return AgentFlow(row["id"], row["name"], row["kind"], row["url"], row["created_at"])
