"""What came of a post, recorded: on the attempt always, on the message by the transition table.

Records may come late (the process was paused, the row was given up meanwhile): they say what is true all the same.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from store import consequences, nudges, statuses
from store.claims import Claimed
from store.consequences import Trouble
from store.engine import Database
from store.transitions import Event, State, states_before


@dataclass(frozen=True, slots=True)
class Refusal:
    """Meta's refusal, or the want of an answer, as it is kept on the attempt. Never holds the message's content."""

    http_status: int | None
    code: int | None
    subcode: int | None
    error_class: str
    detail: str
    fbtrace_id: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the row says after a record."""

    state: str
    why: str


# An echo of the message may have come before this answer and have its wamid: the attempt keeps it all the same. A
# `failed` status of this very post may have come too, and has decided then: the answer says less than it. Nothing is
# written to a row that changed while this waited for its lock: what changed it may be that status.
_ACCEPT = text("""
    WITH told AS MATERIALIZED (
      SELECT m.state, coalesce((
        SELECT bool_or(s.status = 'failed') AND NOT bool_or(s.status IN ('delivered', 'read', 'played'))
        FROM message_statuses s
        WHERE s.message_id = m.id AND s.attempt = :attempt AND s.wamid = :wamid), false) AS failed
      FROM messages m WHERE m.id = :message_id
    ), attempted AS (
      UPDATE message_attempts a
      SET state = CASE WHEN told.failed THEN 'rejected' ELSE 'accepted' END, ended_at = clock_timestamp(),
          wamid = :wamid, http_status = 200
      FROM told
      WHERE a.message_id = :message_id AND a.attempt = :attempt
    ), others AS (
      SELECT count(*) AS accepted,
             (SELECT :wamid WHERE NOT EXISTS (
                SELECT FROM messages e
                WHERE e.integration_id = :integration_id AND e.wamid = :wamid AND e.id <> :message_id)) AS free_wamid
      FROM message_attempts
      WHERE message_id = :message_id AND attempt <> :attempt AND state = 'accepted'
    )
    UPDATE messages
    SET state = 'accepted',
        -- The customer has this attempt and answers it by its wamid: that of one which was refused gives way.
        wamid = CASE WHEN wamid IS NULL THEN others.free_wamid
                     WHEN attempt > 1 AND EXISTS (
                       SELECT FROM message_attempts r
                       WHERE r.message_id = :message_id AND r.wamid = messages.wamid AND r.state = 'rejected')
                     THEN coalesce(others.free_wamid, wamid) ELSE wamid END,
        accepted_at = coalesce(accepted_at, clock_timestamp()),
        hold = NULL, hold_since = NULL, hold_until = NULL, unknown_until = NULL, error_code = NULL, error_detail = NULL,
        reason = CASE WHEN others.accepted > 0 THEN 'Doubled: Meta accepted more than one attempt.' END
    FROM others, told
    WHERE id = :message_id AND NOT told.failed AND messages.state = told.state
      AND (messages.state = ANY(:states) OR (messages.state = 'queued' AND attempt >= :attempt))
    RETURNING messages.state, coalesce(reason, '') AS reason,
      (SELECT count(*) FROM message_statuses s
       WHERE s.integration_id = messages.integration_id AND s.wamid = :wamid AND s.message_id IS NULL) AS early
""").bindparams(bindparam("states", type_=ARRAY(Text)))

_END_ATTEMPT = """
    WITH attempted AS (
      UPDATE message_attempts
      SET state = :attempt_state, ended_at = clock_timestamp(), http_status = :http_status, error_code = :error_code,
          error_subcode = :error_subcode, error_class = :error_class, error_detail = :error_detail,
          fbtrace_id = :fbtrace_id
      WHERE message_id = :message_id AND attempt = :attempt AND state IN ('posting', 'unknown')
    )
    UPDATE messages SET
"""

_REQUEUE = text(
    _END_ATTEMPT
    + """
      state = 'queued', reason = :why, hold = :hold, hold_since = now, hold_until = now + CAST(:delay AS interval),
      error_code = :error_code, error_detail = :error_detail
    FROM clock_timestamp() AS now
    WHERE id = :message_id AND attempt = :attempt AND state = ANY(:states)
    RETURNING state, reason
"""
).bindparams(bindparam("states", type_=ARRAY(Text)))

_FAIL = text(
    _END_ATTEMPT
    + """
      state = 'failed', reason = :why, error_code = :error_code, error_detail = :error_detail
    WHERE id = :message_id AND attempt = :attempt AND state = ANY(:states)
    RETURNING state, reason
"""
).bindparams(bindparam("states", type_=ARRAY(Text)))

_LOSE = text(
    _END_ATTEMPT
    + """
      state = 'unknown', reason = :why, unknown_until = claimed_at + CAST(:unknown_wait AS interval),
      error_code = :error_code, error_detail = :error_detail
    WHERE id = :message_id AND attempt = :attempt AND state = ANY(:states)
    RETURNING state, reason
"""
).bindparams(bindparam("states", type_=ARRAY(Text)))

_GIVE_BACK = text("""
    WITH attempted AS (
      UPDATE message_attempts
      SET state = 'given_back', ended_at = clock_timestamp(), error_class = NULL, error_detail = NULL
      WHERE message_id = :message_id AND attempt = :attempt AND state IN ('posting', 'unknown')
    )
    UPDATE messages SET state = 'queued', reason = :why, unknown_until = NULL
    WHERE id = :message_id AND attempt = :attempt
      AND (state = 'sending' OR (state = 'unknown' AND unknown_until > clock_timestamp()))
    RETURNING state, reason
""")

