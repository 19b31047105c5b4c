"""What the API shows of messages: a conversation's, page by page, and the whole story of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from store.engine import Database
from store.errors import NotFoundError
from store.paging import Keyset, Page, PageRequest
from store.reading_conversations import check_conversation
from store.tables import agent_flows, message_attempts, message_statuses, messages, turns, webhook_events
from whatsapp.errors import classify

_ORDER = Keyset("messages", messages.c.created_at, messages.c.id)
_COLUMNS = (
    *(messages.c.id, messages.c.conversation_id, messages.c.direction, messages.c.author, messages.c.wamid),
    *(messages.c.type, messages.c.content, messages.c.state, messages.c.kept_reason, messages.c.delivery),
    *(messages.c.hold, messages.c.hold_until, messages.c.reason, messages.c.turn_id, messages.c.meta_timestamp),
    *(messages.c.accepted_at, messages.c.created_at),
)


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it stands."""

    id: UUID
    conversation_id: UUID
    direction: str
    """`in` from the customer, `out` to them."""
    author: str
    """`customer`, `bot`, `person` or `api`."""
    wamid: str | None
    """Meta's id; null until Meta has accepted it."""
    type: str
    content: Mapping[str, Any]
    state: str
    delivery: str
    why: str | None
    """Why it is in this state, in words, where that is not plain."""
    hold: str | None
    """What it waits for."""
    hold_until: datetime | None
    at: datetime
    """Meta's timestamp of what came in, the acceptance of what went out; until then when it was queued."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """How it came in: the stored body, and the place in it."""

    webhook_event_id: int
    place: int
    received_at: datetime
    processed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """The turn it was answered in, or that it answers."""

    turn_id: UUID
    turn_no: int
    state: str
    agent_flow: str
    began_at: datetime
    ended_at: datetime | None
    attempts: int
    """How often a remote agent was asked."""
    error_code: str | None
    error_detail: str | None
    asked_by: list[UUID]
    """The customer's messages of the turn."""
    answered_by: list[UUID]
    """The bot's."""


@dataclass(frozen=True, slots=True)
class MetaError:
    """What Meta said is wrong, what that means and what to do."""

    code: int | None
    detail: str | None
    meaning: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One post to Meta."""

    attempt: int
    state: str
    claimed_at: datetime
    ended_at: datetime | None
    wamid: str | None
    http_status: int | None
    error: MetaError | None
    fbtrace_id: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """One status of Meta's, as it came."""

    status: str
    attempt: int | None
    meta_timestamp: datetime
    received_at: datetime
    error: MetaError | None


@dataclass(frozen=True, slots=True)
class Story:
    """Everything known about a message."""

    message: Message
    receipt: Receipt | None
    decision: Decision | None
    attempts: list[Attempt]
    statuses: list[Status]


async def list_messages(
    database: Database, organization_id: UUID, conversation_id: UUID, wanted: PageRequest
) -> Page[Message]:
    """A conversation's messages, the newest first.

    Raises:
        NotFoundError: the organization has no such conversation.
    """
    query = select(*_COLUMNS).where(
        messages.c.organization_id == organization_id, messages.c.conversation_id == conversation_id
    )
    async with database.transaction() as connection:
        await check_conversation(connection, organization_id, conversation_id)
        return await _ORDER.page(connection, query, wanted, make=_message)


async def message_story(database: Database, organization_id: UUID, message_id: UUID) -> Story:
    """The whole story of one message.

    Raises:
        NotFoundError: the organization has no such message.
    """
    query = select(*_COLUMNS, messages.c.webhook_event_id, messages.c.place).where(
        messages.c.organization_id == organization_id, messages.c.id == message_id
    )
    async with database.transaction() as connection:
        row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            raise NotFoundError("There is no such message.")
        return Story(
            message=_message(row),
            receipt=await _receipt(connection, row),
            decision=await _decision(connection, organization_id, row["turn_id"]),
            attempts=await _attempts(connection, organization_id, message_id),
            statuses=await _statuses(connection, organization_id, message_id),
        )


