"""The messages of which nobody knows whether they arrived, page by page, and how many wait for a person."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Select, func, select

from store.engine import Database
from store.holds import IS_ASKED_ABOUT
from store.paging import Keyset, Page, PageRequest
from store.reading.messages import COLUMNS, Message, message_of, with_what_belongs_to_them
from store.reading.parties import Parties, parties_of, with_parties
from store.tables import integrations, message_decisions, messages

WaitsFor = Literal["status", "person"]

_ORDER = Keyset("unknown-messages", messages.c.created_at, messages.c.id)


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """A message whose outcome is unknown."""

    message: Message
    parties: Parties
    attempt: int
    policy: str
    waits_for: WaitsFor
    """`status`: one of Meta's may still tell, until `awaited_until`. `person`: somebody has to decide."""
    unknown_since: datetime
    """When its latest attempt was made."""
    awaited_until: datetime | None
    asked_at: datetime | None
    """Since when a person is asked."""


async def list_unknown(
    database: Database,
    organization_id: UUID,
    wanted: PageRequest,
    *,
    integration_id: UUID | None = None,
    waits_for: WaitsFor | None = None,
) -> Page[UnknownMessage]:
    """Messages whose outcome is unknown, the newest first."""
    query = _query(organization_id)
    if integration_id is not None:
        query = query.where(messages.c.integration_id == integration_id)
    if waits_for is not None:
        query = query.where(IS_ASKED_ABOUT if waits_for == "person" else ~IS_ASKED_ABOUT)
    async with database.transaction() as connection:
        page = await _ORDER.page(connection, query, wanted, make=_unknown)
        found = [one.message for one in page.items]
        whole = await with_what_belongs_to_them(connection, organization_id, found)
    items = [replace(one, message=message) for one, message in zip(page.items, whole, strict=True)]
    return replace(page, items=items)


async def count_undecided(database: Database, organization_id: UUID) -> int:
    """How many messages wait for a person's decision."""
    query = select(func.count()).where(messages.c.organization_id == organization_id, IS_ASKED_ABOUT)
    async with database.transaction() as connection:
        return (await connection.execute(query)).scalar_one()


def _query(organization_id: UUID) -> Select[Any]:
    decided = message_decisions.c
    query = select(
        *(*COLUMNS, messages.c.attempt, messages.c.unknown_until, decided.asked_at),
        func.coalesce(messages.c.claimed_at, messages.c.created_at).label("unknown_since"),
        func.coalesce(messages.c.unknown_policy, integrations.c.unknown_policy).label("policy"),
        func.clock_timestamp().label("now"),
    )
    return (
        with_parties(query.select_from(messages))
        .outerjoin(message_decisions, (decided.message_id == messages.c.id) & (decided.attempt == messages.c.attempt))
        .where(messages.c.organization_id == organization_id, messages.c.state == "unknown")
    )


def _unknown(row: Any) -> UnknownMessage:
    awaited = row["unknown_until"] if (row["unknown_until"] or row["now"]) > row["now"] else None
    return UnknownMessage(
        message=message_of(row),
        parties=parties_of(row),
        attempt=row["attempt"],
        policy=row["policy"],
        waits_for="person" if awaited is None else "status",
        unknown_since=row["unknown_since"],
        awaited_until=awaited,
        asked_at=row["asked_at"],
    )
