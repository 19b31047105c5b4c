"""What has waited too long, settled under the conversation's lock: lost sends, unknown outcomes, stale rows."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import settlements
from store.evidence import Silence, silence_since
from store.settlements import Unknown
from store.transitions import State
from store.turn_plan import Conversation, Open, Rules

_LOST = text("""
    WITH attempted AS (
      UPDATE message_attempts
      SET state = 'unknown', ended_at = clock_timestamp(), error_class = 'lost', error_detail = :why
      WHERE message_id = :message_id AND attempt = :attempt AND state = 'posting'
    )
    UPDATE messages SET state = 'unknown', unknown_until = claimed_at + CAST(:unknown_wait AS interval), reason = :why
    WHERE id = :message_id AND attempt = :attempt AND state = 'sending'
""")

_EXPIRE = text("""
    WITH handed AS (
      UPDATE conversations
      SET in_charge = 'person', in_charge_reason = :why, in_charge_since = clock_timestamp()
      WHERE id = :conversation_id AND CAST(:to_person AS boolean) AND in_charge = 'bot'
    )
    UPDATE messages SET state = 'expired', reason = :why, hold = NULL, hold_since = NULL, hold_until = NULL
    WHERE id = :message_id AND attempt = :attempt AND state = 'queued'
""")

LOST_WHY = "The worker that sent it ended before it could record the answer."
STALE_WHY = "It could not leave in time and would be stale by now."


async def settle(connection: AsyncConnection, at: Conversation, overdue: list[Open], *, rules: Rules) -> None:
    """Take each overdue row one step on: sending -> unknown -> (evidence, policy), queued -> expired."""
    for row in overdue:
        if row.state == State.SENDING:
            values = {**_key(row.id, row.attempt), "why": LOST_WHY, "unknown_wait": rules.unknown_wait}
            await connection.execute(_LOST, values)
        elif row.state == State.UNKNOWN:
            await _settle_unknown(connection, at, row)
        else:
            values = {**_key(row.id, row.attempt), "why": STALE_WHY, "conversation_id": at.id}
            await connection.execute(_EXPIRE, values | {"to_person": row.author == "bot"})


async def _settle_unknown(connection: AsyncConnection, at: Conversation, row: Open) -> None:
    """By evidence where the policy goes by it, else by the policy; never sent again by itself a second time.

    Why there are four policies: docs/decisions/0070-a-person-or-the-evidence.md.
    """
    silence = await silence_since(
        connection, message_id=row.id, integration_id=at.integration_id, since=row.claimed_at or row.created_at
    )
    unknown = Unknown(row.id, at.organization_id, at.integration_id, at.id, row.attempt, row.unknown_policy)
    gone = at.integration_state == "disconnected"  # nothing leaves from it any more
    match row.unknown_policy:
        case "evidence" | "give_up" if _is_proof(silence, row) and not gone:
            await settlements.settle(connection, unknown, "resend", silence, why=f"Sent again: {silence.why}.")
        case "resend" if row.resends == 0 and not gone:
            why = f"Sent again by its policy: {silence.why}."
            await settlements.settle(connection, unknown, "resend", silence, why=why)
        case "give_up":
            why = f"Given up by its policy: nobody knows whether it reached the customer; {silence.why}."
            await settlements.settle(connection, unknown, "give_up", silence, why=why)
        case _:
            why = f"Nobody knows whether it reached the customer; {silence.why}. A person decides."
            await settlements.ask(connection, unknown, silence, why=why)


def _is_proof(silence: Silence, row: Open) -> bool:
    """Whether the row may be sent again by evidence alone: once, and never a template, which costs money."""
    return silence.conclusive and row.resends == 0 and row.type != "template"


def _key(message_id: UUID, attempt: int) -> dict[str, object]:
    return {"message_id": message_id, "attempt": attempt}
