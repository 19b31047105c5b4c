"""How an unknown outcome is settled: sent again, given up, or left to a person who is asked. Each is kept, with why.

To be called with the conversation and the message locked. Each UPDATE names the attempt and the states that the
transition table allows: who comes second changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from store import events
from store.audit import OURSELVES, By
from store.evidence import Silence
from store.transitions import Event, after, states_before

Decision = Literal["resend", "give_up"]

NEXT_STEP = (
    "Send it again or give it up: on its page in the console, or with POST /api/v1/whatsapp/messages/{id}/resend "
    "or /give-up."
)
_EVENTS: dict[Decision, Event] = {"resend": Event.RESEND, "give_up": Event.GIVE_UP}


@dataclass(frozen=True, slots=True)
class Unknown:
    """A row whose outcome is unknown, as it was read under its lock."""

    message_id: UUID
    organization_id: UUID
    integration_id: UUID
    conversation_id: UUID
    attempt: int
    policy: str


# Kept apart from the row: the claim of the next attempt forgets the row's reason.
_RECORD = """
    INSERT INTO message_decisions (message_id, attempt, organization_id, policy, evidence, conclusive, asked_at,
                                   decision, decided_at, actor, actor_id)
    SELECT id, attempt, organization_id, :policy, :evidence, :conclusive,
           CASE WHEN CAST(:decision AS text) IS NULL THEN clock_timestamp() END,
           CAST(:decision AS text), CASE WHEN CAST(:decision AS text) IS NOT NULL THEN clock_timestamp() END,
           CAST(:actor AS text), CAST(:actor_id AS uuid)
    FROM settled
    ON CONFLICT (message_id, attempt) DO UPDATE
    SET evidence = excluded.evidence, conclusive = excluded.conclusive, decision = excluded.decision,
        decided_at = excluded.decided_at, actor = excluded.actor, actor_id = excluded.actor_id
    RETURNING coalesce(decided_at, asked_at)
"""

# Whoever asks for it knows how old it is; what goes on by itself may still become stale.
_RESEND = """
    WITH settled AS (
      UPDATE messages
      SET state = :state, queue_no = nextval('message_queue_no_seq'), resends = resends + 1, unknown_until = NULL,
          hold = NULL, hold_since = NULL, hold_until = NULL, reason = :why,
          send_before = CASE WHEN CAST(:actor AS text) = 'holdfast' THEN send_before END
      WHERE id = :message_id AND attempt = :attempt AND state = ANY(:states)
      RETURNING id, attempt, organization_id
    )
"""

_GIVE_UP = """
    WITH settled AS (
      UPDATE messages SET state = :state, unknown_until = NULL, reason = :why
      WHERE id = :message_id AND attempt = :attempt AND state = ANY(:states)
      RETURNING id, attempt, organization_id
    )
"""

# `unknown_until` is null from then on, which means that a person is asked: its wait is over but once.
_ASK = """
    WITH settled AS (
      UPDATE messages SET unknown_until = NULL, reason = :why
      WHERE id = :message_id AND attempt = :attempt AND state = 'unknown'
      RETURNING id, attempt, organization_id
    )
"""
_ASK_AND_RECORD = text(_ASK + _RECORD)

_DECIDE: dict[Decision, Any] = {
    "resend": text(_RESEND + _RECORD).bindparams(bindparam("states", type_=ARRAY(Text))),
    "give_up": text(_GIVE_UP + _RECORD).bindparams(bindparam("states", type_=ARRAY(Text))),
}


async def settle(
    connection: AsyncConnection, row: Unknown, decision: Decision, silence: Silence, *, why: str, by: By = OURSELVES
) -> datetime | None:
    """Send the row again (at the end of its conversation's queue) or give it up; None when it was not unknown any more.

    `why` is said of the row until its next attempt.
    """
    before = states_before(_EVENTS[decision])
    values = _key(row) | _found(row, silence) | {"why": why, "decision": decision}
    values |= {"states": [state.value for state in before], "state": after(before[0], _EVENTS[decision])}
    who = {"actor": by.actor, "actor_id": by.actor_id}
    decided_at: datetime | None = (await connection.execute(_DECIDE[decision], values | who)).scalar_one_or_none()
    return decided_at


async def ask(connection: AsyncConnection, row: Unknown, silence: Silence, *, why: str) -> None:
    """Leave it to a person, and tell the business's own software so, once."""
    nobody = {"decision": None, "actor": None, "actor_id": None}
    values = _key(row) | _found(row, silence) | {"why": why} | nobody
    asked = await connection.execute(_ASK_AND_RECORD, values)
    if asked.first() is None:
        return
    await events.emit(
        connection,
        organization_id=row.organization_id,
        type="message.undecided",
        integration_id=row.integration_id,
        data={
            "message_id": str(row.message_id),
            "conversation_id": str(row.conversation_id),
            "attempt": row.attempt,
            "reason": why,
            "next_step": NEXT_STEP.format(id=row.message_id),
        },
    )


def _key(row: Unknown) -> dict[str, Any]:
    return {"message_id": row.message_id, "attempt": row.attempt}


def _found(row: Unknown, silence: Silence) -> dict[str, Any]:
    return {"policy": row.policy, "evidence": silence.why, "conclusive": silence.conclusive}
