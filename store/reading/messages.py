"""What the API shows of messages: a conversation's, page by page, and the whole story of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from store.engine import Database
from store.errors import NotFoundError
from store.holds import WAITS_FOR
from store.media import MessageFile, files_of
from store.paging import Keyset, Page, PageRequest
from store.reading.attempts import Attempt, Status, attempts_of, statuses_of
from store.reading.conversations import check_conversation
from store.reading.outcomes import Outcome, outcome_of
from store.reading.parties import Parties, parties_of, with_parties
from store.reading.relations import Mention, Reaction, Related, Relations, relations_of
from store.tables import agent_flows, messages, turns, webhook_events
from whatsapp.words import in_words

_ORDER = Keyset("messages", messages.c.created_at, messages.c.id)
COLUMNS = (
    *(messages.c.id, messages.c.conversation_id, messages.c.direction, messages.c.author, messages.c.wamid),
    *(messages.c.type, messages.c.content, messages.c.state, messages.c.kept_reason, messages.c.delivery),
    *(WAITS_FOR, messages.c.hold_until, messages.c.reason, messages.c.turn_id, messages.c.meta_timestamp),
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
    """As it stands: since its last edit, where it was edited."""
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
    in_words: str = ""
    """What it says, readable whatever its kind."""
    reactions: list[Reaction] = field(default_factory=list)
    """What the customer and the business think of it now."""
    edited_at: datetime | None = None
    revoked_at: datetime | None = None
    """When its writer deleted it."""
    replies_to: Mention | None = None
    about: Mention | None = None
    """The message that a reaction, an edit or a deletion is about."""
    file: MessageFile | None = None
    """The file that it carries, where that is kept here, or is to be."""


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
class Story:
    """Everything known about a message."""

    message: Message
    original: Mapping[str, Any] | None
    """What it said before it was edited."""
    parties: Parties
    receipt: Receipt | None
    decision: Decision | None
    outcome: Outcome | None
    """Why a message of ours stands as it does, and what a person may decide; null for a customer's."""
    attempts: list[Attempt]
    statuses: list[Status]


async def list_messages(
    database: Database, organization_id: UUID, conversation_id: UUID, wanted: PageRequest
) -> Page[Message]:
    """A conversation's messages, the newest first.

    Raises:
        NotFoundError: the organization has no such conversation.
    """
    query = select(*COLUMNS).where(
        messages.c.organization_id == organization_id, messages.c.conversation_id == conversation_id
    )
    async with database.transaction() as connection:
        await check_conversation(connection, organization_id, conversation_id)
        page = await _ORDER.page(connection, query, wanted, make=message_of)
        return replace(page, items=await with_what_belongs_to_them(connection, organization_id, page.items))


async def message_story(database: Database, organization_id: UUID, message_id: UUID) -> Story:
    """The whole story of one message.

    Raises:
        NotFoundError: the organization has no such message.
    """
    query = with_parties(select(*COLUMNS, messages.c.webhook_event_id, messages.c.place).select_from(messages)).where(
        messages.c.organization_id == organization_id, messages.c.id == message_id
    )
    async with database.transaction() as connection:
        row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            raise NotFoundError("There is no such message.")
        message = message_of(row)
        related = Related(message.id, message.type, message.content)
        relations = (await relations_of(connection, organization_id, [related]))[message_id]
        file = (await files_of(connection, organization_id, [message_id])).get(message_id)
        return Story(
            message=_with(message, relations, file),
            original=None if relations.present is None else message.content,
            parties=parties_of(row),
            receipt=await _receipt(connection, row),
            decision=await _decision(connection, organization_id, row["turn_id"]),
            outcome=await outcome_of(connection, organization_id, message_id),
            attempts=await attempts_of(connection, organization_id, message_id),
            statuses=await statuses_of(connection, organization_id, message_id),
        )


async def with_what_belongs_to_them(
    connection: AsyncConnection, organization_id: UUID, found: Sequence[Message]
) -> list[Message]:
    """Messages with what others say about them, and the files that they carry."""
    related = [Related(message.id, message.type, message.content) for message in found]
    relations = await relations_of(connection, organization_id, related)
    files = await files_of(connection, organization_id, list(relations))
    return [_with(message, relations[message.id], files.get(message.id)) for message in found]


def message_of(row: Any) -> Message:
    """A message, of a row that holds `COLUMNS`."""
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
        in_words=in_words(row["type"], row["content"]),
    )


def _with(message: Message, told: Relations, file: MessageFile | None) -> Message:
    kind, content = told.present or (message.type, message.content)
    return replace(
        message,
        type=kind,
        content=content,
        in_words=in_words(kind, content),
        reactions=told.reactions,
        edited_at=told.edited_at,
        revoked_at=told.revoked_at,
        replies_to=told.replies_to,
        about=told.about,
        file=file,
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
