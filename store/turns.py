"""A look at a conversation under its row lock: begin a turn, settle what has waited too long, say what is next.

`look` is one transaction of three statements when nothing unusual happened: read the conversation, read what is open
in it, write what was decided. What is decided, and why, is `store.turn_plan`: pure, tested without a database.
"""

from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text, Uuid

from store import handover, merging, nudges, unknowns
from store.engine import Database
from store.ids import new_id
from store.media_fetches import WAITING_FILES
from store.turn_plan import Conversation, Open, Plan, Reply, Rules, plan

_CONVERSATION = text("""
    SELECT c.id, c.organization_id, c.integration_id, c.in_charge, c.in_charge_reason, c.in_charge_since,
           c.window_opened_at, c.last_turn_no,
           i.state AS integration_state, i.state_reason, i.enabled, i.phone_number_id, i.access_token_sealed,
           i.unknown_policy, f.id AS agent_flow_id, f.kind AS agent_kind,
           f.pause_ms * interval '1 millisecond' AS pause, f.receipts,
           t.id AS turn_id, t.turn_no, t.state AS turn_state,
           clock_timestamp() AS now
    FROM conversations c
    JOIN integrations i ON i.id = c.integration_id
    JOIN agent_flows f ON f.id = i.agent_flow_id
    LEFT JOIN turns t ON t.conversation_id = c.id AND t.turn_no = c.last_turn_no AND t.state = 'asking'
    WHERE c.id = :conversation_id AND c.merged_into IS NULL
    FOR NO KEY UPDATE OF c
""")

# Read under the lock, all that others write under it: a file that arrives while a look waits for the lock would else
# have its mark cleared, and a person who answers while it waits would lose the charge.
_OPEN = text(f"""
    WITH here AS MATERIALIZED (
      SELECT c.id, c.integration_id,
             CASE c.in_charge WHEN 'person' THEN
               (SELECT m.created_at FROM messages m
                WHERE m.conversation_id = c.id AND m.created_at > c.in_charge_since
                  AND m.direction = 'out' AND m.author <> 'bot'
                ORDER BY m.created_at DESC LIMIT 1)
             END AS person_acted_at,
             EXISTS (
               SELECT FROM turns b
               WHERE b.conversation_id = c.id AND b.turn_no = c.last_turn_no - CAST(:max_turns AS int) + 1
                 AND b.began_at > greatest(c.in_charge_since, clock_timestamp() - CAST(:turns_within AS interval)))
               AS too_many_turns
      FROM conversations c WHERE c.id = :conversation_id
    )
    SELECT m.id, m.direction, m.author, m.type, m.content, m.state, m.wamid, m.meta_timestamp, m.webhook_event_id,
           m.place, m.created_at, m.queue_no, m.category, m.attempt, m.resends, m.hold, m.hold_since, m.hold_until,
           m.claimed_at, m.unknown_until, m.send_before, coalesce(m.unknown_policy, :unknown_policy) AS unknown_policy,
           m.reason, m.media_id,
           EXISTS (SELECT FROM turns WHERE conversation_id = :conversation_id AND state = 'asking') AS is_asked,
           c.person_acted_at, c.too_many_turns, w.files, w.files_next_at
    FROM here c
    JOIN integrations i ON i.id = c.integration_id
    CROSS JOIN LATERAL ({WAITING_FILES}) AS w
    LEFT JOIN messages m
      ON m.conversation_id = c.id AND m.state IN ('received', 'queued', 'sending', 'unknown')
""")  # noqa: S608 - the words of `store.media_fetches`

_UNDER_LOCK = ("person_acted_at", "too_many_turns", "files", "files_next_at")
"""What that tells of the conversation."""

_DECIDED = text("""
    WITH turn AS (
      INSERT INTO turns (id, organization_id, conversation_id, turn_no, agent_flow_id, state, began_at, ended_at)
      SELECT :turn_id, CAST(:organization_id AS uuid), CAST(:conversation_id AS uuid), CAST(:turn_no AS int),
             CAST(:agent_flow_id AS uuid), :turn_state, clock_timestamp(),
             CASE WHEN :turn_state = 'answered' THEN clock_timestamp() END
      WHERE CAST(:turn_id AS uuid) IS NOT NULL
    ), taken AS (
      UPDATE messages SET state = 'in_turn', turn_id = :turn_id WHERE id = ANY(:taken)
    ), kept AS (
      UPDATE messages SET state = 'kept', kept_reason = :kept_reason WHERE id = ANY(:kept)
    ), replies AS (
      INSERT INTO messages (id, organization_id, integration_id, conversation_id, direction, author, type, content,
                            state, turn_id, queue_no, send_before)
      SELECT reply.id, CAST(:organization_id AS uuid), CAST(:integration_id AS uuid), CAST(:conversation_id AS uuid),
             'out', 'bot', reply.type, reply.content, 'queued', :turn_id, nextval('message_queue_no_seq'),
             clock_timestamp() + CAST(:stale_after AS interval)
      FROM unnest(:reply_ids, :reply_types, :reply_contents) WITH ORDINALITY AS reply (id, type, content, n)
      ORDER BY reply.n
    )
    UPDATE conversations
    SET turn_began_at = clock_timestamp(), last_turn_no = CAST(:turn_no AS int),
        due_at = clock_timestamp() + CAST(:due_in AS interval),
        in_charge = coalesce(:in_charge, in_charge),
        in_charge_reason = CASE WHEN :in_charge IS NULL THEN in_charge_reason ELSE :in_charge_reason END,
        in_charge_since = CASE WHEN :in_charge IS NULL THEN in_charge_since ELSE clock_timestamp() END
    WHERE id = :conversation_id
""").bindparams(
    bindparam("taken", type_=ARRAY(Uuid)),
    bindparam("kept", type_=ARRAY(Uuid)),
    bindparam("reply_ids", type_=ARRAY(Uuid)),
    bindparam("reply_types", type_=ARRAY(Text)),
    bindparam("reply_contents", type_=ARRAY(JSONB)),
    bindparam("turn_id", type_=Uuid),
    bindparam("turn_state", type_=Text),
    bindparam("in_charge", type_=Text),
    bindparam("in_charge_reason", type_=Text),
    bindparam("kept_reason", type_=Text),
)


