"""Templates as Meta has them, brought into our rows: all of an account at once.

Meta is asked in between, so a sync counts from the moment it began: what an event has told since then, or a later sync
has read, stays.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store.engine import Database
from store.errors import NotFoundError
from store.ids import new_id
from store.integrations import open_token
from store.sealing import KeyRing
from store.tables import integrations, templates, wabas
from store.template_news import Standing, tell
from whatsapp.templates import TemplateFacts

log = structlog.get_logger(__name__)

SKEW = timedelta(minutes=1)
"""Meta tells whole seconds of its own clock: what is this close to a moment of ours may be before or after it."""
ASKED_ONCE_IN = timedelta(minutes=1)
"""An account whose templates were read this lately is not read again before, whatever tells that they differ."""
GONE = "Meta has it no more."

_UPDATED = ("category", "status", "quality", "parameter_format", "components", "says", "correct_category", "deleted",
            "meta_id")  # fmt: skip

_ASK = text("""
    UPDATE integrations i
    SET check_due_at = CASE WHEN i.check_due_at <= clock_timestamp() THEN clock_timestamp()
                            ELSE least(i.check_due_at, greatest(clock_timestamp(),
                                                                w.templates_synced_at + CAST(:once_in AS interval))) END
    FROM wabas w
    WHERE w.id = i.waba_row_id AND i.id = ANY(CAST(:ids AS uuid[])) AND i.state IN ('live', 'held', 'stopped')
""")
_PUT_OFF = text("""
    UPDATE integrations SET check_due_at = least(check_due_at, clock_timestamp() + CAST(:wait AS interval))
    WHERE id = :id AND state IN ('live', 'held', 'stopped')
""")
_WAKE = text("SELECT pg_notify('due', '')")


@dataclass(frozen=True, slots=True)
class Sync:
    """A reading of an account's templates that begins now."""

    waba_row_id: UUID
    organization_id: UUID
    waba_id: str
    began_at: datetime


@dataclass(frozen=True, slots=True)
class Synced:
    """What it came to."""

    templates: int
    """As many as Meta has."""
    new: int
    changed: int
    gone: int


async def begin(database: Database, *, organization_id: UUID, waba_id: str) -> Sync:
    """Begin to read the templates of an account.

    Raises:
        NotFoundError: the organization has no such account.
    """
    query = select(wabas.c.id, func.clock_timestamp()).where(
        wabas.c.organization_id == organization_id, wabas.c.waba_id == waba_id
    )
    async with database.statement() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFoundError("There is no such WhatsApp Business account.")
    return Sync(row[0], organization_id, waba_id, row[1])


async def token_of(database: Database, ring: KeyRing, waba_row_id: UUID) -> str | None:
    """An access token of one of the account's numbers; None: none is connected.

    Raises:
        SealingError: its key is not in the ring.
    """
    query = (
        select(integrations.c.id, integrations.c.access_token_sealed)
        .where(
            integrations.c.waba_row_id == waba_row_id,
            integrations.c.state != "disconnected",
            integrations.c.access_token_sealed.is_not(None),
        )
        .order_by(
            (integrations.c.state == "live").desc(), (integrations.c.state == "stopped").desc(), integrations.c.id
        )
    )
    async with database.statement() as connection:
        row = (await connection.execute(query.limit(1))).one_or_none()
    return None if row is None else open_token(ring, row.access_token_sealed, row.id)


async def record(database: Database, sync: Sync, told: Sequence[TemplateFacts]) -> Synced:
    """Bring what Meta told into our rows: new ones, changed ones; what it did not name is gone.

    Businesses are told of other statuses and categories. A sync that began before another that is recorded already
    changes nothing.
    """
    async with database.transaction() as connection:
        last = await lock_account(connection, sync.waba_row_id)
        if last is not None and last >= sync.began_at:
            return Synced(len(told), 0, 0, 0)
        rows = {(row.name, row.language): row for row in await _rows(connection, sync)}
        by_key = {(one.name, one.language): one for one in told}
        new = [one for key, one in by_key.items() if key not in rows]
        await _insert(connection, sync, new)
        changes = [(rows[key], _values(rows[key], one, sync)) for key, one in by_key.items() if key in rows]
        changed = [(row, values) for row, values in changes if _differs(row, values)]
        await _update(connection, changed)
        gone = [row for key, row in rows.items() if key not in by_key and _is_gone(row, sync)]
        await _remove(connection, gone)
        await _note(connection, sync, [row.id for row, _ in changes])
    log.info("templates.synced", waba_id=sync.waba_id, templates=len(told), new=len(new), gone=len(gone))
    return Synced(len(told), len(new), len(changed), len(gone))


async def note_failure(database: Database, sync: Sync, says: str) -> None:
    """Keep why an account's templates could not be read."""
    async with database.statement() as connection:
        await connection.execute(update(wabas).where(wabas.c.id == sync.waba_row_id).values(templates_says=says))
    log.warning("templates.not_synced", waba_id=sync.waba_id)


