"""Event endpoints: the URLs of businesses that are told what happens to their numbers."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import audit
from store.audit import OURSELVES, By
from store.engine import Database
from store.errors import NotFoundError
from store.event_types import EventType
from store.ids import new_id
from store.paging import Keyset, Page, PageRequest
from store.sealing import KeyRing
from store.tables import event_endpoints

_SECRET_BYTES = 32
_ORDER = Keyset("event-endpoints", event_endpoints.c.id)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One URL, as its owner sees it."""

    id: UUID
    url: str
    types: list[str] | None
    """Which types it wants; null: all."""
    enabled: bool
    disabled_reason: str | None
    """Why it was switched off, if that was not its owner's doing."""
    disabled_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Registered:
    """A new endpoint with the secret that signs what it gets: shown this once."""

    endpoint: Endpoint
    secret: str


async def register(
    database: Database,
    ring: KeyRing,
    *,
    organization_id: UUID,
    url: str,
    types: Sequence[EventType] | None,
    by: By = OURSELVES,
) -> Registered:
    """A new endpoint; `url` has passed `event_urls.check_url`."""
    endpoint_id = new_id()
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    row = {
        "id": endpoint_id,
        "organization_id": organization_id,
        "url": url,
        "secret_sealed": ring.seal(secret, table="event_endpoints", column="secret_sealed", row=endpoint_id),
        "types": None if types is None else list(types),
    }
    async with database.transaction() as connection:
        made = await connection.execute(insert(event_endpoints).values(row).returning(*event_endpoints.c))
        await _note(connection, organization_id, endpoint_id, "registered", by)
        return Registered(_endpoint(made.mappings().one()), secret)


def open_endpoint_secret(ring: KeyRing, sealed: bytes, endpoint_id: UUID) -> str:
    """The secret that signs what an endpoint gets.

    Raises:
        SealingError: its key is not in the ring.
    """
    return ring.open(sealed, table="event_endpoints", column="secret_sealed", row=endpoint_id)


async def list_endpoints(database: Database, organization_id: UUID, wanted: PageRequest) -> Page[Endpoint]:
    """The organization's endpoints, the newest first."""
    async with database.transaction() as connection:
        return await _ORDER.page(connection, _theirs(organization_id), wanted, make=_endpoint)


async def read_endpoint(database: Database, organization_id: UUID, endpoint_id: UUID) -> Endpoint:
    """One endpoint.

    Raises:
        NotFoundError: the organization has no such endpoint.
    """
    async with database.transaction() as connection:
        return await endpoint_in(connection, organization_id, endpoint_id)


async def change_endpoint(
    database: Database,
    *,
    organization_id: UUID,
    endpoint_id: UUID,
    url: str,
    types: Sequence[EventType] | None,
    enabled: bool,
    by: By = OURSELVES,
) -> Endpoint:
    """Give an endpoint another URL or other types, switch it on or off; `url` has passed `event_urls.check_url`.

    Raises:
        NotFoundError: the organization has no such endpoint.
    """
    off = func.coalesce(event_endpoints.c.disabled_at, func.now())
    values: dict[str, Any] = {"url": url, "types": None if types is None else list(types), "enabled": enabled}
    values |= {"disabled_at": off} if not enabled else {"disabled_at": None, "disabled_reason": None}
    async with database.transaction() as connection:
        changed = await _change(connection, organization_id, endpoint_id, values)
        await _note(connection, organization_id, endpoint_id, "changed", by)
    return changed


async def remove_endpoint(
    database: Database, *, organization_id: UUID, endpoint_id: UUID, by: By = OURSELVES
) -> Endpoint:
    """Take an endpoint away; what was on its way to it ends at the next attempt. The record of it is kept.

    Raises:
        NotFoundError: the organization has no such endpoint.
    """
    async with database.transaction() as connection:
        gone = await _change(connection, organization_id, endpoint_id, {"enabled": False, "deleted_at": func.now()})
        await _note(connection, organization_id, endpoint_id, "deleted", by)
    return gone


def _theirs(organization_id: UUID) -> Select[Any]:
    return select(event_endpoints).where(
        event_endpoints.c.organization_id == organization_id, event_endpoints.c.deleted_at.is_(None)
    )


async def endpoint_in(connection: AsyncConnection, organization_id: UUID, endpoint_id: UUID) -> Endpoint:
    """One endpoint, in the caller's transaction. Raises as `read_endpoint` does."""
    found = await connection.execute(_theirs(organization_id).where(event_endpoints.c.id == endpoint_id))
    row = found.mappings().one_or_none()
    if row is None:
        raise NotFoundError("There is no such event endpoint.")
    return _endpoint(row)


async def _change(
    connection: AsyncConnection, organization_id: UUID, endpoint_id: UUID, values: dict[str, Any]
) -> Endpoint:
    statement = (
        update(event_endpoints)
        .where(
            event_endpoints.c.id == endpoint_id,
            event_endpoints.c.organization_id == organization_id,
            event_endpoints.c.deleted_at.is_(None),
        )
        .values(values)
        .returning(*event_endpoints.c)
    )
    row = (await connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFoundError("There is no such event endpoint.")
    return _endpoint(row)


async def _note(connection: AsyncConnection, organization_id: UUID, endpoint_id: UUID, what: str, by: By) -> None:
    await audit.note(
        connection,
        organization_id=organization_id,
        action=f"event_endpoint.{what}",
        subject_id=endpoint_id,
        actor=by.actor,
        actor_id=by.actor_id,
    )


def _endpoint(row: RowMapping) -> Endpoint:
    return Endpoint(
        row["id"],
        row["url"],
        row["types"],
        row["enabled"],
        row["disabled_reason"],
        row["disabled_at"],
        row["created_at"],
    )
