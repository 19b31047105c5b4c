"""An onboarding's steps as its run takes them: each is begun, tried and recorded in words, under the row's lock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import events, onboarding_rows, portfolios
from store.engine import Database
from store.errors import NotFoundError
from store.onboarding_rows import NO_LONGER_WAITING
from store.tables import integrations, onboarding_steps, onboardings, rate_slots

BACKSTOP = timedelta(seconds=60)
"""This long after something should have happened, the row asks for another look by itself: its run may be gone."""
Wait = Literal["code", "number", "pin", "retry", "proof"]
_OVER = ("done", "skipped", "undone")
_NOT_TAKEN_AGAIN = (*_OVER, "failed")
_steps = onboarding_steps


@dataclass(frozen=True, slots=True)
class MetaSaid:
    """Meta's own answer, for the fold: no token, code or PIN in it."""

    code: int | None = None
    subcode: int | None = None
    detail: str | None = None
    fbtrace_id: str | None = None


@dataclass(frozen=True, slots=True)
class StepEnd:
    """What came of a step, and what it changes in the rows."""

    state: Literal["done", "skipped", "waiting", "failed"]
    says: str
    next_step: str | None = None
    waiting_for: Wait | None = None
    wait: timedelta | None = None
    """After which the step is taken again by itself."""
    code: str = ""
    """Of a failure: one of `endings.ENDINGS`."""
    said: MetaSaid | None = None
    changes: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Columns of the onboarding."""
    integration: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Columns of its integration."""
    per_second: int | None = None
    """The number's rate, where Meta has told it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that is being taken: the onboarding's row as it was, and what the step had come to before."""

    row: Any
    before: Any
    """The step's row as it was."""
    is_over: bool
    """There is nothing to do: the step is done or has failed, or the onboarding has ended."""


@dataclass(frozen=True, slots=True)
class Stands:
    """Where an onboarding stands by its rows."""

    state: str
    left: list[str]
    patience_left: timedelta
    cancelled: bool


async def stands(database: Database, onboarding_id: UUID, *, patience: timedelta) -> Stands | None:
    """Where it stands; its due mark is cleared until something should have happened. None: there is no such row."""
    async with database.transaction() as connection:
        try:
            row = await onboarding_rows.lock(connection, onboarding_id)
        except NotFoundError:
            return None
        query = select(_steps.c.step).where(_steps.c.onboarding_id == onboarding_id, _steps.c.state.not_in(_OVER))
        left = list((await connection.execute(query.order_by(_steps.c.position))).scalars())
        await _look_again(connection, row, None if row.ended_at is not None else BACKSTOP)
    waiting = timedelta(0) if row.waiting_since is None else row.now - row.waiting_since
    patience_left = max(patience - row.waited - waiting, timedelta(0))
    return Stands(row.state, [] if row.ended_at else left, patience_left, row.cancel_requested_at is not None)


async def take(database: Database, onboarding_id: UUID, step: str) -> Taken:
    """Begin a step, or find that it is over.

    Raises:
        NotFoundError: there is no such onboarding.
    """
    async with database.transaction() as connection:
        row = await onboarding_rows.lock(connection, onboarding_id)
        mine = (_steps.c.onboarding_id == onboarding_id, _steps.c.step == step)
        before = (await connection.execute(select(_steps).where(*mine))).one()
        if row.ended_at is not None or before.state in _NOT_TAKEN_AGAIN:
            return Taken(row, before, is_over=True)
        began = {
            "state": "running",
            "attempts": _steps.c.attempts + 1,
            "began_at": func.coalesce(_steps.c.began_at, func.clock_timestamp()),
            "ended_at": None,
        }
        await connection.execute(update(_steps).where(*mine).values(began))
        await _look_again(connection, row, BACKSTOP)
        await onboarding_rows.change(connection, onboarding_id, {"step": step})
    return Taken(row, before, is_over=False)


