"""Checks of numbers: what is compared with Meta's side, what came of it, and how often it is done.

A check takes seconds and holds no lock meanwhile. What it decides is recorded only about the token it has seen, and
the number's state changes only if nobody else has changed it since.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import case, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import findings, number_states, portfolios
from store.engine import Database
from store.errors import NotFoundError
from store.findings import Found, Owner, Subject
from store.integrations import token_columns
from store.sealing import KeyRing
from store.tables import integrations, rate_slots

_NOW = func.clock_timestamp()
_OFTEN = integrations.c.state.in_(("held", "stopped"))
_CHECKABLE = (integrations.c.id, integrations.c.organization_id, _OFTEN, integrations.c.checked_often)
_OVERCOME = frozenset(
    {"access_removed", "account_disabled", "account_restricted", "offboarded", number_states.BY_SENDING}
)
"""What Meta's events or answers held or stopped the number for: a check that finds it free of that has the last word.
"""


@dataclass(frozen=True, slots=True)
class NumberToCheck:
    """A number as our side has it."""

    id: UUID
    organization_id: UUID
    waba_id: str
    phone_number_id: str
    state: str
    state_reason: str | None
    state_since: datetime | None
    check_due_at: datetime | None
    """The mark that asked for this check; a later one asks for another."""
    coexistence: bool
    callback_url: str | None
    """Where its webhooks are to go instead of the app's own address."""
    access_token_sealed: bytes | None = field(repr=False)
    verify_token_sealed: bytes | None = field(repr=False)

    @property
    def owner(self) -> Owner:
        """Whom its findings are about."""
        return Owner(self.id, self.organization_id)


@dataclass(frozen=True, slots=True)
class NewState:
    """What a check wants the number's state to be."""

    state: Literal["live", "held", "stopped"]
    reason: str | None = None
    """A key of `number_states.REASONS`."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What came of a check."""

    found: Sequence[Found] = ()
    looked_at: Collection[Subject] = ()
    """Of these, what is open and was not found again is gone."""
    columns: Mapping[str, Any] = field(default_factory=dict)
    """What Meta told, by the columns of `integrations`."""
    per_second: int | None = None
    """Meta's throughput of the number; None: not told."""
    new_state: NewState | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """How the number stands after it."""

    state: str
    opened: list[str]
    cleared: list[str]


@dataclass(frozen=True, slots=True)
class ToCheck:
    """A number that has to have its Schedule."""

    integration_id: UUID
    organization_id: UUID
    often: bool
    """It is held or stopped: the shorter interval."""
    was_often: bool | None
    """The interval that its Schedule had last; None: it had none."""

    @property
    def was_released(self) -> bool:
        """It was held or stopped until somebody, and not a check, released it: what was wrong may be gone."""
        return self.was_often is True and not self.often


@dataclass(frozen=True, slots=True)
class Checkable(ToCheck):
    """A number that somebody wants to be checked."""

    state: str


async def read_number(database: Database, integration_id: UUID) -> NumberToCheck | None:
    """A number to be compared; None when there is none, or it is no longer connected."""
    columns = [integrations.c[name] for name in NumberToCheck.__dataclass_fields__]
    query = select(*columns).where(integrations.c.id == integration_id, integrations.c.state != "disconnected")
    async with database.transaction() as connection:
        row = (await connection.execute(query)).one_or_none()
    return None if row is None else NumberToCheck(*row)


async def record(database: Database, number: NumberToCheck, came: Findings) -> Recorded | None:
    """Record a check of this number; None: its token was replaced or it was disconnected meanwhile, nothing is told.

    Meta's figures always count; its state changes only if it is still the one that the check began with.
    """
    async with database.transaction() as connection:
        row = await _lock(connection, number.id)
        if row is None or row.access_token_sealed != number.access_token_sealed:
            return None
        opened = [found.code for found in came.found if await findings.see(connection, number.owner, found)]
        but = {found.code for found in came.found}
        cleared = await findings.clear(connection, number.owner, subjects=came.looked_at, but=but)
        await _write(connection, number, came)
        unchanged = (row.state, row.state_since) == (number.state, number.state_since)
        state = row.state
        if came.new_state is not None and unchanged and _differs(row, came.new_state):
            state = came.new_state.state
            if state == "live":
                cleared += await findings.clear(connection, number.owner, codes=_OVERCOME)
                await _note_release(connection, number.id)
            await number_states.put_state(connection, number.id, state=state, reason=came.new_state.reason)
    return Recorded(state, opened, cleared)


