"""What statuses do to the messages they are of: read under the lock, judged by `store.verdicts`, written in batches."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from store import consequences, media_uploads, nudges
from store.consequences import Attempted, Trouble
from store.transitions import Delivery, State
from store.verdicts import Attempt, Judgement, Row, Told, judge

SENDER_LOOKS = timedelta(seconds=2)
"""Whoever posted a row this recently is still there and goes on by itself; it is looked after all the same."""
_WAITED_FOR = (State.SENDING, State.UNKNOWN, State.QUEUED)


@dataclass(frozen=True, slots=True)
class Locked:
    """A message under its lock."""

    id: UUID
    organization_id: UUID
    integration_id: UUID
    conversation_id: UUID
    just_posted: bool
    row: Row
    own_file: bool
    """It carries a file that the business has given us."""


_LOCK = text("""
    SELECT m.id, m.organization_id, m.integration_id, m.conversation_id,
           coalesce(m.claimed_at > clock_timestamp() - CAST(:just AS interval), false) AS just_posted,
           m.state, m.attempt, m.delivery, m.wamid, m.error_code, m.error_detail, m.reason,
           m.media_id IS NOT NULL AS own_file
    FROM messages m WHERE m.id = ANY(CAST(:ids AS uuid[])) ORDER BY m.id FOR NO KEY UPDATE
""")

_ATTEMPTS = text("""
    SELECT message_id, attempt, state, wamid, error_code, error_class, error_detail FROM message_attempts
    WHERE message_id = ANY(CAST(:ids AS uuid[])) ORDER BY attempt
""")

_STATUSES = text("""
    SELECT message_id, attempt, wamid, status, meta_timestamp, error_code, raw -> 'errors' -> 0 AS error
    FROM message_statuses WHERE message_id = ANY(CAST(:ids AS uuid[]))
""").columns(error=JSONB)

_RISE = text("""
    UPDATE messages m SET delivery = u.delivery
    FROM unnest(CAST(:ids AS uuid[]), CAST(:deliveries AS text[])) AS u (id, delivery) WHERE m.id = u.id
""")

_WRITE = text("""
    UPDATE messages m
    SET state = u.state, delivery = u.delivery, wamid = u.wamid, error_code = u.error_code,
        error_detail = u.error_detail, reason = u.reason,
        accepted_at = CASE WHEN u.state = 'accepted' THEN coalesce(m.accepted_at, clock_timestamp())
                           ELSE m.accepted_at END,
        unknown_until = CASE WHEN u.state = 'unknown' THEN m.unknown_until END,
        hold = CASE WHEN u.state <> 'queued' THEN NULL WHEN u.hold IS NULL THEN m.hold ELSE u.hold END,
        hold_since = CASE WHEN u.state <> 'queued' THEN NULL WHEN u.hold IS NULL THEN m.hold_since
                          ELSE clock_timestamp() END,
        hold_until = CASE WHEN u.state <> 'queued' THEN NULL WHEN u.hold IS NULL THEN m.hold_until
                          ELSE clock_timestamp() + u.lasts END
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:deliveries AS text[]), CAST(:wamids AS text[]),
                CAST(:codes AS int[]), CAST(:details AS text[]), CAST(:reasons AS text[]), CAST(:holds AS text[]),
                CAST(:lasts AS interval[]))
      AS u (id, state, delivery, wamid, error_code, error_detail, reason, hold, lasts)
    WHERE m.id = u.id
""")

_WRITE_ATTEMPTS = text("""
    UPDATE message_attempts a
    SET state = u.state, wamid = u.wamid, error_code = u.error_code, error_class = u.error_class,
        error_detail = u.error_detail, ended_at = coalesce(a.ended_at, clock_timestamp())
    FROM unnest(CAST(:ids AS uuid[]), CAST(:numbers AS int[]), CAST(:states AS text[]), CAST(:wamids AS text[]),
                CAST(:codes AS int[]), CAST(:classes AS text[]), CAST(:details AS text[]))
      AS u (message_id, attempt, state, wamid, error_code, error_class, error_detail)
    WHERE a.message_id = u.message_id AND a.attempt = u.attempt
