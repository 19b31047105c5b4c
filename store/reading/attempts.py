"""What the API shows of the attempts to send a message and of Meta's statuses: each error with what it means."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from store.tables import message_attempts, message_statuses
from whatsapp.errors import classify


@dataclass(frozen=True, slots=True)
class MetaError:
    """What Meta said is wrong, or that it said nothing; what that means and what to do."""

    code: int | None
    """Null when no code came: the network failed, or the worker ended before it could write the answer down."""
    subcode: int | None
    error_class: str
    detail: str | None
    """Meta's own words, or how the connection failed."""
    meaning: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One post to Meta."""

    attempt: int
    state: str
    """`posting`, `accepted`, `rejected`, `unknown`, or `given_back`: claimed, and not posted."""
    claimed_at: datetime
    ended_at: datetime | None
    wamid: str | None
    http_status: int | None
    error: MetaError | None
    fbtrace_id: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """One status of Meta's, as it came."""

    status: str
    attempt: int | None
    meta_timestamp: datetime
    received_at: datetime
    error: MetaError | None


_NO_ANSWER = (
    "No answer of Meta's could be read: it may have taken the message, or not.",
    "Look at the evidence; a status that comes later settles it.",
)
_LOST = (
    "The worker that sent it ended before it could record the answer: Meta may have taken the message, or not.",
    "Look at the evidence; a status that comes later settles it.",
)
_NOT_REACHED = ("There was no connection to Meta for it; nothing was sent.", "It is tried again by itself.")


async def attempts_of(connection: AsyncConnection, organization_id: UUID, message_id: UUID) -> list[Attempt]:
    """Each attempt to send the message, the first one first."""
    query = select(message_attempts).where(
        message_attempts.c.message_id == message_id, message_attempts.c.organization_id == organization_id
    )
    return [
        Attempt(
            attempt=row.attempt,
            state=row.state,
            claimed_at=row.claimed_at,
            ended_at=row.ended_at,
            wamid=row.wamid,
            http_status=row.http_status,
            error=_error_of(row),
            fbtrace_id=row.fbtrace_id,
        )
        for row in await connection.execute(query.order_by(message_attempts.c.attempt))
    ]


async def statuses_of(connection: AsyncConnection, organization_id: UUID, message_id: UUID) -> list[Status]:
    """Each status of the message, by Meta's time."""
    query = select(message_statuses).where(
        message_statuses.c.message_id == message_id, message_statuses.c.organization_id == organization_id
    )
    return [
        Status(row.status, row.attempt, row.meta_timestamp, row.created_at, _error_in(row))
        for row in await connection.execute(query.order_by(message_statuses.c.meta_timestamp, message_statuses.c.id))
    ]


def _error_of(row: Any) -> MetaError | None:
    """What went wrong with an attempt: Meta's error, or that there was no answer."""
    if row.error_code is None and row.error_class is None:
        return None
    if row.error_code is None and row.error_class in {"network", "lost"}:
        unanswered = _LOST if row.error_class == "lost" else _NO_ANSWER
        meaning, next_step = unanswered if row.state == "unknown" else _NOT_REACHED
        return MetaError(None, None, row.error_class, row.error_detail, meaning, next_step)
    verdict = classify(
        row.error_code,
        subcode=row.error_subcode,
        http_status=row.http_status,
        # Meta's word on that is not kept; it decides only about codes that no table lists, and only between these two.
        is_transient=row.state == "unknown",
        detail=row.error_detail or "",
        certain=row.state == "rejected",
    )
    kind = row.error_class or str(verdict.error_class)
    return MetaError(row.error_code, row.error_subcode, kind, row.error_detail, verdict.meaning, verdict.next_step)


def _error_in(row: Any) -> MetaError | None:
    """The error in a `failed` status."""
    if row.error_code is None:
        return None
    detail = _words(row.raw)
    verdict = classify(row.error_code, detail=detail or "", certain=True)
    return MetaError(row.error_code, None, str(verdict.error_class), detail, verdict.meaning, verdict.next_step)


def _words(raw: Any) -> str | None:
    """Meta's own words in a `failed` status."""
    errors = raw.get("errors") if isinstance(raw, Mapping) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, Mapping):
        return None
    data = first.get("error_data")
    detail = data.get("details") if isinstance(data, Mapping) else data
    words = detail or first.get("message") or first.get("title")
    return words if isinstance(words, str) else None
