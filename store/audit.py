"""The audit log: what was done to what, and by whom. Written in the transaction that does it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from store.tables import audit_log

Actor = Literal["person", "key", "meta", "holdfast"]


@dataclass(frozen=True, slots=True)
class By:
    """Who does something: a person or a key with its id, Meta, or Holdfast itself."""

    actor: Actor = "holdfast"
    actor_id: UUID | None = None


OURSELVES = By()


async def note(
    connection: AsyncConnection,
    *,
    organization_id: UUID,
    action: str,
    subject_id: UUID | None = None,
    actor: Actor = "holdfast",
    actor_id: UUID | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Keep that something was done; `detail` holds ids, codes and words of ours, never a secret."""
    row = {"organization_id": organization_id, "at": func.clock_timestamp(), "action": action, "subject_id": subject_id}
    who = {"actor": actor, "actor_id": actor_id, "detail": None if detail is None else dict(detail)}
    await connection.execute(insert(audit_log).values(row | who))
