"""Integrations: the WhatsApp numbers that organizations have connected, their tokens and states."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import and_, case, func, insert, or_, select, text, union, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from store import audit, events, nudges
from store.audit import OURSELVES, By
from store.engine import Database
from store.errors import ConflictError, NotFoundError
from store.hashing import KeyedHash
from store.ids import new_id
from store.sealing import KeyRing
from store.tables import agent_flows, integrations, media, messages, rate_slots
from store.wabas import find_waba

IntegrationState = Literal["connecting", "live", "held", "stopped", "disconnected"]
UnknownPolicy = Literal["evidence", "ask", "resend", "give_up"]
"""What is done when nobody knows whether a message arrived (docs/decisions/0070-a-person-or-the-evidence.md)."""


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
    unknown_policy: UnknownPolicy = "evidence",
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
        **token_columns(ring, integration_id, access_token, type=token_type, expires_at=token_expires_at),
        **verify_token_columns(ring, keyed_hash, integration_id, verify_token),
        "unknown_policy": unknown_policy,
        "state": state,
        "state_since": func.clock_timestamp(),
    }
    async with database.transaction() as connection:
        await insert_number(connection, row, business_id=business_id, per_second=per_second)
    return integration_id


async def insert_number(
    connection: AsyncConnection, row: Mapping[str, Any], *, business_id: str | None, per_second: int
) -> None:
    """Insert an integration with its account and its rate; `row` holds its columns but `waba_row_id`.

    Raises:
        NotFoundError: the organization has no such agent flow.
        ConflictError: the number is connected already, here or in another organization.
    """
    await check_agent_flow(connection, row["organization_id"], row["agent_flow_id"])
    waba_row_id = await find_waba(connection, row["organization_id"], waba_id=row["waba_id"], business_id=business_id)
    statement = upsert(integrations).values({**row, "waba_row_id": waba_row_id})
    # Spelled out: after five calls Postgres plans without the values, and a bound one then matches no index.
    free = statement.on_conflict_do_nothing(
        index_elements=["phone_number_id"], index_where=text("state <> 'disconnected'")
    )
    if (await connection.execute(free.returning(integrations.c.id))).one_or_none() is None:
        raise ConflictError("This phone number is connected already.")
    await connection.execute(insert(rate_slots).values(integration_id=row["id"], per_second=per_second))


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


async def update_integration(  # noqa: PLR0913 - what is changed, each by its name
    database: Database,
    ring: KeyRing,
    keyed_hash: KeyedHash,
    *,
    organization_id: UUID,
    integration_id: UUID,
    enabled: bool | None = None,
    agent_flow_id: UUID | None = None,
    verify_token: str | None = None,
    unknown_policy: UnknownPolicy | None = None,
    files_in_order: bool | None = None,
    actor: By = OURSELVES,
) -> None:
    """Change what is given; None leaves it. Enabled again, what waits goes on. A new token: `replace_token`.

    Raises:
        NotFoundError: the organization has no such integration or agent flow.
    """
    wanted = {
        "enabled": enabled,
        "agent_flow_id": agent_flow_id,
        "unknown_policy": unknown_policy,
        "files_in_order": files_in_order,
    }
    changes: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    if verify_token is not None:
        changes |= verify_token_columns(ring, keyed_hash, integration_id, verify_token)
    if not changes:
        return
    async with database.transaction() as connection:
        if agent_flow_id is not None:
            await check_agent_flow(connection, organization_id, agent_flow_id)
        await _change(connection, organization_id, integration_id, changes)
        await audit.note(
            connection,
            organization_id=organization_id,
            action="integration.changed",
            subject_id=integration_id,
            actor=actor.actor,
            actor_id=actor.actor_id,
            detail={"changed": sorted(name for name in changes if not name.endswith("_sealed"))},
        )


async def replace_token(  # noqa: PLR0913 - each is a fact of its own that only the caller knows
    database: Database,
    ring: KeyRing,
    *,
    organization_id: UUID,
    integration_id: UUID,
    access_token: str,
    token_type: str = "SYSTEM_USER",  # noqa: S107 - a kind of token, none itself
    token_expires_at: datetime | None = None,
    token_scopes: Collection[str] | None = None,
    actor: By = OURSELVES,
) -> None:
    """Put a new access token in the place of a dead one and release the number if it was held for that.

    What waits for our app's own secret is none of a token's business: it stays held.

    Raises:
        NotFoundError: the organization has no such integration.
    """
    held = and_(integrations.c.state == "held", integrations.c.state_reason.is_distinct_from("app"))
    changes = {
        **token_columns(
            ring, integration_id, access_token, type=token_type, expires_at=token_expires_at, scopes=token_scopes
        ),
        "state_reason": case((held, None), else_=integrations.c.state_reason),
        "state_since": case((held, func.clock_timestamp()), else_=integrations.c.state_since),
        "state": case((held, "live"), else_=integrations.c.state),
    }
    async with database.transaction() as connection:
        query = select(held).where(integrations.c.id == integration_id).with_for_update(key_share=True)
        was_held = (await connection.execute(query)).scalar_one_or_none()
        await _change(connection, organization_id, integration_id, changes)
        await audit.note(
            connection,
            organization_id=organization_id,
            action="integration.token_replaced",
            subject_id=integration_id,
            actor=actor.actor,
            actor_id=actor.actor_id,
        )
        if was_held:
            about = {"organization_id": organization_id, "integration_id": integration_id}
            await events.emit(connection, type="integration.live", data={"state": "live"}, **about)


def open_token(ring: KeyRing, sealed: bytes, integration_id: UUID) -> str:
    """The access token of a number.

    Raises:
        SealingError: its key is not in the ring.
    """
    return ring.open(sealed, table="integrations", column="access_token_sealed", row=integration_id)


def token_columns(
    ring: KeyRing,
    integration_id: UUID,
    access_token: str,
    *,
    type: str | None,  # noqa: A002 - Meta's word
    expires_at: datetime | None,
    scopes: Collection[str] | None = None,
) -> dict[str, Any]:
    """What an integration's row keeps of its access token."""
    sealed = ring.seal(access_token, table="integrations", column="access_token_sealed", row=integration_id)
    return {
        "access_token_sealed": sealed,
        "access_token_type": type,
        "access_token_expires_at": expires_at,
        "access_token_last4": access_token[-4:],
        "access_token_scopes": None if scopes is None else sorted(scopes),
    }


