"""What a business is told of its templates, in the transaction that changes them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from store import events
from store.template_statuses import REFUSED

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """A template as far as a change of it is news."""

    id: UUID
    organization_id: UUID
    name: str
    language: str
    status: str
    category: str
    says: str | None = None
    """Why it has its status, in Meta's words."""


async def tell(connection: AsyncConnection, *, before: Standing, now: Standing) -> None:
    """Tell of another status or another category; anything else is no news."""
    about = {"template_id": str(now.id), "name": now.name, "language": now.language}
    if now.status != before.status:
        words = REFUSED.get(now.status)
        data: dict[str, Any] = {
            **about,
            "status": now.status,
            "previous_status": before.status,
            "category": now.category,
            "reason": now.says or (words.says if words else None),
            "next_step": words.next_step if words else None,
        }
        await events.emit(connection, organization_id=now.organization_id, type="template.status_changed", data=data)
        log.info("template.status_changed", template_id=str(now.id), status=now.status, previous_status=before.status)
    if now.category != before.category:
        data = {**about, "category": now.category, "previous_category": before.category}
        await events.emit(connection, organization_id=now.organization_id, type="template.category_changed", data=data)
        log.info("template.category_changed", template_id=str(now.id), category=now.category)