async def look(database: Database, conversation_id: UUID, *, rules: Rules) -> tuple[Conversation, Plan] | None:
    """Look at a conversation and write what follows from it; None when it does not exist (any more).

    Safe to repeat at any time and from several workers at once: an open turn is returned, not doubled. What somebody
    wanted of one that was merged into another is looked at there.
    """
    async with database.transaction() as connection:
        found = await _look(connection, conversation_id, rules=rules)
        into = None if found is not None else await merging.leave(connection, conversation_id)
    if into is not None:
        async with database.transaction() as connection:
            await nudges.mark_due(connection, [into])
    return found


async def _look(
    connection: AsyncConnection, conversation_id: UUID, *, rules: Rules
) -> tuple[Conversation, Plan] | None:
    conversation = await _conversation(connection, conversation_id)
    if conversation is None:
        return None
    opened, is_asked, more = await _open(connection, conversation, rules=rules)
    if (is_asked and conversation.turn_id is None) or not _sends(conversation):
        # Of what happened while it waited for the lock a statement sees the locked row alone: a turn that another look
        # has begun, or a number that was released, whose mark this look would clear.
        conversation = await _conversation(connection, conversation_id) or conversation
    overdue = [row for row in opened if row.is_overdue(conversation.now, rules.sending_timeout)]
    if overdue:
        await unknowns.settle(connection, conversation, overdue, rules=rules)
        conversation = await _settled(connection, conversation)
        opened, _, more = await _open(connection, conversation, rules=rules)
    conversation = replace(conversation, **more)
    decided = plan(conversation, opened, rules=rules, turn_id=new_id())
    await _write(connection, conversation, decided, rules=rules)
    if decided.hand_over is not None:
        await _tell(connection, conversation, decided.hand_over)
    return conversation, decided


def _sends(conversation: Conversation) -> bool:
    sealed = conversation.access_token_sealed
    return conversation.enabled and conversation.integration_state == "live" and sealed is not None


async def _settled(connection: AsyncConnection, before: Conversation) -> Conversation:
    """The conversation once what was overdue is settled: an answer that went stale has put a person in charge."""
    after = await _conversation(connection, before.id)
    if after is None or after.in_charge == before.in_charge:
        return before
    await _tell(connection, after, after.in_charge_reason)
    return after


async def _tell(connection: AsyncConnection, conversation: Conversation, reason: str | None) -> None:
    await handover.tell(
        connection,
        organization_id=conversation.organization_id,
        integration_id=conversation.integration_id,
        conversation_id=conversation.id,
        reason=reason,
    )


async def _conversation(connection: AsyncConnection, conversation_id: UUID) -> Conversation | None:
    row = (await connection.execute(_CONVERSATION, {"conversation_id": conversation_id})).one_or_none()
    return None if row is None else Conversation(**row._mapping)  # noqa: SLF001  # Row's public way to a mapping


async def _open(
    connection: AsyncConnection, conversation: Conversation, *, rules: Rules
) -> tuple[list[Open], bool, dict[str, Any]]:
    """What is open, whether the agent is being asked, and what else of the conversation is read under its lock.

    One row at least: of a conversation in which nothing is open it has no message.
    """
    values = {
        "conversation_id": conversation.id,
        "unknown_policy": conversation.unknown_policy,
        "max_turns": rules.max_bot_turns,
        "turns_within": rules.bot_turns_within,
    }
    rows = [dict(row) for row in (await connection.execute(_OPEN, values)).mappings()]
    asked = [row.pop("is_asked") for row in rows]
    more = [{name: row.pop(name) for name in _UNDER_LOCK} for row in rows]
    return [Open(**row) for row in rows if row["id"] is not None], any(asked), more[0]


async def _write(connection: AsyncConnection, conversation: Conversation, decided: Plan, *, rules: Rules) -> None:
    turn = decided.new_turn
    await connection.execute(
        _DECIDED,
        {
            "conversation_id": conversation.id,
            "organization_id": conversation.organization_id,
            "integration_id": conversation.integration_id,
            "agent_flow_id": conversation.agent_flow_id,
            "turn_id": turn.id if turn else None,
            "turn_no": turn.turn_no if turn else conversation.last_turn_no,
            "turn_state": turn.state if turn else None,
            "taken": [row.id for row in turn.taken] if turn else [],
            "kept": [row.id for row in decided.kept],
            "kept_reason": decided.kept_reason,
            "stale_after": rules.answer_stale_after,
            "due_in": decided.due_in(rules.backstop),
            "in_charge": decided.in_charge,
            "in_charge_reason": decided.hand_over or decided.give_back,
            **reply_values(decided.replies),
        },
    )


def reply_values(replies: list[Reply]) -> dict[str, Any]:
    """The three columns of an unnest of replies."""
    return {
        "reply_ids": [reply.id for reply in replies],
        "reply_types": [reply.type for reply in replies],
        "reply_contents": [reply.content for reply in replies],
    }
