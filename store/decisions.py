"""What a person decides about a message of which nobody knows whether it arrived: send it again, or give it up.

A resend goes through the claim like any message: a window that has closed meanwhile refuses it there. Giving up takes
nothing back: a status that comes later still says what is true.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import audit, nudges, settlements
from store.audit import By
from store.engine import Database
from store.errors import ConflictError, NotFoundError, NotUndecidedError, OutcomeAwaitedError
from store.evidence import silence_since
from store.settlements import Decision, Unknown
from store.transitions import State

SAYS: dict[Decision, str] = {
    "resend": "It is queued again, at the end of its conversation's queue.",
    "give_up": "It counts as failed. Should Meta tell later that it arrived, it counts as accepted.",
}
"""What follows from a decision."""
_WHY: dict[Decision, str] = {
    "resend": "Sent again because a person decided so.",
    "give_up": "Given up by a person: nobody knows whether it reached the customer.",
}
_STATES = {
    "queued": "It waits to be sent.",
    "sending": "It is being sent.",
    "accepted": "Meta has accepted it.",
    "failed": "It has failed.",
    "expired": "It has expired.",
    "cancelled": "It was cancelled.",
}
_INBOUND = "It came from the customer."


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision and what the message is since."""

    message_id: UUID
    conversation_id: UUID
    attempt: int
    """The attempt that it is about."""
    decision: Decision
    decided_at: datetime
    state: str
    """Of the message, at the moment of this answer."""
    says: str


_CONVERSATION = text("""
    SELECT conversation_id FROM messages WHERE id = :message_id AND organization_id = :organization_id
""")

_READ = text("""
    SELECT m.id, m.integration_id, m.conversation_id, m.direction, m.state, m.attempt, m.unknown_until,
           coalesce(m.claimed_at, m.created_at) AS since, coalesce(m.unknown_policy, i.unknown_policy) AS policy,
           i.state AS integration_state, clock_timestamp() AS now
    FROM messages m JOIN integrations i ON i.id = m.integration_id
    WHERE m.id = :message_id AND m.organization_id = :organization_id
    FOR NO KEY UPDATE OF m
""")

_DECIDED_BEFORE = text("""
    SELECT attempt, decision, decided_at FROM message_decisions
    WHERE message_id = :message_id AND organization_id = :organization_id AND decision IS NOT NULL
      AND attempt = coalesce(CAST(:about AS int), attempt)
    ORDER BY attempt DESC LIMIT 1
""")


async def decide(
    database: Database,
    *,
    organization_id: UUID,
    message_id: UUID,
    decision: Decision,
    by: By,
    attempt: int | None = None,
) -> Decided:
    """Decide about an unknown outcome, or answer what was decided so already.

    `attempt` is the one that the decision is about (None: the latest): with it, a decision that is repeated late never
    counts for a later attempt.

    Raises:
        NotFoundError: the organization has no such message.
        NotUndecidedError: its outcome is not unknown, or somebody decided otherwise.
        OutcomeAwaitedError: it is to be sent again while a status may still tell.
        ConflictError: it is to be sent again from a number that is disconnected.
    """
    key = {"organization_id": organization_id, "message_id": message_id}
    async with database.transaction() as connection:
        conversation_id = (await connection.execute(_CONVERSATION, key)).scalar_one_or_none()
        if conversation_id is None:
            raise NotFoundError("There is no such message.")
        await nudges.lock(connection, [conversation_id])
        row = (await connection.execute(_READ, key)).one()
        about = row.attempt if attempt is None and row.state == State.UNKNOWN else attempt
        before = (await connection.execute(_DECIDED_BEFORE, key | {"about": about})).one_or_none()
        if before is not None and before.decision == decision:
            return _decided(row, before.attempt, decision, before.decided_at, state=row.state)
        _check(row, decision, attempt=attempt)
        return await _decide(connection, organization_id, row, decision, by)


def _check(row: Any, decision: Decision, *, attempt: int | None) -> None:
    """Nothing, when this may be decided about the row now."""
    if row.state != State.UNKNOWN:
        says = _INBOUND if row.direction == "in" else _STATES[row.state]
        raise NotUndecidedError(f"{says} There is nothing to decide.")
    if attempt is not None and attempt != row.attempt:
        raise NotUndecidedError(f"Attempt {row.attempt} is the latest, and the decision is about attempt {attempt}.")
    if decision == "give_up":
        return
    if row.unknown_until is not None and row.unknown_until > row.now:
        until = row.unknown_until.strftime("%Y-%m-%d %H:%M:%S UTC")
        raise OutcomeAwaitedError(f"Until {until} a status may tell whether it arrived.")
    if row.integration_state == "disconnected":
        raise ConflictError(
            "The number is disconnected: nothing leaves from it.", next_step="Give the message up, or connect it again."
        )


async def _decide(connection: AsyncConnection, organization_id: UUID, row: Any, decision: Decision, by: By) -> Decided:
    silence = await silence_since(connection, message_id=row.id, integration_id=row.integration_id, since=row.since)
    unknown = Unknown(row.id, organization_id, row.integration_id, row.conversation_id, row.attempt, row.policy)
    decided_at = await settlements.settle(connection, unknown, decision, silence, why=_WHY[decision], by=by)
    if decided_at is None:
        raise NotUndecidedError("Its outcome became known just now.")
    await audit.note(
        connection,
        organization_id=organization_id,
        action=f"message.{decision}",
        subject_id=row.id,
        actor=by.actor,
        actor_id=by.actor_id,
        detail={"attempt": row.attempt, "evidence": silence.why},
    )
    await nudges.mark_due(connection, [row.conversation_id])
    state = State.QUEUED if decision == "resend" else State.FAILED
    return _decided(row, row.attempt, decision, decided_at, state=state)


def _decided(row: Any, attempt: int, decision: Decision, decided_at: datetime, *, state: str) -> Decided:
    return Decided(row.id, row.conversation_id, attempt, decision, decided_at, state, SAYS[decision])
