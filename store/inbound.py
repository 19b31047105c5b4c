"""What customers wrote, and what the business wrote by other means, as rows: each wamid of a number once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import handover
from store.ids import new_id
from whatsapp import kinds
from whatsapp.events import Echo, InboundMessage

TAKEN_OVER = "The business answered by other means: its own phone or another tool."


@dataclass(frozen=True, slots=True)
class Filed:
    """A customer's message with the conversation it belongs to and what is to become of it."""

    message: InboundMessage
    event_id: int
    organization_id: UUID
    integration_id: UUID
    conversation_id: UUID
    kept_reason: str | None
    """Why nobody answers it; None: it waits for a turn."""
    due: bool
    """Whether somebody has to look at it now; a number that is still being connected is looked at when it is live."""


@dataclass(frozen=True, slots=True)
class FiledEcho:
    """A message of the business's own, sent from elsewhere, with its conversation."""

    echo: Echo
    event_id: int
    organization_id: UUID
    integration_id: UUID
    conversation_id: UUID


@dataclass(frozen=True, slots=True)
class Opening:
    """A user's call: it opens a window and leaves no message."""

    conversation_id: UUID
    at: datetime


# The conversations are locked before this statement, so a repeated wamid is seen or waited for, and no two intakes wait
# for each other. The mark needs no NOTIFY: intake nudges what it has applied. What the customer wrote before Meta
# refused a reply for a closed window (131047), and comes late, opens none; two seconds are left for clocks that differ.
_STORE = text("""
    WITH filed AS MATERIALIZED (
      SELECT * FROM unnest(
        CAST(:ids AS uuid[]), CAST(:organizations AS uuid[]), CAST(:integrations AS uuid[]),
        CAST(:conversations AS uuid[]), CAST(:wamids AS text[]), CAST(:types AS text[]), CAST(:contents AS jsonb[]),
        CAST(:states AS text[]), CAST(:reasons AS text[]), CAST(:groups AS text[]), CAST(:timestamps AS timestamptz[]),
        CAST(:abouts AS text[]), CAST(:events AS bigint[]), CAST(:places AS int[]), CAST(:opened AS timestamptz[]),
        CAST(:due AS boolean[])
      ) AS f (id, organization_id, integration_id, conversation_id, wamid, type, content, state, kept_reason, group_id,
              meta_timestamp, about_wamid, webhook_event_id, place, opened_at, due)
    ), stored AS (
      INSERT INTO messages (id, organization_id, integration_id, conversation_id, direction, author, wamid, type,
                            content, state, kept_reason, group_id, meta_timestamp, about_wamid, webhook_event_id, place)
      SELECT id, organization_id, integration_id, conversation_id, 'in', 'customer', wamid, type, content, state,
             kept_reason, group_id, meta_timestamp, about_wamid, webhook_event_id, place
      FROM filed
      ON CONFLICT (integration_id, wamid) DO NOTHING RETURNING id
    ), marked AS (
      UPDATE conversations c
      SET window_opened_at = CASE WHEN c.window_refused_at - interval '2 seconds' > n.opened_at THEN c.window_opened_at
                                  ELSE greatest(c.window_opened_at, n.opened_at) END,
          last_message_at = greatest(c.last_message_at, n.latest_at),
          due_at = CASE WHEN n.due THEN clock_timestamp() ELSE c.due_at END
      FROM (SELECT conversation_id, max(opened_at) AS opened_at, max(meta_timestamp) AS latest_at, bool_or(due) AS due
            FROM filed JOIN stored USING (id) GROUP BY conversation_id) AS n
      WHERE c.id = n.conversation_id
    )
    SELECT id FROM stored
""")

