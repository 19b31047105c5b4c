"""The end that is hoped for: the number goes live, then a message proves it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import and_, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import audit, events, onboarding_rows
from store.engine import Database
from store.integrations import mark_waiting_due
from store.tables import integrations, onboarding_steps

_RELEASED = or_(
    integrations.c.state == "connecting",
    and_(integrations.c.state == "held", integrations.c.state_reason.is_distinct_from("app")),
)
"""What a new token ends; what Meta has stopped, it stops still, and our app's own secret is none of a token's business.
"""

_PROOF = text("""
    SELECT CASE direction WHEN 'in' THEN 'inbound' ELSE 'template' END AS kind, wamid, created_at AS at
    FROM messages
    WHERE integration_id = :integration_id AND created_at >= :since
      AND (direction = 'in' OR (type = 'template' AND delivery IN ('delivered', 'read', 'played')))
    ORDER BY created_at LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class Proven:
    """The message that proves that the number works."""

    kind: Literal["inbound", "template"]
    wamid: str | None
    at: datetime


async def release(database: Database, integration_id: UUID) -> str:
    """Put the number live and have looked at what was kept for it; answers its state. Repeated, nothing changes."""
    freed = (
        update(integrations)
        .where(integrations.c.id == integration_id, _RELEASED)
        .values(
            state="live",
            state_reason=None,
            state_since=func.clock_timestamp(),
            # Its first check reads the account's templates.
            check_due_at=func.clock_timestamp(),
        )
        .returning(integrations.c.organization_id)
    )
    async with database.transaction() as connection:
        owner = (await connection.execute(freed)).scalar_one_or_none()
        query = select(integrations.c.state, integrations.c.enabled).where(integrations.c.id == integration_id)
        now = (await connection.execute(query)).one()
        if now.state == "live" and now.enabled:
            await mark_waiting_due(connection, integration_id)
        if owner is not None:
            about = {"organization_id": owner, "integration_id": integration_id}
            await events.emit(connection, type="integration.live", data={"state": "live"}, **about)
    state: str = now.state
    return state


async def went_live(database: Database, onboarding_id: UUID) -> None:
    """Note that the onboarding has reached what it was for. Repeated, nothing changes."""
    async with database.transaction() as connection:
        row = await onboarding_rows.lock(connection, onboarding_id)
        if row.state != "running":
            return
        await onboarding_rows.change(connection, onboarding_id, {"state": "live"})
        await events.emit(
            connection,
            organization_id=row.organization_id,
            type="onboarding.live",
            integration_id=row.integration_id,
            data={"onboarding_id": str(onboarding_id)},
        )
        await note(connection, row, "onboarding.live")


async def integration_state(database: Database, integration_id: UUID) -> str:
    """The state of a number."""
    query = select(integrations.c.state).where(integrations.c.id == integration_id)
    async with database.transaction() as connection:
        state: str = (await connection.execute(query)).scalar_one()
    return state


async def proof_of(database: Database, row: Any) -> Proven | None:
    """The first message since the activation that proves the onboarding's number."""
    began = select(func.coalesce(onboarding_steps.c.began_at, row.created_at)).where(
        onboarding_steps.c.onboarding_id == row.id, onboarding_steps.c.step == "activate"
    )
    async with database.transaction() as connection:
        since = (await connection.execute(began)).scalar_one()
        values = {"integration_id": row.integration_id, "since": since}
        found = (await connection.execute(_PROOF, values)).one_or_none()
    return None if found is None else Proven(found.kind, found.wamid, found.at)


async def note(connection: AsyncConnection, row: Any, action: str, detail: Mapping[str, Any] | None = None) -> None:
    """Keep in the audit log what Holdfast itself did to an onboarding."""
    await audit.note(connection, organization_id=row.organization_id, action=action, subject_id=row.id, detail=detail)