async def put_off(database: Database, sync: Sync, *, integration_id: UUID, says: str, wait: timedelta) -> None:
    """Keep why an account's templates cannot be read now; this number's check reads them when `wait` is over."""
    values = {"id": integration_id, "wait": max(wait, ASKED_ONCE_IN)}
    async with database.statement() as connection:
        await connection.execute(_PUT_OFF, values)
    await note_failure(database, sync, says)


async def ask(connection: AsyncConnection, integration_ids: Iterable[UUID]) -> None:
    """Have the templates of these numbers' accounts read soon, by the numbers' checks.

    The caller has locked the numbers.
    """
    if ids := sorted(set(integration_ids)):
        await connection.execute(_ASK, {"ids": ids, "once_in": ASKED_ONCE_IN})
        await connection.execute(_WAKE)


async def read_at(database: Database, waba_row_id: UUID) -> datetime | None:
    """When an account's templates were last read as a whole; None: not yet."""
    query = select(wabas.c.templates_synced_at).where(wabas.c.id == waba_row_id)
    async with database.statement() as connection:
        at: datetime | None = (await connection.execute(query)).scalar_one()
    return at


async def lock_account(connection: AsyncConnection, waba_row_id: UUID) -> datetime | None:
    """Lock an account before its templates, as whoever adds or removes one does; when they were last read."""
    query = select(wabas.c.templates_synced_at).where(wabas.c.id == waba_row_id).with_for_update(key_share=True)
    last: datetime | None = (await connection.execute(query)).scalar_one()
    return last


async def _rows(connection: AsyncConnection, sync: Sync) -> Sequence[Any]:
    query = select(templates).where(templates.c.waba_row_id == sync.waba_row_id).order_by(templates.c.id)
    return (await connection.execute(query.with_for_update(key_share=True))).all()


async def _insert(connection: AsyncConnection, sync: Sync, new: Sequence[TemplateFacts]) -> None:
    owner = {"organization_id": sync.organization_id, "waba_row_id": sync.waba_row_id, "synced_at": sync.began_at}
    rows = [
        {
            **owner,
            "id": new_id(),
            "meta_id": one.id,
            "name": one.name,
            "language": one.language,
            "category": one.category,
            "status": one.status,
            "quality": one.quality,
            "parameter_format": one.parameter_format,
            "components": list(one.components),
            "says": one.rejected_reason,
        }
        for one in new
    ]
    if rows:
        await connection.execute(insert(templates), rows)


def _values(row: Any, told: TemplateFacts, sync: Sync) -> dict[str, Any]:
    """The row's columns by what Meta told; what an event has told meanwhile stays. Another id is another template."""
    same = row.meta_id == told.id
    keeps_status, keeps_quality, keeps_category = (
        same and at is not None and at >= sync.began_at - SKEW
        for at in (row.told_at, row.quality_told_at, row.category_told_at)
    )
    status = row.status if keeps_status else told.status
    says = told.rejected_reason or (row.says if same and status == row.status else None)
    category = row.category if keeps_category else told.category
    return {
        "meta_id": told.id,
        "status": status,
        "says": row.says if keeps_status else says,
        "quality": row.quality if keeps_quality else told.quality,
        "category": category,
        "correct_category": None if category == row.correct_category else row.correct_category,
        "parameter_format": told.parameter_format,
        "components": list(told.components),
        "deleted": row.deleted and keeps_status,
    }


def _differs(row: Any, values: Mapping[str, Any]) -> bool:
    return any(getattr(row, name) != values[name] for name in _UPDATED)


async def _update(connection: AsyncConnection, changed: Sequence[tuple[Any, Mapping[str, Any]]]) -> None:
    if not changed:
        return
    statement = update(templates).where(templates.c.id == bindparam("row_id"))
    await connection.execute(
        statement.values({name: bindparam(f"new_{name}", type_=templates.c[name].type) for name in _UPDATED}),
        [{"row_id": row.id} | {f"new_{name}": values[name] for name in _UPDATED} for row, values in changed],
    )
    for row, values in changed:
        before = _standing(row)
        now = replace(before, status=values["status"], category=values["category"], says=values["says"])
        await tell(connection, before=before, now=now)


def _is_gone(row: Any, sync: Sync) -> bool:
    # Made here while Meta was being asked: the list may be older than it.
    return not row.deleted and (row.synced_at or row.created_at) < sync.began_at


async def _remove(connection: AsyncConnection, gone: Sequence[Any]) -> None:
    ids = [row.id for row in gone]
    statement = update(templates).where(templates.c.id.in_(ids))
    if ids:
        await connection.execute(statement.values(deleted=True, status="DELETED", says=GONE))
    for row in gone:
        before = _standing(row)
        await tell(connection, before=before, now=replace(before, status="DELETED", says=GONE))


async def _note(connection: AsyncConnection, sync: Sync, seen: Sequence[UUID]) -> None:
    if seen:
        await connection.execute(update(templates).where(templates.c.id.in_(seen)).values(synced_at=sync.began_at))
    read = update(wabas).where(wabas.c.id == sync.waba_row_id)
    await connection.execute(read.values(templates_synced_at=sync.began_at, templates_says=None))


def _standing(row: Any) -> Standing:
    return Standing(row.id, row.organization_id, row.name, row.language, row.status, row.category, row.says)
