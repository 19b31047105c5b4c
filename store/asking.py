"""A turn whose agent is remote: what the agent is told, what it answered, that it could not be asked."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text, Uuid

from store import nudges
from store.engine import Database
from store.errors import ConflictError, InvalidRequestError, NotFoundError
from store.identities import current
from store.references import Place, References, refer
from store.turn_plan import Reply
from store.turns import reply_values

_TURN = text(f"""
    SELECT t.id, t.turn_no, t.state, t.conversation_id, t.began_at, f.url, f.secret_sealed, f.id AS agent_flow_id,
           f.history_messages, i.phone_number, c.window_opened_at, ct.id AS contact_id, ct.profile_name, ct.username,
           {current("wa_id", "ct")} AS wa_id, {current("bsuid", "ct")} AS user_id
    FROM turns t
    JOIN conversations c ON c.id = t.conversation_id
    JOIN integrations i ON i.id = c.integration_id
    JOIN agent_flows f ON f.id = t.agent_flow_id
    JOIN contacts ct ON ct.id = c.contact_id
    WHERE t.id = :turn_id
""")  # noqa: S608 - identities of ours, no values

_HISTORY = text("""
    SELECT id, wamid, direction, author, type, content, turn_id, coalesce(meta_timestamp, accepted_at, created_at) AS at
    FROM messages
    WHERE conversation_id = :conversation_id
      AND (direction = 'in' OR state IN ('accepted', 'sending', 'unknown', 'queued'))
    ORDER BY created_at DESC, id DESC
    LIMIT :most
""")

_LOCK = text("""
    SELECT c.organization_id, c.integration_id, c.id AS conversation_id
    FROM conversations c JOIN turns t ON t.conversation_id = c.id WHERE t.id = :turn_id
    FOR NO KEY UPDATE OF c
""")

_ANSWER = text("""
    WITH answered AS (
      UPDATE turns SET state = 'answered', ended_at = clock_timestamp(), attempts = CAST(:attempts AS int)
      WHERE id = :turn_id AND state = 'asking'
      RETURNING id, organization_id, conversation_id
    )
    INSERT INTO messages (id, organization_id, integration_id, conversation_id, direction, author, type, content,
                          state, turn_id, queue_no, send_before, about_wamid, template_id, category, media_id,
                          hold, hold_since, reason)
    SELECT reply.id, a.organization_id, c.integration_id, c.id, 'out', 'bot', reply.type, reply.content,
           'queued', a.id, nextval('message_queue_no_seq'), clock_timestamp() + CAST(:stale_after AS interval),
           reply.about_wamid, reply.template_id, reply.category, reply.media_id,
           reply.hold, reply.hold_since, reply.reason
    FROM answered a JOIN conversations c ON c.id = a.conversation_id,
         unnest(:reply_ids, :reply_types, :reply_contents, :about_wamids, :template_ids, :categories, :media_ids,
                CAST(:holds AS text[]), CAST(:holds_since AS timestamptz[]), CAST(:reasons AS text[]))
           WITH ORDINALITY AS reply (id, type, content, about_wamid, template_id, category, media_id,
                                     hold, hold_since, reason, n)
    ORDER BY reply.n
""").bindparams(
    bindparam("reply_ids", type_=ARRAY(Uuid)),
    bindparam("reply_types", type_=ARRAY(Text)),
    bindparam("reply_contents", type_=ARRAY(JSONB)),
    bindparam("about_wamids", type_=ARRAY(Text)),
    bindparam("template_ids", type_=ARRAY(Uuid)),
    bindparam("categories", type_=ARRAY(Text)),
    bindparam("media_ids", type_=ARRAY(Uuid)),
)

_FAIL = text("""
    UPDATE turns SET state = 'failed', ended_at = clock_timestamp(), error_code = :code, error_detail = :detail
    WHERE id = :turn_id AND state = 'asking'
""")

_STATE = text("SELECT state, error_detail FROM turns WHERE id = :turn_id")


@dataclass(frozen=True, slots=True)
class Said:
    """One message of the conversation so far."""

    id: UUID
    wamid: str | None
    direction: str
    author: str
    type: str
    content: dict[str, Any]
    turn_id: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """What a remote agent is asked: the conversation so far, the turn's own messages among it."""

    turn_id: UUID
    turn_no: int
    state: str
    conversation_id: UUID
    agent_flow_id: UUID
    url: str
    secret_sealed: bytes | None
    phone_number: str
    contact_id: UUID
    contact_name: str | None
    wa_id: str | None
    user_id: str | None
    window_opened_at: datetime | None
    said: list[Said]


async def question(database: Database, turn_id: UUID) -> Question | None:
    """What to ask for this turn; None when there is no such turn."""
    async with database.transaction() as connection:
        row = (await connection.execute(_TURN, {"turn_id": turn_id})).one_or_none()
        if row is None:
            return None
        values = {"conversation_id": row.conversation_id, "most": row.history_messages}
        said = [Said(**message) for message in (await connection.execute(_HISTORY, values)).mappings()]
    return Question(
        turn_id=row.id,
        turn_no=row.turn_no,
        state=row.state,
        conversation_id=row.conversation_id,
        agent_flow_id=row.agent_flow_id,
        url=row.url or "",
        secret_sealed=row.secret_sealed,
        phone_number=row.phone_number,
        contact_id=row.contact_id,
        contact_name=row.profile_name or row.username,
        wa_id=row.wa_id,
        user_id=row.user_id,
        window_opened_at=row.window_opened_at,
        said=said[::-1],
    )


async def answer(
    database: Database, turn_id: UUID, replies: list[Reply], *, attempts: int, stale_after: timedelta
) -> str:
    """Queue the replies and end the turn, if it is still `asking`; its state afterwards.

    Raises:
        InvalidRequestError: a reply refers to what is not there; the words name which, and the field.
    """
    values = {"turn_id": turn_id, "attempts": attempts, "stale_after": stale_after, **reply_values(replies)}
    async with database.transaction() as connection:
        place = Place(**(await connection.execute(_LOCK, {"turn_id": turn_id})).mappings().one())
        references = [await _refer(connection, place, number, reply) for number, reply in enumerate(replies)]
        values["about_wamids"] = [one.about_wamid for one in references]
        values["template_ids"] = [one.template_id for one in references]
        values["categories"] = [one.category for one in references]
        values["media_ids"] = [one.media_id for one in references]
        values["holds"] = [one.hold for one in references]
        values["holds_since"] = [one.hold_since for one in references]
        values["reasons"] = [one.reason for one in references]
        await connection.execute(_ANSWER, values)
        await nudges.mark_due(connection, [place.conversation_id])
        return str((await connection.execute(_STATE, {"turn_id": turn_id})).one().state)


async def _refer(connection: AsyncConnection, place: Place, number: int, reply: Reply) -> References:
    try:
        return await refer(connection, place, reply.type, reply.content)
    except (InvalidRequestError, ConflictError, NotFoundError) as error:
        raise InvalidRequestError(f"replies.{number}: {error.detail}") from None


async def fail(database: Database, turn_id: UUID, *, code: str, detail: str) -> str:
    """End the turn as failed, if it is still `asking`; its state afterwards."""
    async with database.transaction() as connection:
        place = (await connection.execute(_LOCK, {"turn_id": turn_id})).one()
        await connection.execute(_FAIL, {"turn_id": turn_id, "code": code, "detail": detail})
        await nudges.mark_due(connection, [place.conversation_id])
        return str((await connection.execute(_STATE, {"turn_id": turn_id})).one().state)
