"""The past of a number that is used in the WhatsApp Business app too: stored to be read, never to be answered.

No turn, no window and no mark comes of it. A message that turns out to be new, since Meta also delivers it as one, is
taken out of the past again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.ids import new_id
from store.inbound import Filed
from store.transitions import Delivery
from whatsapp import kinds
from whatsapp.events import PastMessage

FROM_THE_PAST = "It is from before the number was connected."
_FAILED = frozenset({"error", "failed"})
_HAD_FAILED = "It had failed before the number was connected."
_DELIVERIES = frozenset(delivery.value for delivery in Delivery)

# Read in the order of `created_at`: that of a past message is when it was written. What Meta first tells as a place
# where media stood, it tells again with the media.
_STORE = text("""
    WITH filed AS MATERIALIZED (
      SELECT DISTINCT ON (integration_id, wamid) * FROM unnest(
        CAST(:ids AS uuid[]), CAST(:organizations AS uuid[]), CAST(:integrations AS uuid[]),
        CAST(:conversations AS uuid[]), CAST(:directions AS text[]), CAST(:wamids AS text[]), CAST(:types AS text[]),
        CAST(:contents AS jsonb[]), CAST(:states AS text[]), CAST(:deliveries AS text[]),
        CAST(:timestamps AS timestamptz[]), CAST(:abouts AS text[]), CAST(:events AS bigint[]), CAST(:places AS int[])
      ) AS f (id, organization_id, integration_id, conversation_id, direction, wamid, type, content, state, delivery,
              at, about_wamid, webhook_event_id, place)
      ORDER BY integration_id, wamid, webhook_event_id, place
    ), stored AS (
      INSERT INTO messages (id, organization_id, integration_id, conversation_id, direction, author, wamid, type,
                            content, state, kept_reason, reason, delivery, meta_timestamp, created_at, accepted_at,
                            about_wamid, webhook_event_id, place)
      SELECT id, organization_id, integration_id, conversation_id, direction,
             CASE direction WHEN 'in' THEN 'customer' ELSE 'person' END, wamid, type, content, state,
             CASE direction WHEN 'in' THEN :past END, CASE state WHEN 'failed' THEN :had_failed END, delivery,
             at, at, CASE state WHEN 'accepted' THEN at END, about_wamid, webhook_event_id, place
      FROM filed
      ON CONFLICT (integration_id, wamid) DO UPDATE SET type = EXCLUDED.type, content = EXCLUDED.content
        WHERE messages.type = 'media_placeholder' AND EXCLUDED.type <> 'media_placeholder'
      RETURNING integration_id, wamid, conversation_id, meta_timestamp
    ), shown AS (
      UPDATE conversations c SET last_message_at = greatest(c.last_message_at, n.latest_at)
      FROM (SELECT conversation_id, max(meta_timestamp) AS latest_at FROM stored GROUP BY conversation_id) AS n
      WHERE c.id = n.conversation_id
    )
    SELECT f.webhook_event_id, f.place FROM filed f JOIN stored USING (integration_id, wamid)
""")

_REVIVE = text("""
    WITH arrived AS MATERIALIZED (
      SELECT * FROM unnest(
        CAST(:integrations AS uuid[]), CAST(:wamids AS text[]), CAST(:opened AS timestamptz[]), CAST(:due AS boolean[]),
        CAST(:events AS bigint[]), CAST(:places AS int[])
      ) AS a (integration_id, wamid, opened_at, due, webhook_event_id, place)
    ), revived AS (
      UPDATE messages m
      SET state = 'received', kept_reason = NULL, webhook_event_id = a.webhook_event_id, place = a.place
      FROM arrived a
      WHERE m.integration_id = a.integration_id AND m.wamid = a.wamid AND m.state = 'kept' AND m.kept_reason = :past
      RETURNING m.conversation_id, m.integration_id, m.wamid, a.opened_at, a.due
    ), marked AS (
      UPDATE conversations c
      SET window_opened_at = CASE WHEN c.window_refused_at - interval '2 seconds' > n.opened_at THEN c.window_opened_at
                                  ELSE greatest(c.window_opened_at, n.opened_at) END,
          due_at = CASE WHEN n.due THEN clock_timestamp() ELSE c.due_at END
      FROM (SELECT conversation_id, max(opened_at) AS opened_at, bool_or(due) AS due
            FROM revived GROUP BY conversation_id) AS n
      WHERE c.id = n.conversation_id
    )
    SELECT integration_id, wamid FROM revived
""")


@dataclass(frozen=True, slots=True)
class FiledPast:
    """A past message with the conversation it belongs to."""

    message: PastMessage
    event_id: int
    organization_id: UUID
    integration_id: UUID
    conversation_id: UUID

    @property
    def state(self) -> str:
        """What it is by now."""
        if not self.message.is_ours:
            return "kept"
        return "failed" if self.message.status in _FAILED else "accepted"

    @property
    def delivery(self) -> str:
        """How far it had come; of the business's own messages only."""
        status = self.message.status
        return status if self.message.is_ours and status in _DELIVERIES and status else "none"


async def store_past(connection: AsyncConnection, filed: Sequence[FiledPast]) -> list[bool]:
    """Store past messages whose conversations are locked; tells of each whether it is new."""
    if not filed:
        return []
    messages = [one.message for one in filed]
    rows = await connection.execute(
        _STORE,
        {
            "ids": [new_id() for _ in filed],
            "organizations": [one.organization_id for one in filed],
            "integrations": [one.integration_id for one in filed],
            "conversations": [one.conversation_id for one in filed],
            "directions": ["out" if message.is_ours else "in" for message in messages],
            "wamids": [message.wamid for message in messages],
            "types": [message.type for message in messages],
            "contents": [orjson.dumps(message.content).decode() for message in messages],
            "states": [one.state for one in filed],
            "deliveries": [one.delivery for one in filed],
            "timestamps": [message.timestamp for message in messages],
            "abouts": [kinds.about(message.type, message.content) for message in messages],
            "events": [one.event_id for one in filed],
            "places": [message.origin.place for message in messages],
            "past": FROM_THE_PAST,
            "had_failed": _HAD_FAILED,
        },
    )
    new = {(event_id, place) for event_id, place in rows}
    return [(one.event_id, one.message.origin.place) in new for one in filed]


async def revive(connection: AsyncConnection, repeated: Sequence[Filed]) -> set[tuple[UUID, str]]:
    """Of messages that were stored before, make new those that only the past had; answers their numbers and wamids.

    A number's past reaches up to its connection: what a customer wrote in that hour may come both ways, in any order.
    """
    waiting = [one for one in repeated if one.kept_reason is None]
    if not waiting:
        return set()
    messages = [one.message for one in waiting]
    rows = await connection.execute(
        _REVIVE,
        {
            "integrations": [one.integration_id for one in waiting],
            "wamids": [message.wamid for message in messages],
            "opened": [message.timestamp if message.opens_window else None for message in messages],
            "due": [one.due for one in waiting],
            "events": [one.event_id for one in waiting],
            "places": [message.origin.place for message in messages],
            "past": FROM_THE_PAST,
        },
    )
    return {(integration_id, wamid) for integration_id, wamid in rows}
