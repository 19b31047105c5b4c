"""Organizations (the tenants), the API keys that speak for them, and the agent flows that answer for them."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import Text, cast, insert, or_, select

from store.engine import Database
from store.errors import InvalidRequestError
from store.hashing import KeyedHash
from store.ids import new_id
from store.sealing import KeyRing
from store.tables import agent_flows, api_keys, organizations

_PAUSES = {"echo": timedelta(0), "http": timedelta(milliseconds=400)}


async def create_organization(database: Database, name: str) -> UUID:
    """A new tenant; answers its id."""
    organization_id = new_id()
    async with database.transaction() as connection:
        await connection.execute(insert(organizations).values(id=organization_id, name=name))
    return organization_id


async def organizations_called(database: Database, id_or_name: str) -> list[UUID]:
    """The tenants with this id or name, the oldest first: nothing keeps two from having one name."""
    called = or_(organizations.c.name == id_or_name, cast(organizations.c.id, Text) == id_or_name.lower())
    async with database.transaction() as connection:
        found = await connection.scalars(select(organizations.c.id).where(called).order_by(organizations.c.id))
        return list(found)


async def create_api_key(database: Database, keyed_hash: KeyedHash, *, organization_id: UUID, name: str) -> str:
    """A new key for the management API, `hf_<prefix>_<secret>`: only its hash is kept, so it is shown this once."""
    prefix = secrets.token_hex(6)
    key = f"hf_{prefix}_{secrets.token_urlsafe(32)}"
    row = {"id": new_id(), "organization_id": organization_id, "name": name}
    async with database.transaction() as connection:
        await connection.execute(insert(api_keys).values(row | {"prefix": prefix, "key_hash": keyed_hash.digest(key)}))
    return key


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that is good, and whom it speaks for."""

    id: UUID
    organization_id: UUID


async def organization_of_key(database: Database, keyed_hash: KeyedHash, key: str) -> UUID | None:
    """Whom an API key speaks for; None when it is unknown, malformed or revoked."""
    found = await api_key(database, keyed_hash, key)
    return None if found is None else found.organization_id


async def api_key(database: Database, keyed_hash: KeyedHash, key: str) -> ApiKey | None:
    """The key behind what a caller sent; None when it is unknown, malformed or revoked."""
    parts = key.split("_", 2)
    if len(parts) != 3 or parts[0] != "hf" or not key.isascii():  # noqa: PLR2004 - hf, prefix, secret
        return None
    query = select(api_keys.c.key_hash, api_keys.c.id, api_keys.c.organization_id).where(
        api_keys.c.prefix == parts[1], api_keys.c.revoked_at.is_(None)
    )
    async with database.transaction() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None or not keyed_hash.matches(key, row.key_hash):
        return None
    return ApiKey(row.id, row.organization_id)


async def create_agent_flow(
    database: Database,
    ring: KeyRing,
    *,
    organization_id: UUID,
    name: str,
    kind: Literal["echo", "http"],
    url: str | None = None,
    secret: str | None = None,
    pause: timedelta | None = None,
) -> UUID:
    """A way to answer customers: `echo`, or `http`, which asks `url` and signs with `secret` (Standard Webhooks).

    Messages that arrive within `pause` of each other are answered as one turn; by default none for an instant agent,
    400 ms for one that is asked.

    Raises:
        InvalidRequestError: an `http` flow without a URL or a secret.
    """
    if kind == "http" and not (url and secret):
        raise InvalidRequestError("An http agent flow needs a url and a secret.")
    flow_id = new_id()
    sealed = None if secret is None else ring.seal(secret, table="agent_flows", column="secret_sealed", row=flow_id)
    waited = pause if pause is not None else _PAUSES[kind]
    row = {
        "id": flow_id,
        "organization_id": organization_id,
        "name": name,
        "kind": kind,
        "url": url,
        "secret_sealed": sealed,
        "pause_ms": waited // timedelta(milliseconds=1),
    }
    async with database.transaction() as connection:
        await connection.execute(insert(agent_flows).values(row))
    return flow_id


def open_agent_secret(ring: KeyRing, sealed: bytes, agent_flow_id: UUID) -> str:
    """The secret that signs what we ask an agent.

    Raises:
        SealingError: its key is not in the ring.
    """
    return ring.open(sealed, table="agent_flows", column="secret_sealed", row=agent_flow_id)