_STORE_ECHOES = text("""
    WITH filed AS MATERIALIZED (
      SELECT * FROM unnest(
        CAST(:ids AS uuid[]), CAST(:organizations AS uuid[]), CAST(:integrations AS uuid[]),
        CAST(:conversations AS uuid[]), CAST(:wamids AS text[]), CAST(:types AS text[]), CAST(:contents AS jsonb[]),
        CAST(:timestamps AS timestamptz[]), CAST(:abouts AS text[]), CAST(:events AS bigint[]), CAST(:places AS int[])
      ) AS f (id, organization_id, integration_id, conversation_id, wamid, type, content, meta_timestamp, about_wamid,
              webhook_event_id, place)
      WHERE NOT EXISTS (  -- what we sent ourselves, also by an attempt whose wamid is not the message's
        SELECT FROM message_attempts a JOIN messages m ON m.id = a.message_id
        WHERE a.wamid = f.wamid AND m.integration_id = f.integration_id)
    ), stored AS (
      INSERT INTO messages (id, organization_id, integration_id, conversation_id, direction, author, wamid, type,
                            content, state, meta_timestamp, about_wamid, webhook_event_id, place, accepted_at)
      SELECT id, organization_id, integration_id, conversation_id, 'out', 'person', wamid, type, content, 'accepted',
             meta_timestamp, about_wamid, webhook_event_id, place, meta_timestamp
      FROM filed
      ON CONFLICT (integration_id, wamid) DO NOTHING RETURNING id, conversation_id
    ), taken_over AS (
      UPDATE conversations c
      SET last_message_at = greatest(c.last_message_at, n.latest_at),
          in_charge = CASE WHEN n.takes THEN 'person' ELSE c.in_charge END,
          in_charge_reason = CASE WHEN n.takes THEN :reason ELSE c.in_charge_reason END,
          in_charge_since = CASE WHEN n.takes THEN clock_timestamp() ELSE c.in_charge_since END,
          due_at = CASE WHEN n.takes THEN clock_timestamp() ELSE c.due_at END
      FROM (SELECT f.conversation_id, max(f.meta_timestamp) AS latest_at,
                   -- One from before the conversation was given to the bot says nothing about now.
                   b.in_charge = 'bot' AND max(f.meta_timestamp) > coalesce(b.in_charge_since, '-infinity') AS takes
            FROM filed f JOIN stored USING (id) JOIN conversations b ON b.id = f.conversation_id
            GROUP BY f.conversation_id, b.in_charge, b.in_charge_since) AS n
      WHERE c.id = n.conversation_id
      RETURNING c.id, n.takes
    )
    SELECT s.id, s.conversation_id, t.takes FROM stored s JOIN taken_over t ON t.id = s.conversation_id
""")

_OPEN = text("""
    UPDATE conversations c
    SET window_opened_at = CASE WHEN c.window_refused_at - interval '2 seconds' > n.at THEN c.window_opened_at
                                ELSE greatest(c.window_opened_at, n.at) END
    FROM (SELECT id, max(at) AS at FROM unnest(CAST(:ids AS uuid[]), CAST(:instants AS timestamptz[])) AS o (id, at)
          GROUP BY id) AS n
    WHERE c.id = n.id
""")


async def store_messages(connection: AsyncConnection, filed: Sequence[Filed]) -> list[bool]:
    """Store customers' messages whose conversations are locked; tells of each whether it is new.

    In the same statement their conversations' windows open from Meta's own timestamps, and those with something to
    answer become due.
    """
    if not filed:
        return []
    ids = [new_id() for _ in filed]
    messages = [one.message for one in filed]
    stored = await connection.execute(
        _STORE,
        {
            "ids": ids,
            "organizations": [one.organization_id for one in filed],
            "integrations": [one.integration_id for one in filed],
            "conversations": [one.conversation_id for one in filed],
            "wamids": [message.wamid for message in messages],
            "types": [message.type for message in messages],
            "contents": [orjson.dumps(message.content).decode() for message in messages],
            "states": ["received" if one.kept_reason is None else "kept" for one in filed],
            "reasons": [one.kept_reason for one in filed],
            "groups": [message.group_id for message in messages],
            "timestamps": [message.timestamp for message in messages],
            "abouts": [kinds.about(message.type, message.content) for message in messages],
            "events": [one.event_id for one in filed],
            "places": [message.origin.place for message in messages],
            "opened": [message.timestamp if message.opens_window else None for message in messages],
            "due": [one.due for one in filed],
        },
    )
    new = set(stored.scalars())
    return [message_id in new for message_id in ids]


async def store_echoes(connection: AsyncConnection, filed: Sequence[FiledEcho]) -> list[bool]:
    """Store what a person of the business sent from elsewhere; tells of each whether it is new.

    Whoever answers by hand has taken over: the bot is silent in that conversation from now on, as after a take-over
    by the API.
    """
    if not filed:
        return []
    ids = [new_id() for _ in filed]
    stored = await connection.execute(
        _STORE_ECHOES,
        {
            "ids": ids,
            "organizations": [one.organization_id for one in filed],
            "integrations": [one.integration_id for one in filed],
            "conversations": [one.conversation_id for one in filed],
            "wamids": [one.echo.wamid for one in filed],
            "types": [one.echo.type for one in filed],
            "contents": [orjson.dumps(one.echo.content).decode() for one in filed],
            "timestamps": [one.echo.timestamp for one in filed],
            "abouts": [kinds.about(one.echo.type, one.echo.content) for one in filed],
            "events": [one.event_id for one in filed],
            "places": [one.echo.origin.place for one in filed],
            "reason": TAKEN_OVER,
        },
    )
    rows = stored.all()
    taken_over = {row.conversation_id for row in rows if row.takes}
    if taken_over:
        await handover.stop_the_bot(connection, taken_over)
    new = {row.id for row in rows}
    return [message_id in new for message_id in ids]


async def open_windows(connection: AsyncConnection, openings: Sequence[Opening]) -> None:
    """A user's call opens the window like a message does; its conversation is locked."""
    if openings:
        values = {"ids": [one.conversation_id for one in openings], "instants": [one.at for one in openings]}
        await connection.execute(_OPEN, values)