_READ = text("SELECT state, coalesce(reason, '') AS reason FROM messages WHERE id = :message_id")

_REFUSED_BEFORE = text("""
    SELECT count(*) FROM message_attempts
    WHERE message_id = :message_id AND attempt < :attempt AND state = 'rejected' AND error_code = :code
""")


async def accepted(database: Database, claimed: Claimed, wamid: str, *, wake: bool) -> Recorded:
    """Meta took it. Statuses that came before this answer are adopted with it.

    One statement where nobody has to be woken and no status was early; to write it twice changes nothing.
    """
    values = {
        "message_id": claimed.message_id,
        "attempt": claimed.attempt,
        "wamid": wamid,
        "integration_id": claimed.integration_id,
        "states": [s.value for s in states_before(Event.ACCEPT) if s is not State.QUEUED],
    }
    if not wake:
        async with database.statement() as connection:
            row = (await connection.execute(_ACCEPT, values)).one_or_none()
        if row is not None and not row.early:
            return Recorded(row.state, row.reason)
    async with database.transaction() as connection:
        await _lock_conversation(connection, claimed, wake=wake)
        row = (await connection.execute(_ACCEPT, values)).one_or_none()
        if row is not None and row.early:
            await statuses.adopt(connection, claimed.message_id, wamid)
        return await _recorded(connection, claimed, row)


async def requeued(
    database: Database,
    claimed: Claimed,
    refusal: Refusal,
    *,
    hold: str,
    delay: timedelta | None,
    why: str,
    wake: bool,
    trouble: Trouble | None = None,
) -> Recorded:
    """Refused for sure, to be repeated: queued, held until its time (`delay` None: until somebody releases it)."""
    values = _refused(claimed, refusal, Event.REJECT_RETRYABLE) | {"hold": hold, "delay": delay, "why": why}
    values["attempt_state"] = "rejected"
    return await _end(database, _REQUEUE, claimed, values, wake=wake, trouble=trouble)


async def failed(
    database: Database, claimed: Claimed, refusal: Refusal, *, why: str, wake: bool, trouble: Trouble | None = None
) -> Recorded:
    """Refused for good."""
    values = _refused(claimed, refusal, Event.REJECT) | {"why": why, "attempt_state": "rejected"}
    return await _end(database, _FAIL, claimed, values, wake=wake, trouble=trouble)


async def lost(
    database: Database, claimed: Claimed, refusal: Refusal, *, unknown_wait: timedelta, why: str, wake: bool
) -> Recorded:
    """Nobody knows whether Meta took it: `unknown` for `unknown_wait` from the claim."""
    values = _refused(claimed, refusal, Event.LOSE) | {"why": why, "unknown_wait": unknown_wait}
    return await _end(database, _LOSE, claimed, values | {"attempt_state": "unknown"}, wake=wake)


async def given_back(database: Database, claimed: Claimed, *, why: str, wake: bool) -> Recorded:
    """Claimed but certainly not posted: queued again as it was.

    Also a row that was given up as `unknown` meanwhile, as long as what is behind it waits for it.
    """
    values = {"message_id": claimed.message_id, "attempt": claimed.attempt, "why": why}
    return await _end(database, _GIVE_BACK, claimed, values, wake=wake)


async def wake(database: Database, conversation_id: UUID) -> None:
    """Have the conversation looked at: something about it was recorded that nobody waits for."""
    async with database.transaction() as connection:
        await nudges.mark_due(connection, [conversation_id])


async def refusals(database: Database, claimed: Claimed, code: int | None) -> int:
    """How often Meta has refused this message with this code, this time included: its back-off grows with that."""
    values = {"message_id": claimed.message_id, "attempt": claimed.attempt, "code": code}
    async with database.statement() as connection:
        before: int = (await connection.execute(_REFUSED_BEFORE, values)).scalar_one()
    return before + 1


def _refused(claimed: Claimed, refusal: Refusal, event: Event) -> dict[str, Any]:
    return {
        "message_id": claimed.message_id,
        "attempt": claimed.attempt,
        "http_status": refusal.http_status,
        "error_code": refusal.code,
        "error_subcode": refusal.subcode,
        "error_class": refusal.error_class,
        "error_detail": refusal.detail,
        "fbtrace_id": refusal.fbtrace_id,
        "states": [state.value for state in states_before(event) if state is not State.QUEUED],
    }


async def _end(
    database: Database,
    statement: Any,
    claimed: Claimed,
    values: dict[str, Any],
    *,
    wake: bool,
    trouble: Trouble | None = None,
) -> Recorded:
    """The end of an attempt, with what follows from it: numbers, the conversation, its message, the number's rate."""
    troubles = [] if trouble is None else [trouble]
    async with database.transaction() as connection:
        await consequences.lock_numbers(connection, troubles)
        await consequences.lock_contacts(connection, troubles)
        if wake or troubles:
            await _lock_conversation(connection, claimed, wake=wake)
        await consequences.follow(connection, troubles)
        row = (await connection.execute(statement, values)).one_or_none()
        recorded = await _recorded(connection, claimed, row)
        await consequences.slow_numbers(connection, troubles)
    return recorded


async def _lock_conversation(connection: AsyncConnection, claimed: Claimed, *, wake: bool) -> None:
    """The conversation before its messages: the lock order of every transaction."""
    if wake:
        await nudges.mark_due(connection, [claimed.conversation_id])
    else:
        await nudges.lock(connection, [claimed.conversation_id])


async def _recorded(connection: AsyncConnection, claimed: Claimed, row: Any) -> Recorded:
    if row is None:
        row = (await connection.execute(_READ, {"message_id": claimed.message_id})).one()
    return Recorded(row.state, row.reason)
