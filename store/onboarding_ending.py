"""The end of an onboarding that did not lead to a number: what it had done is taken back, its secrets are wiped."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import events, onboarding_live, onboarding_rows
from store.disconnecting import disconnect, waba_used
from store.endings import ENDINGS
from store.engine import Database
from store.onboarding_rows import NO_LONGER_WAITING
from store.tables import integrations, onboarding_steps, onboardings

_steps = onboarding_steps
_CANCELLED = "Its onboarding was cancelled."
_FAILED = "Its onboarding ended without success."


@dataclass(frozen=True, slots=True)
class TakeBack:
    """What an onboarding has done so far."""

    row: Any
    made: bool
    """It has an integration of its own making; False: it connected a known one again, or has none."""
    was_live: bool
    """Its integration sends."""
    waba_used: bool
    """Another number of the account is connected."""


async def to_take_back(database: Database, onboarding_id: UUID) -> TakeBack:
    """What there is to take back; of an onboarding that has ended (`row.ended_at`), nothing."""
    async with database.transaction() as connection:
        row = await onboarding_rows.lock(connection, onboarding_id)
        if row.integration_id is None:
            return TakeBack(row, made=False, was_live=False, waba_used=False)
        query = select(integrations.c.state).where(integrations.c.id == row.integration_id)
        state = (await connection.execute(query)).scalar_one()
        used = await waba_used(connection, row.waba_id, besides=row.integration_id)
    made = row.reconnects_id is None
    return TakeBack(row, made=made, was_live=state == "live", waba_used=used or not made)


async def stop_sending(database: Database, back: TakeBack) -> None:
    """Take the activation back: what comes in is kept, nothing leaves. Its token is still needed."""
    state = {"state": "connecting"} if back.made else {"state": "held", "state_reason": "token"}
    stopped = (
        update(integrations)
        .where(integrations.c.id == back.row.integration_id, integrations.c.state == "live")
        .values(state | {"state_since": func.clock_timestamp()})
    )
    async with database.transaction() as connection:
        await connection.execute(stopped)


async def undone(
    database: Database, onboarding_id: UUID, step: str, *, says: str, changes: Mapping[str, Any] | None = None
) -> None:
    """Record that a step was taken back, or why it could not be."""
    async with database.transaction() as connection:
        await _undone(connection, onboarding_id, step, says)
        await onboarding_rows.change(connection, onboarding_id, changes or {})


async def close(
    database: Database, onboarding_id: UUID, *, state: Literal["cancelled", "failed"], code: str, detail: str
) -> tuple[str, list[str]]:
    """End it: disconnect what it made, wipe its secrets, say why. Answers its state and the steps taken back.

    Closed twice, nothing changes. A PIN that we made and may have set at Meta stays until it was shown: else the
    number's owner could not use the number elsewhere.
    """
    async with database.transaction() as connection:
        row = await onboarding_rows.lock(connection, onboarding_id)
        if row.ended_at is None:
            await _let_go(connection, row, _CANCELLED if state == "cancelled" else _FAILED)
            await _close(connection, row, state, code or "cancelled", detail)
        query = select(_steps.c.step).where(_steps.c.onboarding_id == onboarding_id, _steps.c.state == "undone")
        taken_back = list((await connection.execute(query.order_by(_steps.c.position.desc()))).scalars())
    return (state if row.ended_at is None else row.state), taken_back


async def _let_go(connection: AsyncConnection, row: Any, reason: str) -> None:
    """The integration that it made is disconnected; a known one waits for another token."""
    if row.integration_id is None:
        return
    query = select(integrations).where(integrations.c.id == row.integration_id).with_for_update()
    integration = (await connection.execute(query)).one()
    if integration.state == "disconnected":
        return
    if row.reconnects_id is None:
        await _end_first(connection, row)
        await disconnect(connection, integration, reason=reason)
        await _undone(connection, row.id, "connect", "The number was disconnected again.")
        return
    held = {"state": "held", "state_reason": "token", "state_since": func.clock_timestamp()}
    wiped = {"access_token_sealed": None, "access_token_last4": None, "access_token_scopes": None}
    await connection.execute(update(integrations).where(integrations.c.id == integration.id).values(held | wiped))
    says = "The new token was wiped; the old one is not kept. The number waits for another token."
    await _undone(connection, row.id, "connect", says)


async def _end_first(connection: AsyncConnection, row: Any) -> None:
    """So that its own disconnection does not ask it to be cancelled."""
    ended = update(onboardings).where(onboardings.c.id == row.id).values(ended_at=func.clock_timestamp())
    await connection.execute(ended)


async def _close(connection: AsyncConnection, row: Any, state: str, code: str, detail: str) -> None:
    ending = ENDINGS.get(code)
    words = detail or (ending.says if ending else "")
    keep_pin = row.pin_origin == "made" and row.register_calls > 0 and row.pin_shown_at is None
    values = {
        "state": state,
        "error_code": code,
        "error_detail": words,
        "next_step": await _next_step(connection, row.id) or (ending.next_step if ending else None),
        "ended_at": func.clock_timestamp(),
        "due_at": None,
        "code_sealed": None,
        "token_sealed": None,
        "verify_token_sealed": None,
        "pin_sealed": row.pin_sealed if keep_pin else None,
        **NO_LONGER_WAITING,
    }
    await onboarding_rows.change(connection, row.id, values)
    left = update(_steps).where(_steps.c.onboarding_id == row.id, _steps.c.state.in_(("running", "waiting")))
    await connection.execute(left.values(state="failed" if state == "failed" else "undone"))
    told = {"onboarding_id": str(row.id), "state": state, "code": code, "detail": words}
    await events.emit(
        connection,
        organization_id=row.organization_id,
        type="onboarding.failed",
        integration_id=row.integration_id,
        data=told | {"next_step": values["next_step"]},
    )
    await onboarding_live.note(connection, row, f"onboarding.{state}", {"code": code})


async def _next_step(connection: AsyncConnection, onboarding_id: UUID) -> str | None:
    """What the step that failed says to do: it knows more than the table of endings."""
    query = select(_steps.c.next_step).where(_steps.c.onboarding_id == onboarding_id, _steps.c.state == "failed")
    found: str | None = (await connection.execute(query.limit(1))).scalar_one_or_none()
    return found


async def _undone(connection: AsyncConnection, onboarding_id: UUID, step: str, says: str) -> None:
    mine = (_steps.c.onboarding_id == onboarding_id, _steps.c.step == step)
    values = {"state": "undone", "says": says, "next_step": None, "ended_at": func.clock_timestamp()}
    await connection.execute(update(_steps).where(*mine).values(values))
