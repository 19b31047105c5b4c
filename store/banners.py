"""What needs the owner's eye first: what is wrong with their numbers, and endpoints that hear nothing."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from store.engine import Database
from store.findings import Finding, open_findings
from store.tables import event_endpoints


@dataclass(frozen=True, slots=True)
class SilentEndpoint:
    """An event endpoint that was switched off because it did not answer."""

    id: UUID
    url: str
    reason: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Banners:
    """What the first page of the console says on top."""

    findings: list[Finding]
    """Open ones, the worst first."""
    silent_endpoints: list[SilentEndpoint]


async def banners(database: Database, organization_id: UUID) -> Banners:
    """What needs somebody of this organization now."""
    table = event_endpoints.c
    silent = select(table.id, table.url, table.disabled_reason, table.disabled_at).where(
        table.organization_id == organization_id,
        table.enabled.is_(False),
        table.disabled_reason.is_not(None),
        table.deleted_at.is_(None),
    )
    async with database.transaction() as connection:
        found = await open_findings(connection, organization_id)
        endpoints = [SilentEndpoint(*row) for row in await connection.execute(silent.order_by(table.id))]
    return Banners(found, endpoints)
