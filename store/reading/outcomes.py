"""Why the outcome of a message is what it is: what silence is worth, what was decided, what may be decided now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.decisions import SAYS
from store.evidence import silence_since
from store.settlements import Decision
from whatsapp.window import is_open

POLICIES = {
    "evidence": "It is sent again once if Meta's silence proves that it was not taken; else a person is asked.",
    "ask": "A person is asked: nothing is sent again by itself.",
    "resend": "It is sent again once without proof; then a person is asked.",
    "give_up": "It is sent again once if Meta's silence proves that it was not taken; else it ends failed.",
}
"""What each policy does about an unknown outcome."""
_STATES = {
    "queued": "It waits to be sent.",
    "sending": "It is being sent.",
    "unknown": "Nobody knows whether it reached the customer.",
    "accepted": "Meta has accepted it.",
    "failed": "It did not reach the customer.",
    "expired": "It could not leave in time.",
    "cancelled": "It was cancelled.",
}
_REACHED = {
    "sent": "Meta has sent it to the customer.",
    "delivered": "It reached the customer.",
    "read": "The customer has read it.",
    "played": "The customer has played it.",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What Meta's silence about an attempt is worth at this moment."""

    conclusive: bool
    """Nothing could have hidden a status: Meta never took the message."""
    why: str
    since: datetime
    """When the attempt was made."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What was done about an attempt whose outcome nobody knew."""

    attempt: int
    policy: str
    evidence: str
    """What silence was worth then."""
    conclusive: bool
    asked_at: datetime | None
    """Since when a person was asked; null when nobody had to be."""
    decision: Decision | None
    """Null when nobody has decided, or a status came first."""
    decided_at: datetime | None
    decided_by: Literal["person", "key", "holdfast"] | None
    decided_by_name: str | None
    """The person's or the key's name."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person may decide."""

    decision: Decision
    not_before: datetime | None
    """Refused until then; null: it may be decided now."""
    says: str
    """What follows from it."""
    caution: str | None
    """Why it would not lead far as things stand."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of a message of ours."""

    says: str
    """In words, why it is what it is."""
    attempt: int
    """The latest one: what is decided is decided about it."""
    policy: str
    """What is done when nobody knows whether it arrived: `evidence`, `ask`, `resend` or `give_up`."""
    policy_of: Literal["message", "number"]
    """Whose policy that is."""
    policy_says: str
    awaited_until: datetime | None
    """Until then a status may tell what an unknown outcome is; null: a person is asked, or it is known."""
    evidence: Evidence | None
    """Null when the outcome is known."""
    settled: list[Settled]
    choices: list[Choice]


_READ = text("""
    SELECT m.id, m.integration_id, m.author, m.type, m.state, m.delivery, m.reason, m.attempt, m.unknown_until,
           m.send_before, m.unknown_policy AS own_policy, i.unknown_policy AS policy,
           coalesce(m.claimed_at, m.created_at) AS since, i.state AS integration_state, i.enabled,
           c.in_charge, c.window_opened_at, clock_timestamp() AS now
    FROM messages m
    JOIN integrations i ON i.id = m.integration_id
    JOIN conversations c ON c.id = m.conversation_id
    WHERE m.id = :message_id AND m.organization_id = :organization_id AND m.direction = 'out'
""")

_SETTLED = text("""
    SELECT d.attempt, d.policy, d.evidence, d.conclusive, d.asked_at, d.decision, d.decided_at, d.actor AS decided_by,
           coalesce(p.name, k.name) AS decided_by_name
    FROM message_decisions d
    LEFT JOIN people p ON d.actor = 'person' AND p.id = d.actor_id AND p.organization_id = d.organization_id
    LEFT JOIN api_keys k ON d.actor = 'key' AND k.id = d.actor_id AND k.organization_id = d.organization_id
    WHERE d.message_id = :message_id AND d.organization_id = :organization_id
    ORDER BY d.attempt
""")


async def outcome_of(connection: AsyncConnection, organization_id: UUID, message_id: UUID) -> Outcome | None:
    """Why a message of ours stands as it does; None for a customer's."""
    key = {"organization_id": organization_id, "message_id": message_id}
    row = (await connection.execute(_READ, key)).one_or_none()
    if row is None:
        return None
    awaited = row.unknown_until if row.state == "unknown" and (row.unknown_until or row.now) > row.now else None
    policy = row.own_policy or row.policy
    return Outcome(
        says=row.reason or _REACHED.get(row.delivery if row.state == "accepted" else "") or _STATES[row.state],
        attempt=row.attempt,
        policy=policy,
        policy_of="message" if row.own_policy else "number",
        policy_says=POLICIES[policy],
        awaited_until=awaited,
        evidence=await _evidence(connection, row) if row.state == "unknown" else None,
        settled=[Settled(**found) for found in (await connection.execute(_SETTLED, key)).mappings()],
        choices=_choices(row, awaited) if row.state == "unknown" else [],
    )


async def _evidence(connection: AsyncConnection, row: Any) -> Evidence:
    silence = await silence_since(connection, message_id=row.id, integration_id=row.integration_id, since=row.since)
    return Evidence(silence.conclusive, f"{silence.why[0].upper()}{silence.why[1:]}.", row.since)


def _choices(row: Any, awaited: datetime | None) -> list[Choice]:
    give_up = Choice("give_up", None, SAYS["give_up"], None)
    if row.integration_state == "disconnected":
        return [give_up]
    return [Choice("resend", awaited, SAYS["resend"], _caution(row)), give_up]


def _caution(row: Any) -> str | None:
    """What the claim would say to it now; it decides anew when the message's turn comes."""
    if row.type != "template" and not is_open(row.window_opened_at, row.now):
        return "The 24-hour window is closed: sent again it ends failed. Send a template instead."
    if row.send_before is not None and row.send_before <= row.now:
        return "It was to leave before now and may be stale: sent again it leaves all the same."
    if row.author == "bot" and row.in_charge == "person":
        return "It is the bot's, and a person is in charge of the conversation: sent again it leaves all the same."
    if row.integration_state != "live" or not row.enabled:
        return "The number does not send at present: sent again it waits until it does."
    return None