async def tried(database: Database, onboarding_id: UUID, step: str, *, says: str, said: MetaSaid | None) -> None:
    """Note that a step did not succeed for the moment; it is tried again by itself."""
    values = {"says": says, "next_step": "Nothing: it is tried again by itself.", **_said(said)}
    mine = (_steps.c.onboarding_id == onboarding_id, _steps.c.step == step, _steps.c.state == "running")
    async with database.transaction() as connection:
        row = await onboarding_rows.lock(connection, onboarding_id)
        if row.waiting_for is None:  # else a person reads what they have to do
            await connection.execute(update(_steps).where(*mine).values(values))
            await onboarding_rows.tell(connection, onboarding_id)


async def record(database: Database, taken: Taken, step: str, end: StepEnd) -> bool:
    """Record what came of a step; False when the onboarding has ended meanwhile: then nothing is changed."""
    async with database.transaction() as connection:
        row = await onboarding_rows.lock(connection, taken.row.id)
        if row.ended_at is not None:
            return False
        ended_at = None if end.state == "waiting" else func.clock_timestamp()
        values = {"state": end.state, "says": end.says, "next_step": end.next_step, "ended_at": ended_at}
        mine = (_steps.c.onboarding_id == row.id, _steps.c.step == step)
        await connection.execute(update(_steps).where(*mine).values(values | _said(end.said)))
        await onboarding_rows.change(connection, row.id, {**end.changes, **_waits(row, end), **_ends(step, end)})
        if row.due_at is None or row.due_at > row.now:  # else a person has acted since: the mark stays
            await _look_again(connection, row, _until(step, end))
        await _change_integration(connection, row.integration_id, end)
        if end.waiting_for not in (None, row.waiting_for):
            await _tell_of_wait(connection, row, end)
    return True


def _said(said: MetaSaid | None) -> dict[str, Any]:
    told = said or MetaSaid()
    return {
        "meta_code": told.code,
        "meta_subcode": told.subcode,
        "meta_detail": told.detail,
        "fbtrace_id": told.fbtrace_id,
    }


def _waits(row: Any, end: StepEnd) -> Mapping[str, Any]:
    """A wait that goes on keeps its beginning."""
    if end.waiting_for == row.waiting_for:
        return {}
    if end.waiting_for is None:
        return NO_LONGER_WAITING
    return {**NO_LONGER_WAITING, "waiting_for": end.waiting_for, "waiting_since": func.clock_timestamp()}


def _ends(step: str, end: StepEnd) -> Mapping[str, Any]:
    """The last step is the onboarding's good end; a failed one says why it ends, should its run be lost before that."""
    if end.state == "failed":
        return {"error_code": end.code, "error_detail": end.says, "next_step": end.next_step}
    is_last = step == "prove" and end.state in {"done", "skipped"}
    return {"ended_at": func.clock_timestamp()} if is_last else {}


def _until(step: str, end: StepEnd) -> timedelta | None:
    """When somebody has to look at the row for want of a run that does. Who waits is heard of by a mark of its own."""
    if "ended_at" in _ends(step, end):
        return None
    if end.state != "waiting":
        return BACKSTOP
    return BACKSTOP * 60 if end.wait is None else end.wait + BACKSTOP


async def _look_again(connection: AsyncConnection, row: Any, after: timedelta | None) -> None:
    due_at = None if after is None else func.clock_timestamp() + after
    await connection.execute(update(onboardings).where(onboardings.c.id == row.id).values(due_at=due_at))


async def _change_integration(connection: AsyncConnection, integration_id: UUID | None, end: StepEnd) -> None:
    if integration_id is None:
        return
    if end.integration:
        changed = update(integrations).where(
            integrations.c.id == integration_id, integrations.c.state != "disconnected"
        )
        await connection.execute(changed.values(dict(end.integration)))
    if "messaging_limit" in end.integration:
        await portfolios.release(connection, integration_id)
    if end.per_second is not None:
        slots = update(rate_slots).where(rate_slots.c.integration_id == integration_id)
        await connection.execute(slots.values(per_second=end.per_second))


async def _tell_of_wait(connection: AsyncConnection, row: Any, end: StepEnd) -> None:
    data = {"onboarding_id": str(row.id), "waiting_for": end.waiting_for, "says": end.says, "next_step": end.next_step}
    await events.emit(
        connection,
        organization_id=row.organization_id,
        type="onboarding.waiting",
        integration_id=row.integration_id,
        data=data,
    )
