"""Who is in charge of a conversation: a person takes over from the bot, or gives it back."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import events, merging, nudges
from store.engine import Database
from store.errors import NotFoundError
from store.merging import MovedError

_READ = text("""
    SELECT in_charge, in_charge_since, merged_into FROM conversations
    WHERE id = :conversation_id AND organization_id = :organization_id FOR NO KEY UPDATE
""")

_CHANGE = text("""
    UPDATE conversations
    SET in_charge = :in_charge, in_charge_reason = :reason, in_charge_since = clock_timestamp()
    WHERE id = :conversation_id AND organization_id = :organization_id
    RETURNING in_charge, in_charge_since
""")

_DISCARD = text("""
    UPDATE turns
    SET state = 'discarded', ended_at = clock_timestamp(),
        error_detail = 'A person took over before the agent answered.'
    WHERE conversation_id = ANY(CAST(:conversation_ids AS uuid[])) AND state = 'asking'
""")

_CANCEL = text("""
    UPDATE messages
    SET state = 'cancelled', reason = 'A person took over before this answer left.',
        hold = NULL, hold_since = NULL, hold_until = NULL
    WHERE conversation_id = ANY(CAST(:conversation_ids AS uuid[])) AND state = 'queued' AND author = 'bot'
""")

_SENDING = text("""
    SELECT id FROM messages
    WHERE conversation_id = :conversation_id AND organization_id = :organization_id AND state = 'sending'
    ORDER BY queue_no
""")


NEXT_STEP = (
    "Answer the customer, then give the conversation back to the bot; or wait until the bot gets it back by itself."
)


@dataclass(frozen=True, slots=True)
class InCharge:
    """Who is in charge now."""

    conversation_id: UUID
    in_charge: str
    since: datetime | None
    already_sending: list[UUID]
    """Messages that were on their way to Meta at this moment and cannot be called back."""


async def take_over(database: Database, *, organization_id: UUID, conversation_id: UUID, reason: str) -> InCharge:
    """Put a person in charge: the bot's queued answers are cancelled, an answer it is thinking of is discarded.

    The claim of a message locks the conversation too, so each message is either named as already sending or not sent.
    Taking over twice changes nothing.

    Raises:
        NotFoundError: the organization has no such conversation.
    """
    async with database.transaction() as connection:
        conversation_id = await merging.present(connection, organization_id, conversation_id)
        values = {"organization_id": organization_id, "conversation_id": conversation_id}
        since = await _put_in_charge(connection, "person", values | {"reason": reason})
        await stop_the_bot(connection, [conversation_id])
        sending = list((await connection.execute(_SENDING, values)).scalars())
        await nudges.mark_due(connection, [conversation_id])
    return InCharge(conversation_id, "person", since, sending)


async def give_back(database: Database, *, organization_id: UUID, conversation_id: UUID, reason: str) -> InCharge:
    """Put the bot in charge again: it answers what comes from now on. Giving back twice changes nothing.

    Raises:
        NotFoundError: the organization has no such conversation.
    """
    async with database.transaction() as connection:
        conversation_id = await merging.present(connection, organization_id, conversation_id)
        values = {"organization_id": organization_id, "conversation_id": conversation_id}
        since = await _put_in_charge(connection, "bot", values | {"reason": reason})
        sending = list((await connection.execute(_SENDING, values)).scalars())
        await nudges.mark_due(connection, [conversation_id])
    return InCharge(conversation_id, "bot", since, sending)


async def tell(
    connection: AsyncConnection,
    *,
    organization_id: UUID,
    integration_id: UUID,
    conversation_id: UUID,
    reason: str | None,
) -> None:
    """Tell the business's own software that a conversation needs a person, in the transaction that hands it over."""
    await events.emit(
        connection,
        organization_id=organization_id,
        type="conversation.handed_over",
        integration_id=integration_id,
        data={"conversation_id": str(conversation_id), "reason": reason, "next_step": NEXT_STEP},
    )


async def stop_the_bot(connection: AsyncConnection, conversation_ids: Collection[UUID]) -> None:
    """Cancel what the bot has queued and discard what it is thinking of, where a person has just taken over.

    To be called with the conversations locked: a claim that comes later finds the person in charge.
    """
    values = {"conversation_ids": list(conversation_ids)}
    await connection.execute(_DISCARD, values)
    await connection.execute(_CANCEL, values)


async def _put_in_charge(
    connection: AsyncConnection, who: Literal["bot", "person"], values: Mapping[str, Any]
) -> datetime | None:
    row = (await connection.execute(_READ, values)).one_or_none()
    if row is None:
        raise NotFoundError("There is no such conversation.")
    if row.merged_into is not None:
        raise MovedError("Two contacts turned out to be one at this moment.")
    if row.in_charge != who:
        row = (await connection.execute(_CHANGE, {**values, "in_charge": who})).one()
    since: datetime | None = row.in_charge_since
    return since
