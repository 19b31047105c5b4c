"""What has waited too long, settled under the conversation's lock: lost sends, unknown outcomes, stale rows."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.evidence import silence_since
from store.transitions import State
from store.turn_plan import Conversation, Open, Rules

_LOST = text("""
    WITH attempted AS (
      UPDATE message_attempts SET state = 'unknown', ended_at = clock_timestamp(), error_detail = :why
      WHERE message_id = :message_id AND attempt = :attempt AND state = 'posting'
    )
    UPDATE messages SET state = 'unknown', unknown_until = claimed_at + CAST(:unknown_wait AS interval), reason = :why
    WHERE id = :message_id AND attempt = :attempt AND state = 'sending'
""")

_RESEND = text("""
    UPDATE messages
    SET state = 'queued', queue_no = nextval('message_queue_no_seq'), resends = resends + 1, unknown_until = NULL,
        hold = NULL, hold_since = NULL, hold_until = NULL, reason = :why
    WHERE id = :message_id AND attempt = :attempt AND state = 'unknown'
""")

_GIVE_UP = text("""
    UPDATE messages SET state = 'failed', unknown_until = NULL, reason = :why
    WHERE id = :message_id AND attempt = :attempt AND state = 'unknown'
""")

_ASK = text("""
    UPDATE messages SET unknown_until = NULL, reason = :why
    WHERE id = :message_id AND attempt = :attempt AND state = 'unknown'
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
    """By evidence once, never for templates; else by the policy."""
    silence = await silence_since(
        connection, message_id=row.id, integration_id=at.integration_id, since=row.claimed_at or row.created_at
    )
    key = _key(row.id, row.attempt)
    if silence.conclusive and row.resends == 0 and row.type != "template":
        await connection.execute(_RESEND, key | {"why": f"Sent again: {silence.why}."})
    elif row.unknown_policy == "resend":
        await connection.execute(_RESEND, key | {"why": f"Sent again by policy although {silence.why}."})
    elif row.unknown_policy == "give_up":
        await connection.execute(_GIVE_UP, key | {"why": f"Given up by policy: its outcome is unknown; {silence.why}."})
    else:
        why = f"Nobody knows whether it reached the customer; {silence.why}. A person decides."
        await connection.execute(_ASK, key | {"why": why})


def _key(message_id: UUID, attempt: int) -> dict[str, object]:
    return {"message_id": message_id, "attempt": attempt}
