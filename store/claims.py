"""The claim: the one transaction after which a message may be posted, and the only way from `queued` to `sending`.

It locks the conversation, then the message, checks what must hold at this instant, counts a contact that is written to
first, books the pair and, as its last statement, the number's slot: what is most contended is locked for the shortest
time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import consents, file_order, handover, portfolios, rates
from store.claim_at_once import claim_at_once
from store.engine import Database
from store.identities import current
from store.objections import PAIR_BURST, PAIR_INTERVAL, Objection, objection
from store.transitions import Event, State, after
from whatsapp.messaging_limit import contacts_in_24_hours
from whatsapp.window import is_open

STEPS_ASIDE = timedelta(seconds=120)
"""What waits longer than this for itself alone does not keep the rows behind it."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that is ours to post, with all that the post needs."""

    message_id: UUID
    organization_id: UUID
    integration_id: UUID
    conversation_id: UUID
    attempt: int
    phone_number_id: str
    access_token_sealed: bytes
    wa_id: str | None
    user_id: str | None
    type: str
    content: dict[str, Any]
    meta_media_id: str | None
    """What Meta calls the file of ours that it carries, at this number."""
    slot_in: timedelta


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """A row that may not be posted now: its recorded state and why, in words."""

    message_id: UUID
    state: str
    why: str
    stop: bool
    found_queued: bool = True
    """False when another call had it already: worth counting, it tells that activities ran twice."""


_READ = text(f"""
    WITH conversation AS MATERIALIZED (
      SELECT * FROM conversations
      WHERE id = (SELECT conversation_id FROM messages WHERE id = :message_id)
      FOR NO KEY UPDATE
    )
    SELECT m.id, m.organization_id, m.integration_id, m.conversation_id, m.author, m.type, m.content,
           coalesce(lower(p.category), m.category) AS category, p.status AS template_status,
           p.deleted AS template_deleted, m.state, m.attempt,
           m.hold, m.hold_since, m.hold_until, m.send_before, m.claimed_at, m.reason, m.media_id,
           (SELECT u.meta_media_id FROM media_uploads u
            WHERE u.media_id = m.media_id AND u.integration_id = m.integration_id
              AND u.expires_at > clock_timestamp() + interval '1 minute') AS meta_media_id,
           c.contact_id, c.in_charge, c.window_opened_at, c.pair_next_at,
           i.messaging_limit, coalesce(w.business_id, i.waba_id) AS portfolio,
           i.state AS integration_state, i.state_reason, i.enabled, i.phone_number_id, i.access_token_sealed,
           i.files_in_order,
           EXISTS (SELECT FROM message_decisions d
                   WHERE d.message_id = m.id AND d.attempt = m.attempt AND d.decision = 'resend'
                     AND d.actor IN ('person', 'key')) AS resent_by_request,
           {current("wa_id", "t")} AS wa_id, {current("bsuid", "t")} AS user_id,
           clock_timestamp() AS now
    FROM messages m
    JOIN conversation c ON c.id = m.conversation_id
    JOIN integrations i ON i.id = m.integration_id
    JOIN wabas w ON w.id = i.waba_row_id
    JOIN contacts t ON t.id = c.contact_id
    LEFT JOIN templates p ON p.id = m.template_id
    WHERE m.id = :message_id
    FOR NO KEY UPDATE OF m
""")  # noqa: S608 - identities of ours, no values

