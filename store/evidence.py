"""When silence tells something: whether a status of an attempt could have been missed.

Silence is evidence that Meta never took a message only if nothing could have hidden its status: every correctly signed
webhook since the attempt was answered 200, somebody listened all the time, nothing of that time is unprocessed, and
statuses of messages the same number sent later have come.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import api_processes

LATER_STATUSES = 3
"""This many messages sent later must have been heard of."""

_UNPROCESSED = text("""
    SELECT EXISTS (SELECT FROM webhook_events WHERE state = 'pending' AND received_at <= clock_timestamp())
        OR EXISTS (SELECT FROM webhook_items p JOIN webhook_events e ON e.id = p.webhook_event_id
                   WHERE p.outcome = 'parked' AND e.received_at >= :since)
""")

_LATER = text("""
    SELECT count(DISTINCT s.message_id)
    FROM message_statuses s JOIN message_attempts a ON a.message_id = s.message_id AND a.attempt = s.attempt
    WHERE s.integration_id = :integration_id AND s.created_at >= :since AND a.claimed_at > :since
      AND s.message_id <> :message_id
""")


@dataclass(frozen=True, slots=True)
class Silence:
    """What the silence after an attempt is worth."""

    conclusive: bool
    why: str
    """In words, for the message's story."""


async def silence_since(
    connection: AsyncConnection, *, message_id: UUID, integration_id: UUID, since: datetime
) -> Silence:
    """Judge the silence since an attempt was claimed."""
    if await api_processes.missed_between(connection, since):
        return Silence(conclusive=False, why="a status may have been missed: webhooks were not received all the time")
    if (await connection.execute(_UNPROCESSED, {"since": since})).scalar_one():
        return Silence(conclusive=False, why="a status may be among webhooks that are not processed")
    values = {"integration_id": integration_id, "since": since, "message_id": message_id}
    later = (await connection.execute(_LATER, values)).scalar_one()
    if later < LATER_STATUSES:
        why = f"of messages sent later, only {later} of the {LATER_STATUSES} that it takes have been heard of"
        return Silence(conclusive=False, why=why)
    return Silence(conclusive=True, why=f"{later} messages sent later have been heard of, and this one has not")