""")


async def lock_messages(connection: AsyncConnection, message_ids: Iterable[UUID]) -> dict[UUID, Locked]:
    """Lock messages in the order of their ids and read them as they are then."""
    values = {"ids": sorted(set(message_ids)), "just": SENDER_LOOKS}
    found: dict[UUID, Locked] = {}
    for row in await connection.execute(_LOCK, values):
        state, attempt, delivery = State(row.state), row.attempt, Delivery(row.delivery)
        judged = Row(state, attempt, delivery, row.wamid, row.error_code, row.error_detail, row.reason)
        found[row.id] = Locked(
            id=row.id,
            organization_id=row.organization_id,
            integration_id=row.integration_id,
            conversation_id=row.conversation_id,
            just_posted=row.just_posted,
            row=judged,
            own_file=row.own_file,
        )
    return found


async def raise_delivery(connection: AsyncConnection, reached: Mapping[UUID, Delivery]) -> None:
    """Write a higher delivery of locked messages about which nothing else changes."""
    if reached:
        values = {"ids": list(reached), "deliveries": [delivery.value for delivery in reached.values()]}
        await connection.execute(_RISE, values)


async def settle(connection: AsyncConnection, locked: Collection[Locked]) -> None:
    """Bring locked messages in line with all their stored statuses; who waits for the outcome is made due.

    The conversations of messages that may have failed are locked too.
    """
    if not locked:
        return
    ids = [message.id for message in locked]
    attempts = await _attempts(connection, ids)
    told = await _told(connection, ids)
    judged = [
        (one, judge(one.row, attempts.get(one.id, []), told.get(one.id, []), own_file=one.own_file)) for one in locked
    ]
    await _write(connection, [(message, judgement) for message, judgement in judged if _changes(message, judgement)])
    changed_attempts = [
        (message.id, attempt)
        for message, judgement in judged
        for attempt in judgement.attempts
        if attempt not in attempts[message.id]
    ]
    await _write_attempts(connection, changed_attempts)
    troubles = [found for message, judgement in judged if (found := _trouble(message, judgement)) is not None]
    await consequences.follow(connection, troubles)
    await media_uploads.forget_posted(connection, _of_files(judged))
    await _mark(connection, judged)
    await consequences.slow_numbers(connection, troubles)


async def _attempts(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, list[Attempt]]:
    found: dict[UUID, list[Attempt]] = {}
    for message_id, *attempt in await connection.execute(_ATTEMPTS, {"ids": list(ids)}):
        found.setdefault(message_id, []).append(Attempt(*attempt))
    return found


async def _told(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, list[Told]]:
    found: dict[UUID, list[Told]] = {}
    for row in await connection.execute(_STATUSES, {"ids": list(ids)}):
        detail, subcode = _detail(row.error), _subcode(row.error)
        told = Told(row.attempt, row.wamid, row.status, row.meta_timestamp, row.error_code, detail, subcode)
        found.setdefault(row.message_id, []).append(told)
    return found


def _changes(message: Locked, judgement: Judgement) -> bool:
    return judgement.row != message.row or judgement.held is not None


async def _write(connection: AsyncConnection, judged: Sequence[tuple[Locked, Judgement]]) -> None:
    if not judged:
        return
    rows = [judgement.row for _, judgement in judged]
    holds = [judgement.held for _, judgement in judged]
    await connection.execute(
        _WRITE,
        {
            "ids": [message.id for message, _ in judged],
            "states": [row.state.value for row in rows],
            "deliveries": [row.delivery.value for row in rows],
            "wamids": [row.wamid for row in rows],
            "codes": [row.error_code for row in rows],
            "details": [row.error_detail for row in rows],
            "reasons": [row.reason for row in rows],
            "holds": [held.hold if held else None for held in holds],
            "lasts": [held.lasts if held else None for held in holds],
        },
    )


async def _write_attempts(connection: AsyncConnection, changed: Sequence[tuple[UUID, Attempt]]) -> None:
    if not changed:
        return
    await connection.execute(
        _WRITE_ATTEMPTS,
        {
            "ids": [message_id for message_id, _ in changed],
            "numbers": [attempt.number for _, attempt in changed],
            "states": [attempt.state for _, attempt in changed],
            "wamids": [attempt.wamid for _, attempt in changed],
            "codes": [attempt.error_code for _, attempt in changed],
            "classes": [attempt.error_class for _, attempt in changed],
            "details": [attempt.error_detail for _, attempt in changed],
        },
    )


def _trouble(message: Locked, judgement: Judgement) -> Trouble | None:
    refusal = judgement.refusal
    if refusal is None:
        return None
    return Trouble(
        organization_id=message.organization_id,
        integration_id=message.integration_id,
        verdict=refusal.verdict,
        code=refusal.told.code,
        detail=refusal.told.detail,
        source="status",
        of=Attempted(message.id, message.conversation_id, message.row.attempt, refusal.refusals),
    )


def _of_files(judged: Sequence[tuple[Locked, Judgement]]) -> dict[UUID, int]:
    """The attempts that Meta refused for their file of ours, by their message."""
    return {
        message.id: judgement.refusal.told.attempt
        for message, judgement in judged
        if judgement.refusal is not None and judgement.refusal.of_file
    }


async def _mark(connection: AsyncConnection, judged: Sequence[tuple[Locked, Judgement]]) -> None:
    """Only what a workflow waits for makes its conversation due: an outcome, or a row that is queued again."""
    now: set[UUID] = set()
    soon: set[UUID] = set()
    for message, judgement in judged:
        before, after = message.row.state, judgement.row.state
        if judgement.held is None and (before == after or before not in _WAITED_FOR):
            continue
        sender_goes_on = before is State.SENDING and after is State.ACCEPTED and message.just_posted
        (soon if sender_goes_on else now).add(message.conversation_id)
    await nudges.mark_due_within(connection, soon - now, SENDER_LOOKS)
    await nudges.mark_due(connection, sorted(now))


def _detail(error: Any) -> str:
    """Meta's own words about a failure: its title, message and details, which may be an object or a plain text."""
    if not isinstance(error, dict):
        return ""
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else data
    words = [word for word in (error.get("title"), error.get("message"), details) if isinstance(word, str)]
    return ": ".join(dict.fromkeys(words))


def _subcode(error: Any) -> int | None:
    subcode = error.get("error_subcode") if isinstance(error, dict) else None
    return subcode if isinstance(subcode, int) else None