_CLAIM = text("""
    WITH claimed AS (
      UPDATE messages m
      SET state = 'sending', attempt = m.attempt + 1, claimed_at = clock_timestamp(), unknown_until = NULL,
          hold = NULL, hold_since = NULL, hold_until = NULL, reason = NULL
      WHERE m.id = :message_id AND m.state = 'queued' AND m.attempt = :attempt
        AND NOT EXISTS (
          SELECT FROM messages e
          WHERE e.conversation_id = m.conversation_id AND e.queue_no < m.queue_no
            AND (e.state = 'sending'
                 OR (e.state = 'unknown' AND e.unknown_until > clock_timestamp())
                 OR (e.state = 'queued' AND NOT coalesce(
                       e.hold = 'portfolio'
                       OR (e.hold = 'media' AND e.hold_since + CAST(:steps_aside AS interval) <= clock_timestamp())
                       OR (e.hold IN ('back_off', 'not_before')
                           AND e.hold_until - e.hold_since > CAST(:steps_aside AS interval)),
                       false))))
      RETURNING m.id, m.organization_id, m.conversation_id, m.attempt, m.claimed_at
    ), attempted AS (
      INSERT INTO message_attempts (message_id, attempt, organization_id, state, claimed_at)
      SELECT id, attempt, organization_id, 'posting', claimed_at FROM claimed
    ), paired AS (
      UPDATE conversations c
      SET pair_next_at = greatest(c.pair_next_at, clock_timestamp()) + CAST(:pair_interval AS interval)
      FROM claimed WHERE c.id = claimed.conversation_id
    )
    SELECT attempt FROM claimed
""")

_UNDO_FOR_SLOT = text("""
    WITH undone AS (
      DELETE FROM message_attempts WHERE message_id = :message_id AND attempt = :attempt
    ), unpaired AS (
      UPDATE conversations SET pair_next_at = :pair_next_at WHERE id = :conversation_id
    )
    UPDATE messages
    SET state = 'queued', attempt = :attempt - 1, claimed_at = NULL, hold = 'slot',
        hold_since = coalesce(:hold_since, clock_timestamp()),
        hold_until = :until, reason = :why
    WHERE id = :message_id AND state = 'sending' AND attempt = :attempt
""")

_OBJECT = text("""
    WITH handed AS (
      UPDATE conversations
      SET in_charge = 'person', in_charge_reason = :why, in_charge_since = clock_timestamp()
      WHERE id = :conversation_id AND CAST(:to_person AS boolean) AND in_charge = 'bot'
    )
    UPDATE messages
    SET state = :state, reason = :why, hold = :hold, hold_until = :hold_until,
        hold_since = CASE WHEN hold IS NOT DISTINCT FROM :hold THEN hold_since
                          WHEN :hold IS NOT NULL THEN clock_timestamp() END
    WHERE id = :message_id AND state = 'queued' AND attempt = :attempt
""")


async def claim(database: Database, message_id: UUID) -> Claimed | Unclaimed:
    """Take a queued row for posting, or say why not.

    A row in any other state is never taken: its recorded outcome comes back. What objects for good (window closed,
    answer gone stale, a person in charge, contact opted out) is recorded on the row in the same transaction.
    """
    at_once = await claim_at_once(
        database,
        message_id,
        pair_ahead=(PAIR_BURST - 1) * PAIR_INTERVAL,
        pair_interval=PAIR_INTERVAL,
    )
    if at_once is not None:
        return Claimed(**at_once)
    async with database.transaction() as connection:
        return await _claim_or_object(connection, message_id)


async def _claim_or_object(connection: AsyncConnection, message_id: UUID) -> Claimed | Unclaimed:
    """The claim step by step, for a row that something speaks against or that is to be told apart from one."""
    row = (await connection.execute(_READ, {"message_id": message_id})).one_or_none()
    if row is None:
        return Unclaimed(message_id, "missing", "The message does not exist.", stop=False, found_queued=False)
    if row.state != State.QUEUED:
        return _outcome_of(row)
    found = await _opted_out(connection, row) or objection(row)
    found = found or await _behind_a_file(connection, row) or await _no_room(connection, row)
    if found is not None:
        return await _record_objection(connection, row, found)
    attempt = await _take(connection, row)
    if attempt is None:
        return Unclaimed(message_id, State.QUEUED, "Waits for an earlier message of the conversation.", stop=True)
    slot = await rates.take_slot(connection, row.integration_id, in_turn=row.hold == "slot")
    if not slot.taken:
        return await _wait_for_slot(connection, row, attempt=attempt, until=slot.at)
    return Claimed(
        message_id=row.id,
        organization_id=row.organization_id,
        integration_id=row.integration_id,
        conversation_id=row.conversation_id,
        attempt=attempt,
        phone_number_id=row.phone_number_id,
        access_token_sealed=row.access_token_sealed,
        wa_id=row.wa_id,
        user_id=row.user_id,
        type=row.type,
        content=row.content,
        meta_media_id=row.meta_media_id,
        slot_in=slot.wait,
    )


