"""Changes of a number's state that happen by themselves: held, stopped, released; the business is told of each.

`integrations.state_reason` holds a key of `REASONS` where sending or a check decided, and words where a person did.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

import structlog
from sqlalchemy import func, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

import telemetry
from store import events, findings
from store.event_types import EventType
from store.findings import Owner
from store.integrations import mark_waiting_due
from store.tables import integrations

log = structlog.get_logger(__name__)

Told = Literal["live", "held", "stopped", "disconnected"]

_RECONNECT = "Connect the number again, or store a new access token."
REASONS = {
    "token": ("Meta says that the access token is not valid, or no longer.", _RECONNECT),
    "permission": (
        "The access token may no longer do what sending needs.",
        "Give the app its access to the account back in Meta's business settings, or connect the number again.",
    ),
    "app": (
        "Meta does not accept our app's proof.",
        "Whoever runs Holdfast compares META_APP_SECRET with the app at Meta.",
    ),
    "stopped": (
        "Meta has stopped the number.",
        "Look at the number and its account in WhatsApp Manager; the findings name what is known.",
    ),
}
"""Why a number does not send, and what helps, by the key that its row keeps."""

BY_SENDING = "sending_refused"
"""The finding of a number that Meta's refusal of a message has stopped; gone when the number sends again."""
CHECKED_ONCE_IN = timedelta(minutes=15)
"""A number that a check released and that Meta refuses again this soon waits for its next check in turn: else the two
would take turns within seconds, and each would tell the business."""

_CHANGED = (
    integrations.c.id,
    integrations.c.organization_id,
    integrations.c.state,
    integrations.c.state_reason,
)
_EVENTS: dict[str, EventType] = {
    "live": "integration.live",
    "held": "integration.held",
    "stopped": "integration.stopped",
    "disconnected": "integration.disconnected",
}


async def put_state(connection: AsyncConnection, integration_id: UUID, *, state: Told, reason: str | None) -> None:
    """Hold, stop or release a number, and tell the business. Released, what waits goes on, in order.

    The caller has locked the row and knows that this is a change.
    """
    change = (
        update(integrations)
        .where(integrations.c.id == integration_id)
        .values(state=state, state_reason=reason, state_since=func.clock_timestamp())
        .returning(*_CHANGED, integrations.c.enabled)
    )
    row = (await connection.execute(change)).one()
    if state == "live":
        await findings.clear(connection, Owner(row.id, row.organization_id), codes={BY_SENDING})
    if state == "live" and row.enabled:
        await mark_waiting_due(connection, integration_id)
    await tell_states(connection, [row])


# A number that lost its token or a permission is checked at once; one that Meta stopped, when its turn comes.
_HOLD = """
    UPDATE integrations
    SET state = CAST(:state AS text), state_reason = :reason, state_since = clock_timestamp(), check_nudged_at = NULL,
        check_due_at = CASE WHEN CAST(:state AS text) = 'held'
          THEN greatest(clock_timestamp(), released_at + CAST(:once_in AS interval)) END
    WHERE {which} AND state = 'live' RETURNING id, organization_id, state, state_reason
"""
_HOLD_ONE = text(_HOLD.format(which="id = :integration_id"))
_HOLD_ALL = text(_HOLD.format(which="id = ANY(CAST(:ids AS uuid[]))"))

_LOCK = text("""
    SELECT id FROM integrations WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE
""")

_LOCK_LIVE = text("SELECT id FROM integrations WHERE state = 'live' ORDER BY id FOR NO KEY UPDATE")

_WAKE = text("SELECT pg_notify('due', '')")


async def lock(connection: AsyncConnection, integration_ids: Iterable[UUID]) -> None:
    """Lock numbers in the order of their ids, before any conversation: every transaction does."""
    if ids := sorted(set(integration_ids)):
        await connection.execute(_LOCK, {"ids": ids})


async def lock_live(connection: AsyncConnection) -> list[UUID]:
    """Lock every live number, in the order of their ids."""
    return list((await connection.execute(_LOCK_LIVE)).scalars())


async def hold(
    connection: AsyncConnection,
    integration_id: UUID,
    *,
    hold: Literal["token", "permission", "stopped"],
    says: str,
    next_step: str,
) -> bool:
    """Hold (lost token or permission) or stop (restricted by Meta) a live number; False: it was not live any more.

    What it has queued waits, in order. The business is told once; a held number is checked at once.
    """
    state = "stopped" if hold == "stopped" else "held"
    values = {"integration_id": integration_id, "state": state, "reason": hold, "once_in": CHECKED_ONCE_IN}
    changed = (await connection.execute(_HOLD_ONE, values)).all()
    await _tell_held(connection, changed, hold, says=says, next_step=next_step)
    return bool(changed)


async def hold_app(connection: AsyncConnection, *, says: str, next_step: str) -> None:
    """Meta does not accept what our app proves itself with: hold every live number, tell everybody and ops."""
    values = {"ids": await lock_live(connection), "state": "held", "reason": "app", "once_in": CHECKED_ONCE_IN}
    changed = (await connection.execute(_HOLD_ALL, values)).all()
    if changed:
        log.error("app.held", numbers=len(changed), says=says, next_step=next_step)
    await _tell_held(connection, changed, "app", says=says, next_step=next_step)


async def _tell_held(
    connection: AsyncConnection, changed: Sequence[Any], reason: str, *, says: str, next_step: str
) -> None:
    for row in changed:
        telemetry.number_holds.labels(reason=reason).inc()
        log.warning("number.held", integration_id=str(row.id), state=row.state, reason=reason)
        await _tell(connection, row, says=says, next_step=next_step)
    if changed:
        await connection.execute(_WAKE)


async def tell_states(connection: AsyncConnection, changed: Iterable[Any]) -> None:
    """Tell businesses of numbers whose state has changed, in the transaction that changes it.

    `changed` are rows of `integrations` with id, organization_id, state and state_reason.
    """
    for row in changed:
        says, next_step = REASONS.get(row.state_reason or "", (row.state_reason, None))
        await _tell(connection, row, says=says, next_step=next_step)


async def _tell(connection: AsyncConnection, row: Any, *, says: str | None, next_step: str | None) -> None:
    await events.emit(
        connection,
        organization_id=row.organization_id,
        type=_EVENTS[row.state],
        integration_id=row.id,
        data={"state": row.state, "reason": says, "next_step": next_step},
    )
