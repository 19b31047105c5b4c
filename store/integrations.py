"""Integrations: the WhatsApp numbers that organizations have connected, their tokens and states."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import case, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from store import nudges
from store.engine import Database
from store.errors import ConflictError, NotFoundError
from store.hashing import KeyedHash
from store.ids import new_id
from store.sealing import KeyRing
from store.tables import agent_flows, integrations, messages, rate_slots, wabas

IntegrationState = Literal["connecting", "live", "held", "stopped", "disconnected"]
UnknownPolicy = Literal["ask", "resend", "give_up"]


async def connect_number(  # noqa: PLR0913 - each is a fact of its own that only the caller knows
    database: Database,
    ring: KeyRing,
    keyed_hash: KeyedHash,
    *,
    organization_id: UUID,
    agent_flow_id: UUID,
    waba_id: str,
    business_id: str | None = None,
    phone_number: str,
    phone_number_id: str,
    access_token: str,
    token_type: str = "SYSTEM_USER",  # noqa: S107 - a kind of token, none itself
    token_expires_at: datetime | None = None,
    verify_token: str,
    per_second: int = 80,
    unknown_policy: UnknownPolicy = "ask",
    state: IntegrationState = "live",
) -> UUID:
    """Connect a number that is ready at Meta; answers the integration's id.

    `per_second` is Meta's throughput of the number, sent and received together.

    Raises:
        NotFoundError: the organization has no such agent flow.
        ConflictError: the number is connected already, here or in another organization.
    """
    integration_id = new_id()
    row = {
        "id": integration_id,
        "organization_id": organization_id,
        "agent_flow_id": agent_flow_id,
        "waba_id": waba_id,
        "phone_number": phone_number,
        "phone_number_id": phone_number_id,
        "access_token_sealed": _seal_token(ring, access_token, integration_id),
        "access_token_type": token_type,
        "access_token_expires_at": token_expires_at,
        "verify_token_hash": keyed_hash.digest(verify_token),
        "unknown_policy": unknown_policy,
        "state": state,
        "state_since": func.clock_timestamp(),
    }
    async with database.transaction() as connection:
        await _check_agent_flow(connection, organization_id, agent_flow_id)
        waba_row_id = await _waba(connection, organization_id, waba_id=waba_id, business_id=business_id)
        statement = upsert(integrations).values(row | {"waba_row_id": waba_row_id})
        # Spelled out: after five calls Postgres plans without the values, and a bound one then matches no index.
        free = statement.on_conflict_do_nothing(
            index_elements=["phone_number_id"], index_where=text("state <> 'disconnected'")
        )
        if (await connection.execute(free.returning(integrations.c.id))).one_or_none() is None:
            raise ConflictError("This phone number is connected already.")
        await connection.execute(insert(rate_slots).values(integration_id=integration_id, per_second=per_second))
    return integration_id


async def verify_token_matches(database: Database, keyed_hash: KeyedHash, token: str) -> bool:
    """Whether an enabled or connecting integration has this verify token."""
    query = select(integrations.c.id).where(
        integrations.c.verify_token_hash == keyed_hash.digest(token),
        integrations.c.state != "disconnected",
        or_(integrations.c.enabled, integrations.c.state == "connecting"),
    )
    async with database.transaction() as connection:
        return (await connection.execute(query.limit(1))).one_or_none() is not None


async def set_enabled(database: Database, *, organization_id: UUID, integration_id: UUID, enabled: bool) -> None:
    """The owner's own switch: while it is off messages are kept and nothing leaves. On again, what waits goes on.

    Raises:
        NotFoundError: the organization has no such integration.
    """
    async with database.transaction() as connection:
        await _change(connection, organization_id, integration_id, {"enabled": enabled})


async def set_state(
    database: Database,
    *,
    organization_id: UUID,
    integration_id: UUID,
    state: IntegrationState,
    reason: str | None = None,
) -> None:
    """Hold, stop, release or disconnect a number; `reason` says why, in words. Released, what waits goes on.

    Raises:
        NotFoundError: the organization has no such integration.
    """
    changes = {"state": state, "state_reason": reason, "state_since": func.clock_timestamp()}
    async with database.transaction() as connection:
        await _change(connection, organization_id, integration_id, changes)


async def replace_token(
    database: Database,
    ring: KeyRing,
    *,
    organization_id: UUID,
    integration_id: UUID,
    access_token: str,
    token_type: str = "SYSTEM_USER",  # noqa: S107 - a kind of token, none itself
    token_expires_at: datetime | None = None,
) -> None:
    """Put a new access token in the place of a dead one and release the number if it was held for that.

    Raises:
        NotFoundError: the organization has no such integration.
    """
    held = integrations.c.state == "held"
    changes = {
        "access_token_sealed": _seal_token(ring, access_token, integration_id),
        "access_token_type": token_type,
        "access_token_expires_at": token_expires_at,
        "state_reason": case((held, None), else_=integrations.c.state_reason),
        "state_since": case((held, func.clock_timestamp()), else_=integrations.c.state_since),
        "state": case((held, "live"), else_=integrations.c.state),
    }
    async with database.transaction() as connection:
        await _change(connection, organization_id, integration_id, changes)


def open_token(ring: KeyRing, sealed: bytes, integration_id: UUID) -> str:
    """The access token of a number.

    Raises:
        SealingError: its key is not in the ring.
    """
    return ring.open(sealed, table="integrations", column="access_token_sealed", row=integration_id)


def _seal_token(ring: KeyRing, access_token: str, integration_id: UUID) -> bytes:
    return ring.seal(access_token, table="integrations", column="access_token_sealed", row=integration_id)


async def _check_agent_flow(connection: AsyncConnection, organization_id: UUID, agent_flow_id: UUID) -> None:
    query = select(agent_flows.c.id).where(
        agent_flows.c.id == agent_flow_id, agent_flows.c.organization_id == organization_id
    )
    if (await connection.execute(query)).one_or_none() is None:
        raise NotFoundError("This organization has no such agent flow.")


async def _waba(connection: AsyncConnection, organization_id: UUID, *, waba_id: str, business_id: str | None) -> UUID:
    statement = upsert(wabas).values(
        id=new_id(), organization_id=organization_id, waba_id=waba_id, business_id=business_id
    )
    known = statement.on_conflict_do_update(
        index_elements=["organization_id", "waba_id"],
        set_={"business_id": func.coalesce(statement.excluded.business_id, wabas.c.business_id)},
    )
    waba_row_id: UUID = (await connection.execute(known.returning(wabas.c.id))).scalar_one()
    return waba_row_id


async def _change(
    connection: AsyncConnection, organization_id: UUID, integration_id: UUID, changes: Mapping[str, object]
) -> None:
    statement = (
        update(integrations)
        .where(integrations.c.id == integration_id, integrations.c.organization_id == organization_id)
        .values(dict(changes))
        .returning(integrations.c.state, integrations.c.enabled)
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise NotFoundError("This organization has no such integration.")
    if row.enabled and row.state == "live":
        await _mark_waiting_due(connection, integration_id)


async def _mark_waiting_due(connection: AsyncConnection, integration_id: UUID) -> None:
    # In which order they leave, and whether they are stale by now, the look at each conversation decides.
    query = (
        select(messages.c.conversation_id)
        .where(messages.c.integration_id == integration_id, messages.c.state.in_(("received", "queued")))
        .distinct()
    )
    await nudges.mark_due(connection, (await connection.execute(query)).scalars().all())
