"""What is wrong with a number: one open row for each thing, seen again while it lasts, told once, cleared when gone.

The caller holds the integration's row lock: two checks never open the same finding twice.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import RowMapping, Select, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import events
from store.engine import Database
from store.errors import NotFoundError
from store.event_types import EventType
from store.ids import new_id
from store.paging import Keyset, Page, PageRequest
from store.tables import findings, integrations

Subject = Literal["token", "scopes", "expiry", "subscription", "app", "number", "quality", "limit", "health", "account"]
Severity = Literal["notice", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("notice", "warning", "error")

_TELLS: dict[str, EventType] = {"token_expires": "token.expiring"}
"""What is told by an event of its own instead of finding.opened."""
_NOW = func.clock_timestamp()
_ORDER = Keyset("findings", findings.c.id)


@dataclass(frozen=True, slots=True)
class Owner:
    """The number that a finding is about."""

    integration_id: UUID
    organization_id: UUID


@dataclass(frozen=True, slots=True)
class Found:
    """Something wrong, as it was found; `code` is a heading in docs/checks.md."""

    subject: Subject
    code: str
    severity: Severity
    says: str
    next_step: str
    meta_detail: str | None = None
    """Meta's own words."""
    repaired: bool = False
    """It was put right at once."""
    told_with: Mapping[str, Any] = field(default_factory=dict)
    """What its event carries beside the words."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding as its owner sees it."""

    id: UUID
    integration_id: UUID
    subject: str
    code: str
    severity: str
    says: str
    next_step: str
    meta_detail: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    repaired_at: datetime | None
    cleared_at: datetime | None
    """None: it is open."""


async def see(connection: AsyncConnection, owner: Owner, found: Found) -> bool:
    """Record that something is wrong; tells when it is new or has become more severe. Answers whether it is new."""
    query = select(findings.c.id, findings.c.severity).where(
        findings.c.integration_id == owner.integration_id,
        findings.c.code == found.code,
        findings.c.cleared_at.is_(None),
    )
    known = (await connection.execute(query)).one_or_none()
    if known is None:
        await _open(connection, owner, found)
        return True
    worse = SEVERITIES.index(found.severity) > SEVERITIES.index(known.severity)
    values = _columns(found) | {"last_seen_at": _NOW} | ({"told_at": _NOW} if worse else {})
    await connection.execute(update(findings).where(findings.c.id == known.id).values(values))
    if worse and not found.repaired:
        await _tell(connection, owner, found, known.id)
    if found.repaired:
        await _clear(connection, owner, [known.id], repaired=True)
    return False


async def clear(
    connection: AsyncConnection,
    owner: Owner,
    *,
    subjects: Collection[str] = (),
    codes: Collection[str] = (),
    but: Collection[str] = (),
) -> list[str]:
    """Close what is open of these subjects or codes, except for some: it is gone. Answers the codes that were open."""
    query = select(findings.c.id, findings.c.code).where(
        findings.c.integration_id == owner.integration_id,
        findings.c.cleared_at.is_(None),
        or_(findings.c.subject.in_(sorted(subjects)), findings.c.code.in_(sorted(codes))),
        findings.c.code.not_in(sorted(but)),
    )
    gone = (await connection.execute(query.order_by(findings.c.id))).all()
    await _clear(connection, owner, [row.id for row in gone], repaired=False)
    return [row.code for row in gone]


async def list_findings(
    database: Database,
    organization_id: UUID,
    integration_id: UUID,
    wanted: PageRequest,
    *,
    open_only: bool = False,
) -> Page[Finding]:
    """What was found with a number, the newest first.

    Raises:
        NotFoundError: the organization has no such integration.
    """
    number = select(integrations.c.id).where(
        integrations.c.id == integration_id, integrations.c.organization_id == organization_id
    )
    query = _theirs(organization_id).where(findings.c.integration_id == integration_id)
    async with database.transaction() as connection:
        if (await connection.execute(number)).one_or_none() is None:
            raise NotFoundError("There is no such integration.")
        open_ones = query.where(findings.c.cleared_at.is_(None))
        return await _ORDER.page(connection, open_ones if open_only else query, wanted, make=_finding)


async def open_findings(connection: AsyncConnection, organization_id: UUID) -> list[Finding]:
    """What is wrong with the organization's numbers now, the worst first."""
    query = _theirs(organization_id).where(findings.c.cleared_at.is_(None)).order_by(findings.c.id)
    found = [_finding(row) for row in (await connection.execute(query)).mappings()]
    return sorted(found, key=lambda one: -SEVERITIES.index(one.severity))


async def _open(connection: AsyncConnection, owner: Owner, found: Found) -> None:
    finding_id = new_id()
    row = {
        "id": finding_id,
        "organization_id": owner.organization_id,
        "integration_id": owner.integration_id,
        "code": found.code,
        "first_seen_at": _NOW,
        "last_seen_at": _NOW,
        "told_at": _NOW,
        "repaired_at": _NOW if found.repaired else None,
        "cleared_at": _NOW if found.repaired else None,
    }
    await connection.execute(insert(findings).values(row | _columns(found)))
    await _tell(connection, owner, found, finding_id)


async def _tell(connection: AsyncConnection, owner: Owner, found: Found, finding_id: UUID) -> None:
    await events.emit(
        connection,
        organization_id=owner.organization_id,
        type=_TELLS.get(found.code, "finding.opened"),
        integration_id=owner.integration_id,
        data={
            "finding_id": str(finding_id),
            "code": found.code,
            "severity": found.severity,
            "says": found.says,
            "next_step": found.next_step,
            "repaired": found.repaired,
            **found.told_with,
        },
    )


async def _clear(connection: AsyncConnection, owner: Owner, ids: Collection[UUID], *, repaired: bool) -> None:
    if not ids:
        return
    values: dict[str, Any] = {"cleared_at": _NOW} | ({"repaired_at": _NOW} if repaired else {})
    closed = update(findings).where(findings.c.id.in_(ids)).values(values)
    for row in (await connection.execute(closed.returning(findings.c.id, findings.c.code))).all():
        await events.emit(
            connection,
            organization_id=owner.organization_id,
            type="finding.cleared",
            integration_id=owner.integration_id,
            data={
                "finding_id": str(row.id),
                "code": row.code,
                "repaired": repaired,
            },
        )


def _columns(found: Found) -> dict[str, Any]:
    return {
        "subject": found.subject,
        "severity": found.severity,
        "says": found.says,
        "next_step": found.next_step,
        "meta_detail": found.meta_detail,
    }


def _theirs(organization_id: UUID) -> Select[Any]:
    return select(findings).where(findings.c.organization_id == organization_id)


def _finding(row: RowMapping) -> Finding:
    return Finding(
        row["id"],
        row["integration_id"],
        row["subject"],
        row["code"],
        row["severity"],
        row["says"],
        row["next_step"],
        row["meta_detail"],
        row["first_seen_at"],
        row["last_seen_at"],
        row["repaired_at"],
        row["cleared_at"],
    )