async def replace_renewed_token(
    database: Database,
    ring: KeyRing,
    number: NumberToCheck,
    *,
    access_token: str,
    token_type: str | None,
    expires_at: datetime | None,
    scopes: Collection[str],
) -> bool:
    """Put the renewed token in the place of the one it was made of; False: that was replaced meanwhile."""
    columns = token_columns(ring, number.id, access_token, type=token_type, expires_at=expires_at, scopes=scopes)
    change = update(integrations).where(
        integrations.c.id == number.id,
        integrations.c.access_token_sealed == number.access_token_sealed,
        integrations.c.state != "disconnected",
    )
    async with database.transaction() as connection:
        return (await connection.execute(change.values(columns))).rowcount == 1


async def integrations_to_check(database: Database, *, changed_only: bool = False) -> list[ToCheck]:
    """The numbers that are checked; with `changed_only`, those whose Schedule has another interval than they need.

    The former for looking after Schedules that are gone, the latter (one index-free look at few rows) for numbers that
    were held, stopped or released by something else than a check.
    """
    query = select(*_CHECKABLE).where(integrations.c.state.in_(("live", "held", "stopped")))
    if changed_only:
        query = query.where(integrations.c.checked_often.is_distinct_from(_OFTEN))
    async with database.transaction() as connection:
        return [ToCheck(*row) for row in await connection.execute(query.order_by(integrations.c.id))]


async def note_interval(database: Database, integration_id: UUID, *, often: bool) -> None:
    """Keep which interval the number's Schedule has now."""
    change = update(integrations).where(integrations.c.id == integration_id).values(checked_often=often)
    async with database.transaction() as connection:
        await connection.execute(change)


async def checkable(database: Database, organization_id: UUID, integration_id: UUID) -> Checkable:
    """One number of an organization, to be checked by request.

    Raises:
        NotFoundError: the organization has no such number connected.
    """
    query = select(*_CHECKABLE, integrations.c.state).where(
        integrations.c.id == integration_id,
        integrations.c.organization_id == organization_id,
        integrations.c.state != "disconnected",
    )
    async with database.transaction() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFoundError("There is no such number connected.")
    return Checkable(*row)


async def _lock(connection: AsyncConnection, integration_id: UUID) -> Any:
    query = text("""
        SELECT state, state_reason, state_since, access_token_sealed FROM integrations
        WHERE id = :id AND state <> 'disconnected' FOR NO KEY UPDATE
    """)
    return (await connection.execute(query, {"id": integration_id})).one_or_none()


def _differs(row: Any, wanted: NewState) -> bool:
    """Whether it is a change at all: a number that Meta has stopped keeps the words that say why."""
    if row.state == "held" == wanted.state:
        return bool(row.state_reason != wanted.reason)
    return bool(row.state not in {wanted.state, "connecting"})


async def ask_where_the_app_is_held(database: Database) -> int:
    """Ask for a check of each number that waits for our app's secret: a new start may have brought the right one."""
    change = update(integrations).where(integrations.c.state == "held", integrations.c.state_reason == "app")
    async with database.transaction() as connection:
        asked = await connection.execute(change.values(check_due_at=_NOW, check_nudged_at=None))
        return asked.rowcount


async def _note_release(connection: AsyncConnection, integration_id: UUID) -> None:
    await connection.execute(update(integrations).where(integrations.c.id == integration_id).values(released_at=_NOW))


async def _write(connection: AsyncConnection, number: NumberToCheck, came: Findings) -> None:
    answered = integrations.c.check_due_at.is_not_distinct_from(number.check_due_at)
    due = case((answered, None), else_=integrations.c.check_due_at)
    values = {"checked_at": _NOW, "check_due_at": due, **came.columns}
    await connection.execute(update(integrations).where(integrations.c.id == number.id).values(values))
    if "messaging_limit" in came.columns:
        await portfolios.release(connection, number.id)
    if came.per_second is not None:
        rate = update(rate_slots).where(
            rate_slots.c.integration_id == number.id, rate_slots.c.per_second != came.per_second
        )
        await connection.execute(rate.values(per_second=came.per_second))