def _message(row: Any) -> Message:
    return Message(
        id=row["id"],
        conversation_id=row["conversation_id"],
        direction=row["direction"],
        author=row["author"],
        wamid=row["wamid"],
        type=row["type"],
        content=row["content"],
        state=row["state"],
        delivery=row["delivery"],
        why=row["reason"] or row["kept_reason"],
        hold=row["hold"],
        hold_until=row["hold_until"],
        at=row["meta_timestamp"] or row["accepted_at"] or row["created_at"],
        created_at=row["created_at"],
    )


async def _receipt(connection: AsyncConnection, message: Any) -> Receipt | None:
    query = select(webhook_events.c.received_at, webhook_events.c.processed_at).where(
        webhook_events.c.id == message["webhook_event_id"]
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    return Receipt(message["webhook_event_id"], message["place"], row.received_at, row.processed_at)


async def _decision(connection: AsyncConnection, organization_id: UUID, turn_id: UUID | None) -> Decision | None:
    if turn_id is None:
        return None
    query = (
        select(turns, agent_flows.c.name.label("agent_flow"))
        .join(agent_flows, agent_flows.c.id == turns.c.agent_flow_id)
        .where(turns.c.id == turn_id, turns.c.organization_id == organization_id)
    )
    row = (await connection.execute(query)).one()
    parts = select(messages.c.id, messages.c.direction).where(
        messages.c.turn_id == turn_id, messages.c.organization_id == organization_id
    )
    found = (await connection.execute(parts.order_by(messages.c.created_at, messages.c.id))).all()
    return Decision(
        turn_id=row.id,
        turn_no=row.turn_no,
        state=row.state,
        agent_flow=row.agent_flow,
        began_at=row.began_at,
        ended_at=row.ended_at,
        attempts=row.attempts,
        error_code=row.error_code,
        error_detail=row.error_detail,
        asked_by=[part.id for part in found if part.direction == "in"],
        answered_by=[part.id for part in found if part.direction == "out"],
    )


async def _attempts(connection: AsyncConnection, organization_id: UUID, message_id: UUID) -> list[Attempt]:
    query = select(message_attempts).where(
        message_attempts.c.message_id == message_id, message_attempts.c.organization_id == organization_id
    )
    return [
        Attempt(
            attempt=row.attempt,
            state=row.state,
            claimed_at=row.claimed_at,
            ended_at=row.ended_at,
            wamid=row.wamid,
            http_status=row.http_status,
            error=_error(row.error_code, row.error_detail, subcode=row.error_subcode, http_status=row.http_status),
            fbtrace_id=row.fbtrace_id,
        )
        for row in await connection.execute(query.order_by(message_attempts.c.attempt))
    ]


async def _statuses(connection: AsyncConnection, organization_id: UUID, message_id: UUID) -> list[Status]:
    query = select(message_statuses).where(
        message_statuses.c.message_id == message_id, message_statuses.c.organization_id == organization_id
    )
    return [
        Status(row.status, row.attempt, row.meta_timestamp, row.created_at, _error(row.error_code, _words(row.raw)))
        for row in await connection.execute(query.order_by(message_statuses.c.meta_timestamp, message_statuses.c.id))
    ]


def _error(
    code: int | None, detail: str | None, *, subcode: int | None = None, http_status: int | None = None
) -> MetaError | None:
    if code is None:
        return None
    verdict = classify(code, subcode=subcode, http_status=http_status, detail=detail or "")
    return MetaError(code, detail, verdict.meaning, verdict.next_step)


def _words(raw: Any) -> str | None:
    """Meta's own words in a `failed` status."""
    errors = raw.get("errors") if isinstance(raw, Mapping) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, Mapping):
        return None
    data = first.get("error_data")
    detail = data.get("details") if isinstance(data, Mapping) else None
    words = detail or first.get("message") or first.get("title")
    return words if isinstance(words, str) else None