def verify_token_columns(
    ring: KeyRing, keyed_hash: KeyedHash, integration_id: UUID, verify_token: str
) -> dict[str, Any]:
    """What an integration's row keeps of its verify token: to recognise it, and to send it to Meta."""
    sealed = ring.seal(verify_token, table="integrations", column="verify_token_sealed", row=integration_id)
    return {"verify_token_hash": keyed_hash.digest(verify_token), "verify_token_sealed": sealed}


async def check_agent_flow(connection: AsyncConnection, organization_id: UUID, agent_flow_id: UUID) -> None:
    """Nothing, when the organization has this agent flow.

    Raises:
        NotFoundError: it has not.
    """
    query = select(agent_flows.c.id).where(
        agent_flows.c.id == agent_flow_id, agent_flows.c.organization_id == organization_id
    )
    if (await connection.execute(query)).one_or_none() is None:
        raise NotFoundError("This organization has no such agent flow.")


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
        await mark_waiting_due(connection, integration_id)


async def mark_waiting_due(connection: AsyncConnection, integration_id: UUID) -> None:
    """Have every conversation looked at that has something to answer or to send, or a file to be fetched."""
    # In which order they leave, and whether they are stale by now, the look at each conversation decides.
    open_messages = select(messages.c.conversation_id).where(
        messages.c.integration_id == integration_id, messages.c.state.in_(("received", "queued"))
    )
    files = select(media.c.conversation_id).where(
        media.c.integration_id == integration_id, media.c.state == "waiting", media.c.conversation_id.is_not(None)
    )
    query = union(open_messages, files)
    await nudges.mark_due(connection, (await connection.execute(query)).scalars().all())
