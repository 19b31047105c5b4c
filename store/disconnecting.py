"""The end of a connected number: what waits is cancelled, secrets are wiped, the record stays, the number is free."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, case, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import audit, events, nudges, onboarding_rows, unsubscribing
from store.audit import OURSELVES, By
from store.engine import Database
from store.errors import NotFoundError
from store.integrations import open_token
from store.sealing import KeyRing
from store.tables import conversations, integrations, onboardings

_WIPED: dict[str, Any] = {
    "access_token_sealed": None,
    "access_token_last4": None,
    "access_token_scopes": None,
    "access_token_expires_at": None,
    "verify_token_hash": None,
    "verify_token_sealed": None,
    "pin_sealed": None,
}

_CANCEL = text("""
    UPDATE messages
    SET state = 'cancelled', reason = :why, hold = NULL, hold_since = NULL, hold_until = NULL
    WHERE conversation_id = ANY(CAST(:ids AS uuid[])) AND state = 'queued'
""")

_KEEP = text("""
    UPDATE messages SET state = 'kept', kept_reason = :why
    WHERE conversation_id = ANY(CAST(:ids AS uuid[])) AND state = 'received'
""")

_DISCARD = text("""
    UPDATE turns SET state = 'discarded', ended_at = clock_timestamp(), error_detail = :why
    WHERE conversation_id = ANY(CAST(:ids AS uuid[])) AND state = 'asking'
""")


@dataclass(frozen=True, slots=True)
class Disconnected:
    """What is left to be done at Meta: the number's record holds no token any more."""

    integration_id: UUID
    waba_id: str
    phone_number_id: str
    waba_used: bool
    """Another number of the account is connected: our app has to stay subscribed to it. Else it is unsubscribed by
    whoever claims that (`store.unsubscribing`)."""
    waba_row_id: UUID


async def delete_integration(
    database: Database,
    ring: KeyRing,
    *,
    organization_id: UUID,
    integration_id: UUID,
    actor: By = OURSELVES,
    reason: str = "The number was disconnected.",
) -> Disconnected:
    """Disconnect a number: what is queued is cancelled with the reason, secrets are wiped, the number is free again.

    Deleting twice changes nothing. An onboarding that works on the number is cancelled.

    Raises:
        NotFoundError: the organization has no such integration.
    """
    async with database.transaction() as connection:
        # Onboardings before their integration: the order in which their steps lock.
        working = _working_on(integration_id).order_by(onboardings.c.id).with_for_update(key_share=True)
        await connection.execute(working)
        query = select(integrations).where(
            integrations.c.id == integration_id, integrations.c.organization_id == organization_id
        )
        row = (await connection.execute(query.with_for_update())).one_or_none()
        if row is None:
            raise NotFoundError("This organization has no such integration.")
        token = _token(ring, row)
        if row.state != "disconnected":
            await disconnect(connection, row, reason=reason, actor=actor)
        used = await waba_used(connection, row.waba_id)
        if token is not None and not used:
            await unsubscribing.keep(connection, ring, waba_row_id=row.waba_row_id, access_token=token)
    return Disconnected(integration_id, row.waba_id, row.phone_number_id, used, row.waba_row_id)


async def is_waba_used(database: Database, waba_id: str, *, besides: UUID | None = None) -> bool:
    """Whether a number of this account is connected or being connected, by whichever organization; `besides` this."""
    async with database.transaction() as connection:
        return await waba_used(connection, waba_id, besides=besides)


async def waba_used(connection: AsyncConnection, waba_id: str, *, besides: UUID | None = None) -> bool:
    """As `is_waba_used`, within a transaction."""
    query = select(integrations.c.id).where(integrations.c.waba_id == waba_id, integrations.c.state != "disconnected")
    if besides is not None:
        query = query.where(integrations.c.id != besides)
    return (await connection.execute(query.limit(1))).one_or_none() is not None


async def disconnect(connection: AsyncConnection, row: Any, *, reason: str, actor: By = OURSELVES) -> None:
    """Disconnect the integration of this locked row."""
    changes = {
        **_WIPED,
        "state": "disconnected",
        "state_reason": reason,
        "state_since": func.clock_timestamp(),
        "disconnected_at": func.clock_timestamp(),
        # Its Schedule is still to be removed: intake repeats that until Temporal has done it (`store.due_runs`).
        "check_due_at": func.clock_timestamp(),
        "check_nudged_at": None,
    }
    await connection.execute(update(integrations).where(integrations.c.id == row.id).values(changes))
    await _end_conversations(connection, row.id, reason)
    await _end_onboardings(connection, row.id)
    owner = {"organization_id": row.organization_id}
    await events.emit(
        connection, **owner, type="integration.disconnected", integration_id=row.id, data={"reason": reason}
    )
    await audit.note(
        connection,
        **owner,
        action="integration.disconnected",
        subject_id=row.id,
        actor=actor.actor,
        actor_id=actor.actor_id,
        detail={"reason": reason},
    )


def _token(ring: KeyRing, row: Any) -> str | None:
    return None if row.access_token_sealed is None else open_token(ring, row.access_token_sealed, row.id)


async def _end_conversations(connection: AsyncConnection, integration_id: UUID, reason: str) -> None:
    query = select(conversations.c.id).where(conversations.c.integration_id == integration_id)
    ids = sorted((await connection.execute(query)).scalars())
    await nudges.lock(connection, ids)
    for statement in (_CANCEL, _KEEP, _DISCARD):
        await connection.execute(statement, {"ids": ids, "why": reason})


def _working_on(integration_id: UUID) -> Select[tuple[UUID]]:
    """The onboardings that connect an integration, for the first time or again."""
    return select(onboardings.c.id).where(
        or_(onboardings.c.integration_id == integration_id, onboardings.c.reconnects_id == integration_id),
        onboardings.c.ended_at.is_(None),
    )


async def _end_onboardings(connection: AsyncConnection, integration_id: UUID) -> None:
    """One that is not through is cancelled, one that awaits its proof has nothing left to prove."""
    changed = (
        update(onboardings)
        .where(onboardings.c.id.in_(_working_on(integration_id)))
        .values(
            cancel_requested_at=case(
                (onboardings.c.state == "running", func.clock_timestamp()), else_=onboardings.c.cancel_requested_at
            ),
            due_at=func.clock_timestamp(),
            changed_at=func.clock_timestamp(),
        )
        .returning(onboardings.c.id)
    )
    for onboarding_id in (await connection.execute(changed)).scalars().all():
        await onboarding_rows.tell(connection, onboarding_id)
        await onboarding_rows.mark_due(connection, onboarding_id)
