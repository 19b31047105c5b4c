"""The claim of a row that nothing speaks against, in one statement: one round trip and one commit instead of five.

It checks all that `store.claims` checks and says yes or nothing. What it does not take is claimed there, where each
objection has its words and its record; the same tests go over both.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from store.engine import Database
from store.file_order import FILE_AWAITED, carries_file
from store.identities import current
from store.rates import PACE, SLOT_SLEEP
from whatsapp.window import WINDOW

# Locks as every claim does: the conversation, the message, last the number's slot. A slot that is too far ahead, or
# that others wait for while this row has not waited, is not taken, and then nothing else is written. Templates go the
# other way.
_CLAIM = text(f"""
    WITH conversation AS MATERIALIZED (
      SELECT id, contact_id, in_charge, window_opened_at, pair_next_at FROM conversations
      WHERE id = (SELECT conversation_id FROM messages WHERE id = :message_id)
      FOR NO KEY UPDATE
    ), ready AS MATERIALIZED (
      SELECT m.id, m.organization_id, m.integration_id, m.conversation_id, m.attempt, m.type, m.content, m.hold,
             i.phone_number_id, i.access_token_sealed, u.meta_media_id,
             {current("wa_id", "t")} AS wa_id, {current("bsuid", "t")} AS user_id
      FROM messages m
      JOIN conversation c ON c.id = m.conversation_id
      JOIN integrations i ON i.id = m.integration_id
      JOIN contacts t ON t.id = c.contact_id
      LEFT JOIN media_uploads u ON u.media_id = m.media_id AND u.integration_id = m.integration_id
        AND u.expires_at > clock_timestamp() + interval '1 minute'
      WHERE m.id = :message_id AND m.state = 'queued'
        AND (m.media_id IS NULL OR u.meta_media_id IS NOT NULL)
        AND (m.hold IS NULL OR (m.hold = 'slot' AND m.hold_until <= clock_timestamp()))
        AND (m.send_before IS NULL OR m.send_before > clock_timestamp())
        AND (m.author <> 'bot' OR c.in_charge = 'bot')
        AND c.window_opened_at + CAST(:window AS interval) > clock_timestamp()
        AND m.category IS DISTINCT FROM 'marketing' AND m.template_id IS NULL
        AND i.enabled AND i.state = 'live' AND i.access_token_sealed IS NOT NULL
        AND (c.pair_next_at IS NULL OR c.pair_next_at - CAST(:pair_ahead AS interval) <= clock_timestamp())
        AND NOT EXISTS (
          SELECT FROM messages e
          WHERE e.conversation_id = m.conversation_id AND e.queue_no < m.queue_no
            AND e.state IN ('queued', 'sending', 'unknown'))
        AND NOT (i.files_in_order AND EXISTS (
          SELECT FROM messages f
          WHERE f.conversation_id = m.conversation_id AND f.state = 'accepted' AND f.delivery IN ('none', 'sent')
            AND {carries_file("f")}
            AND f.accepted_at + CAST(:file_awaited AS interval) > clock_timestamp()))
      FOR NO KEY UPDATE OF m
    ), slot AS (
      UPDATE rate_slots s
      SET next_at = greatest(s.next_at, clock_timestamp()) + pace.factor / s.per_second
      FROM ready, (SELECT interval '1 second' / CAST(:pace AS double precision) AS factor) AS pace
      WHERE s.integration_id = ready.integration_id AND (ready.wa_id IS NOT NULL OR ready.user_id IS NOT NULL)
        AND greatest(s.next_at + (1 - s.burst) * (pace.factor / s.per_second),
                     CASE WHEN ready.hold IS NULL THEN s.queue_until END)
            <= clock_timestamp() + CAST(:slot_ahead AS interval)
      RETURNING s.next_at - s.burst * (pace.factor / s.per_second) - clock_timestamp() AS slot_in
    ), claimed AS (
      UPDATE messages m
      SET state = 'sending', attempt = m.attempt + 1, claimed_at = clock_timestamp(), unknown_until = NULL,
          hold = NULL, hold_since = NULL, hold_until = NULL, reason = NULL
      FROM ready, slot
      WHERE m.id = ready.id AND m.state = 'queued' AND m.attempt = ready.attempt
      RETURNING m.id, m.organization_id, m.conversation_id, m.attempt, m.claimed_at
    ), attempted AS (
      INSERT INTO message_attempts (message_id, attempt, organization_id, state, claimed_at)
      SELECT id, attempt, organization_id, 'posting', claimed_at FROM claimed
    ), paired AS (
      UPDATE conversations c
      SET pair_next_at = greatest(c.pair_next_at, clock_timestamp()) + CAST(:pair_interval AS interval)
      FROM claimed WHERE c.id = claimed.conversation_id
    )
    SELECT ready.id AS message_id, ready.organization_id, ready.integration_id, ready.conversation_id, claimed.attempt,
           ready.phone_number_id, ready.access_token_sealed, ready.wa_id, ready.user_id, ready.type, ready.content,
           ready.meta_media_id, greatest(slot.slot_in, interval '0') AS slot_in
    FROM claimed, ready, slot
""")  # noqa: S608 - words of ours, no values


async def claim_at_once(
    database: Database, message_id: UUID, *, pair_ahead: timedelta, pair_interval: timedelta
) -> Any:
    """All that the post needs, as `store.claims.Claimed` names it, or None: nothing was written then."""
    values = {
        "message_id": message_id,
        "window": WINDOW,
        "file_awaited": FILE_AWAITED,
        "pair_ahead": pair_ahead,
        "pair_interval": pair_interval,
        "slot_ahead": SLOT_SLEEP,
        "pace": PACE,
    }
    async with database.statement() as connection:
        return (await connection.execute(_CLAIM, values)).mappings().one_or_none()
