"""Meta's events on accounts and numbers, applied to the numbers they are about, in intake's transaction.

Each has its effect once, however often it comes: what is older than the number's latest such event, than its present
state, or than a finding that was cleared since, changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import audit, findings, number_states, portfolios
from store.account_meaning import CODES, Meaning, Move, meaning_of
from store.findings import Owner
from store.tables import audit_log, integrations, rate_slots
from store.tables import findings as findings_table
from whatsapp.account_changes import AccountAlert, AccountChange

log = structlog.get_logger(__name__)

_SKEW = timedelta(minutes=1)
"""Meta tells whole seconds of its own clock: what is older than a state by less than this may be news to it."""
_BY_TOKEN = ("token", "app")
"""What no event of an account's can cure."""
_COLUMNS = (
    integrations.c.id,
    integrations.c.organization_id,
    integrations.c.waba_id,
    integrations.c.phone_number_id,
    integrations.c.phone_number,
    integrations.c.state,
    integrations.c.state_reason,
    integrations.c.state_since,
    integrations.c.coexistence,
    integrations.c.checked_at,
    integrations.c.account_event,
    integrations.c.account_event_at,
)


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that Meta said."""

    change: AccountChange
    waba_id: str
    phone_number_id: str | None
    display_phone_number: str | None
    """Of events about one number of an account; None: about all of them."""
    at: datetime | None
    """By Meta's clock; None: it did not say."""

    def is_about(self, number: Any) -> bool:
        """Whether it concerns this number."""
        if self.phone_number_id is not None:
            return bool(number.phone_number_id == self.phone_number_id and number.waba_id == self.waba_id)
        if number.waba_id != self.waba_id:
            return False
        if isinstance(self.change, AccountAlert) and self.change.entity_type == "PHONE_NUMBER":
            return bool(number.phone_number_id == self.change.entity_id)
        return self.display_phone_number is None or _digits(self.display_phone_number) == _digits(number.phone_number)


async def apply_changes(connection: AsyncConnection, said: Sequence[Said]) -> None:
    """Apply what Meta said, in order. Numbers that may send again have their conversations marked due.

    Locks the numbers, in the order of their ids, before the caller locks any conversation: as everybody does.
    """
    for one in said:
        for number in await _locked(connection, said):
            if one.is_about(number):
                await _apply(connection, number, one)


async def _locked(connection: AsyncConnection, said: Sequence[Said]) -> Sequence[Any]:
    """The numbers of all events, as they are now: an event of the same batch may have changed them."""
    wabas = sorted({one.waba_id for one in said})
    query = (
        select(*_COLUMNS, func.clock_timestamp().label("now"))
        .where(integrations.c.waba_id.in_(wabas), integrations.c.state != "disconnected")
        .order_by(integrations.c.id)
        .with_for_update(key_share=True)
    )
    return (await connection.execute(query)).all()


async def _apply(connection: AsyncConnection, number: Any, said: Said) -> None:
    meaning = meaning_of(said.change, number.now)
    owner = Owner(number.id, number.organization_id)
    if meaning.move is not None:
        if not _is_news(number, meaning, said):
            return
        await _move(connection, number, meaning, meaning.move, said.at)
    if meaning.found is not None and not await _was_cleared_since(connection, number, meaning.found.code, said.at):
        await findings.see(connection, owner, meaning.found)
    if meaning.clears:
        others = (CODES | {number_states.BY_SENDING}) - meaning.clears
        await findings.clear(connection, owner, subjects={"account"}, but=others)
    if number.checked_at is None or said.at is None or said.at >= number.checked_at - _SKEW:
        await _tell_facts(connection, number, meaning)
    if meaning.note is not None:
        await _note_once(connection, number, meaning.note, said.at)


def _is_news(number: Any, meaning: Meaning, said: Said) -> bool:
    """Whether it tells something of now, by Meta's own time."""
    at, latest = said.at, number.account_event_at
    if at is None:
        return True
    if latest is not None and (at < latest or (at == latest and number.account_event == meaning.label)):
        return False
    # The number has been found to send since, by whoever connected or checked it.
    is_proven = number.state == "live" and number.state_since is not None
    return not (is_proven and at < number.state_since - _SKEW)


async def _move(connection: AsyncConnection, number: Any, meaning: Meaning, move: Move, at: datetime | None) -> None:
    word = update(integrations).where(integrations.c.id == number.id)
    await connection.execute(word.values(account_event=meaning.label, account_event_at=at))
    if not _changes(number, move):
        return
    await number_states.put_state(connection, number.id, state=move.to, reason=move.reason)
    await audit.note(
        connection,
        organization_id=number.organization_id,
        action=f"integration.{move.to}",
        subject_id=number.id,
        actor="meta",
        detail={"event": meaning.label, "at": at.isoformat() if at else None, "reason": move.reason},
    )
    log.info("integration.moved", integration_id=str(number.id), state=move.to, account_event=meaning.label)


def _changes(number: Any, move: Move) -> bool:
    """A number that is being connected is moved by its onboarding only; a worse state is not covered by another."""
    if move.to != "live":
        return bool(number.state == "live")
    if number.state == "held":
        return move.frees == "held" and number.state_reason not in _BY_TOKEN
    return bool(number.state == move.frees)


async def _tell_facts(connection: AsyncConnection, number: Any, meaning: Meaning) -> None:
    if meaning.facts:
        await connection.execute(update(integrations).where(integrations.c.id == number.id).values(**meaning.facts))
    if "messaging_limit" in meaning.facts:
        await portfolios.release(connection, number.id)
    if meaning.per_second is not None and not number.coexistence:
        slots = update(rate_slots).where(rate_slots.c.integration_id == number.id)
        await connection.execute(slots.values(per_second=meaning.per_second))


async def _was_cleared_since(connection: AsyncConnection, number: Any, code: str, at: datetime | None) -> bool:
    """Whether this is an old event come again: what it tells was found, and cleared, after it happened."""
    if at is None:
        return False
    query = select(findings_table.c.id).where(
        findings_table.c.integration_id == number.id,
        findings_table.c.code == code,
        findings_table.c.cleared_at.is_not(None),
        findings_table.c.last_seen_at >= at,
    )
    return (await connection.execute(query.limit(1))).one_or_none() is not None


async def _note_once(connection: AsyncConnection, number: Any, action: str, at: datetime | None) -> None:
    detail = {"at": at.isoformat() if at else None}
    query = select(audit_log.c.id).where(
        audit_log.c.organization_id == number.organization_id,
        audit_log.c.subject_id == number.id,
        audit_log.c.action == action,
        or_(audit_log.c.detail == detail, audit_log.c.detail.is_(None)),
    )
    if (await connection.execute(query.limit(1))).one_or_none() is None:
        owner = {"organization_id": number.organization_id, "subject_id": number.id}
        await audit.note(connection, **owner, action=action, actor="meta", detail=detail)


def _digits(shown: str) -> str:
    return "".join(filter(str.isdigit, shown))
