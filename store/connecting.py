"""The integration of an onboarding: made, or given a new token; its secrets, for the calls that follow."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import onboarding_rows
from store.disconnecting import disconnect
from store.engine import Database
from store.errors import NumberTakenError
from store.hashing import KeyedHash
from store.holders import holder_of
from store.ids import new_id
from store.integrations import insert_number, open_token, token_columns, verify_token_columns
from store.onboardings import unseal
from store.sealing import KeyRing
from store.tables import integrations, onboardings, wabas
from store.wabas import find_waba

How = Literal["new", "again", "taken_over", "there"]
_SYNCS = {"smb_app_state_sync": "contacts_sync_at", "history": "history_sync_at"}
_TAKEN_OVER = "Another organization has connected this number with a living token; this one's was dead."


@dataclass(frozen=True, slots=True)
class Secrets:
    """What calls for an integration need."""

    integration_id: UUID
    access_token: str | None = field(repr=False)
    verify_token: str | None = field(repr=False)
    pin: str | None = field(repr=False)
    """Two-step verification's, as far as it is known."""


async def connect(database: Database, ring: KeyRing, keyed_hash: KeyedHash, onboarding_id: UUID) -> How:
    """Make the onboarding's integration, state `connecting`, or give a known one the new token. Repeated, it is there.

    A known one keeps its state until the activation, its conversations, its agent flow and its verify token. A number
    whose holder's token is dead is taken over: the old integration is disconnected.

    Raises:
        NumberTakenError: another organization holds the number.
    """
    async with database.transaction() as connection:
        row = await onboarding_rows.lock(connection, onboarding_id)
        if row.integration_id is not None or row.ended_at is not None:
            return "there"
        how, known = await _known(connection, row)
        integration_id = new_id() if known is None else known.id
        token = unseal(ring, "token_sealed", row.token_sealed, onboarding_id)
        columns = token_columns(
            ring,
            integration_id,
            token,
            type=row.token_type,
            expires_at=row.token_expires_at,
            scopes=row.token_scopes,
        )
        if known is None or known.verify_token_sealed is None:
            columns |= verify_token_columns(ring, keyed_hash, integration_id, _verify_token(ring, row))
        if known is None:
            await _make(connection, row, integration_id, columns)
        else:
            await _renew(connection, row, known, columns)
        moved = {"integration_id": integration_id, "token_sealed": None, "verify_token_sealed": None}
        await onboarding_rows.change(connection, onboarding_id, moved)
    return how


async def secrets_of(database: Database, ring: KeyRing, integration_id: UUID) -> Secrets:
    """The secrets of an integration; none is left of one that is disconnected.

    Raises:
        SealingError: a key is not in the ring.
    """
    query = select(integrations).where(integrations.c.id == integration_id)
    async with database.transaction() as connection:
        row = (await connection.execute(query)).one()
    token = row.access_token_sealed
    return Secrets(
        integration_id,
        access_token=None if token is None else open_token(ring, token, integration_id),
        verify_token=_open(ring, "verify_token_sealed", row.verify_token_sealed, integration_id),
        pin=_open(ring, "pin_sealed", row.pin_sealed, integration_id),
    )


def seal_pin(ring: KeyRing, pin: str, integration_id: UUID) -> bytes:
    """A number's PIN, as its integration keeps it."""
    return ring.seal(pin, table="integrations", column="pin_sealed", row=integration_id)


async def subscribed(database: Database, integration_id: UUID, *, callback_url: str | None) -> None:
    """Note that our app is subscribed to the number's account, and where webhooks go if not to the app's address."""
    async with database.transaction() as connection:
        changed = update(integrations).where(integrations.c.id == integration_id).values(callback_url=callback_url)
        waba = (await connection.execute(changed.returning(integrations.c.waba_row_id))).scalar_one()
        await connection.execute(update(wabas).where(wabas.c.id == waba).values(subscribed_at=func.clock_timestamp()))


async def syncs_since(database: Database, integration_id: UUID, since: datetime) -> set[str]:
    """Which of its contacts and its past Meta was asked for since then."""
    columns = [integrations.c[column] for column in _SYNCS.values()]
    query = select(*columns).where(integrations.c.id == integration_id)
    async with database.transaction() as connection:
        asked = (await connection.execute(query)).one()
    return {kind for kind, at in zip(_SYNCS, asked, strict=True) if at is not None and at >= since}


async def sync_requested(database: Database, integration_id: UUID, kind: str) -> None:
    """Note that Meta will send the contacts, or the past."""
    changed = update(integrations).where(integrations.c.id == integration_id)
    async with database.statement() as connection:
        await connection.execute(changed.values({_SYNCS[kind]: func.clock_timestamp()}))


async def _known(connection: AsyncConnection, row: Any) -> tuple[How, Any]:
    """The integration that gets the new token, if there is one; a dead holder's is disconnected."""
    holder = await holder_of(connection, row.phone_number_id, lock=True)
    if holder is not None and holder.refuses(row.organization_id):
        raise NumberTakenError("Another organization has this number connected.")
    if holder is None:
        return await _once_connected(connection, row)
    known = await _integration(connection, holder.integration_id)
    if holder.organization_id == row.organization_id:
        return "again", known
    await disconnect(connection, known, reason=_TAKEN_OVER)
    return "taken_over", None


async def _once_connected(connection: AsyncConnection, row: Any) -> tuple[How, Any]:
    """One that was disconnected is connected again only if the onboarding names it."""
    if row.reconnects_id is None:
        return "new", None
    known = await _integration(connection, row.reconnects_id)
    return ("again", known) if known.phone_number_id == row.phone_number_id else ("new", None)


async def _integration(connection: AsyncConnection, integration_id: UUID) -> Any:
    query = select(integrations).where(integrations.c.id == integration_id)
    return (await connection.execute(query.with_for_update())).one()


async def _make(connection: AsyncConnection, row: Any, integration_id: UUID, columns: dict[str, Any]) -> None:
    made = {
        **columns,
        "id": integration_id,
        "organization_id": row.organization_id,
        "agent_flow_id": row.agent_flow_id,
        "waba_id": row.waba_id,
        "phone_number": row.phone_number,
        "phone_number_id": row.phone_number_id,
        "verified_name": row.verified_name,
        "coexistence": row.coexistence,
        "enabled": row.enabled,
        "state": "connecting",
        "state_since": func.clock_timestamp(),
    }
    per_second = 20 if row.coexistence else 80
    await insert_number(connection, made, business_id=row.business_id, per_second=per_second)


async def _renew(connection: AsyncConnection, row: Any, known: Any, columns: dict[str, Any]) -> None:
    waba = await find_waba(connection, row.organization_id, waba_id=row.waba_id, business_id=row.business_id)
    columns |= {"waba_row_id": waba, "waba_id": row.waba_id, "verified_name": row.verified_name}
    if known.state == "disconnected":
        columns |= {"state": "connecting", "state_reason": None, "state_since": func.clock_timestamp()}
        columns |= {"disconnected_at": None}
    await connection.execute(update(integrations).where(integrations.c.id == known.id).values(columns))
    named = update(onboardings).where(onboardings.c.id == row.id).values(reconnects_id=known.id)
    await connection.execute(named)


def _verify_token(ring: KeyRing, row: Any) -> str:
    if row.verify_token_sealed is None:
        return secrets.token_urlsafe(24)
    return unseal(ring, "verify_token_sealed", row.verify_token_sealed, row.id)


def _open(ring: KeyRing, column: str, sealed: bytes | None, integration_id: UUID) -> str | None:
    return None if sealed is None else ring.open(sealed, table="integrations", column=column, row=integration_id)