def _outcome_of(row: Any) -> Unclaimed:
    held_up = row.state in (State.SENDING, State.UNKNOWN)
    why = row.reason or ("In flight." if row.state == State.SENDING else "")
    return Unclaimed(row.id, row.state, why, stop=held_up, found_queued=False)


async def _opted_out(connection: AsyncConnection, row: Any) -> Objection | None:
    """The contact has stopped marketing: asked here, under the lock, since the row was read before others let it go."""
    if row.category != "marketing":
        return None
    stop = await consents.stopped(connection, row.conversation_id)
    return None if stop is None else Objection(Event.REJECT, str(stop))


async def _behind_a_file(connection: AsyncConnection, row: Any) -> Objection | None:
    """A file before it is not delivered yet: asked under the lock, since a status may have come meanwhile."""
    until = await file_order.awaited_until(connection, row.conversation_id) if row.files_in_order else None
    if until is None:
        return None
    why = "It waits until the file before it is delivered, 5 s at most."
    return Objection(None, why, hold="behind", hold_until=until)


async def _no_room(connection: AsyncConnection, row: Any) -> Objection | None:
    """The portfolio has written to as many customers first as Meta allows; a reply is never held for that."""
    limit = contacts_in_24_hours(row.messaging_limit)
    if limit is None or is_open(row.window_opened_at, row.now):
        return None
    contact = portfolios.Contact(row.organization_id, row.portfolio, row.contact_id)
    until = await portfolios.write_first(connection, contact, limit=limit)
    if until is None:
        return None
    why = f"Meta lets the business write to {limit:,} customers first in 24 hours: the next may be written to then."
    return Objection(None, why, hold="portfolio", hold_until=until)


async def _record_objection(connection: AsyncConnection, row: Any, objection: Objection) -> Unclaimed:
    state = State.QUEUED if objection.event is None else after(State.QUEUED, objection.event)
    await connection.execute(
        _OBJECT,
        {
            "message_id": row.id,
            "conversation_id": row.conversation_id,
            "attempt": row.attempt,
            "state": state,
            "why": objection.why,
            "hold": objection.hold,
            "hold_until": objection.hold_until,
            "to_person": objection.to_person,
        },
    )
    if objection.to_person and row.in_charge == "bot":
        await handover.tell(
            connection,
            organization_id=row.organization_id,
            integration_id=row.integration_id,
            conversation_id=row.conversation_id,
            reason=objection.why,
        )
    return Unclaimed(row.id, str(state), objection.why, stop=state == State.QUEUED)


async def _take(connection: AsyncConnection, row: Any) -> int | None:
    values = {
        "message_id": row.id,
        "attempt": row.attempt,
        "steps_aside": STEPS_ASIDE,
        "pair_interval": PAIR_INTERVAL,
    }
    taken: int | None = (await connection.execute(_CLAIM, values)).scalar_one_or_none()
    return taken


async def _wait_for_slot(connection: AsyncConnection, row: Any, *, attempt: int, until: datetime) -> Unclaimed:
    """As if it had not been claimed: neither attempt nor place in the pair's rate is used up."""
    why = "The number has reached its messages per second."
    values = {
        "message_id": row.id,
        "conversation_id": row.conversation_id,
        "attempt": attempt,
        "pair_next_at": row.pair_next_at,
        "hold_since": row.hold_since if row.hold == "slot" else None,
        "until": until,
        "why": why,
    }
    await connection.execute(_UNDO_FOR_SLOT, values)
    return Unclaimed(row.id, State.QUEUED, why, stop=True)
