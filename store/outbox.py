"""What the business's own software sends: the row first, then the mark; what happens next, Temporal sees to."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy import Select, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import merging, nudges
from store.engine import Database
from store.errors import (
    ConflictError,
    IdempotencyKeyReusedError,
    InvalidRequestError,
    NotFoundError,
    TemplateRequiredError,
)
from store.ids import new_id
from store.integrations import UnknownPolicy
from store.merging import MovedError
from store.references import Place, refer
from store.tables import contact_identities, contacts, conversations, integrations, messages, queue_no
from whatsapp.messages import validate_content
from whatsapp.window import is_open

# Requests with the same key take turns, so that all but the first find its row.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended(:organization_id || :key, 0))")


@dataclass(frozen=True, slots=True)
class Target:
    """To whom: a conversation, or a contact by id, phone number (digits) or BSUID; exactly one of these four.

    `phone_number_id` says from which number, where a contact writes to several.
    """

    conversation_id: UUID | None = None
    contact_id: UUID | None = None
    wa_id: str | None = None
    user_id: str | None = None
    phone_number_id: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What: content in Meta's shape under the type's own key, `{"text": {"body": "…"}}`.

    `send_before`: it ends `expired` when it could not leave by then. `unknown_policy`: what is done when nothing tells
    whether it arrived; None leaves it to the number's own.
    """

    type: str
    content: Mapping[str, Any]
    send_before: datetime | None = None
    unknown_policy: UnknownPolicy | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """A message that is on its way, as it was when it was first queued."""

    message_id: UUID
    conversation_id: UUID
    queued_at: datetime
    state: str = "queued"


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be queued, and for whom."""

    organization_id: UUID
    draft: Draft
    author: Literal["api", "person"]
    idempotency_key: str | None
    fingerprint: bytes


async def queue_message(
    database: Database,
    *,
    organization_id: UUID,
    target: Target,
    draft: Draft,
    author: Literal["api", "person"] = "api",
    idempotency_key: str | None = None,
) -> Queued:
    """Queue a message and make its conversation due, in one transaction.

    The same key with the same target and draft answers what it answered first and queues nothing, however late.

    Raises:
        InvalidRequestError: Meta would refuse the content, what it refers to is not there, `send_before` has passed, or
            the target is not clear.
        IdempotencyKeyReusedError: the key came before, with something else.
        NotFoundError: the organization has no such conversation, contact or number.
        TemplateRequiredError: the 24-hour window is closed.
        OptedOutError: it is marketing, which the contact has stopped.
        ConflictError: the number is disconnected.
    """
    return await queue_to(
        database,
        organization_id=organization_id,
        find=partial(_conversation, organization_id=organization_id, target=target),
        named=asdict(target),
        draft=draft,
        author=author,
        idempotency_key=idempotency_key,
    )


async def queue_to(
    database: Database,
    *,
    organization_id: UUID,
    find: Callable[[AsyncConnection], Awaitable[UUID]],
    named: Mapping[str, Any],
    draft: Draft,
    author: Literal["api", "person"],
    idempotency_key: str | None,
) -> Queued:
    """Queue a message to the conversation that `find` answers; `named` is to whom it was addressed, for its key.

    Raises:
        HoldfastError: what `queue_message` raises, and what `find` does.
        OptedOutError: it is marketing, which the contact has stopped.
    """
    problems = validate_content(draft.type, draft.content)
    if problems:
        raise InvalidRequestError(f"{'; '.join(problems)}.")
    fingerprint = _fingerprint(named, draft)
    order = _Order(organization_id, draft, author, idempotency_key, fingerprint)
    while True:
        try:
            async with database.transaction() as connection:
                return await _queue(connection, order, find=find)
        except MovedError:
            continue  # at this moment its contact turned out to be another one, whose conversation is found now


async def _queue(
    connection: AsyncConnection, order: _Order, *, find: Callable[[AsyncConnection], Awaitable[UUID]]
) -> Queued:
    if order.idempotency_key is not None:
        earlier = await _earlier(connection, order.organization_id, order.idempotency_key, order.fingerprint)
        if earlier is not None:
            return earlier
    draft, conversation_id = order.draft, await find(connection)
    integration_id = await _lock_and_check(connection, conversation_id, draft)
    place = Place(order.organization_id, integration_id, conversation_id)
    references = await refer(connection, place, draft.type, draft.content)
    values = {
        "id": new_id(),
        "organization_id": order.organization_id,
        "integration_id": integration_id,
        "conversation_id": conversation_id,
        "direction": "out",
        "author": order.author,
        "type": draft.type,
        "content": draft.content,
        **asdict(references),
        "state": "queued",
        "queue_no": queue_no.next_value(),
        "send_before": draft.send_before,
        "unknown_policy": draft.unknown_policy,
        "idempotency_key": order.idempotency_key,
        "idempotency_hash": None if order.idempotency_key is None else order.fingerprint,
    }
    return await _insert(connection, values)


def _fingerprint(named: Mapping[str, Any], draft: Draft) -> bytes:
    said = {"target": dict(named), "draft": asdict(draft)}
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)).digest()


async def _earlier(connection: AsyncConnection, organization_id: UUID, key: str, fingerprint: bytes) -> Queued | None:
    await connection.execute(_ONE_AT_A_TIME, {"organization_id": str(organization_id), "key": key})
    query = select(messages.c.id, messages.c.conversation_id, messages.c.created_at, messages.c.idempotency_hash).where(
        messages.c.organization_id == organization_id, messages.c.idempotency_key == key
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    if row.idempotency_hash != fingerprint:
        raise IdempotencyKeyReusedError("This Idempotency-Key came before, with another request.")
    return Queued(row.id, row.conversation_id, row.created_at)


async def _conversation(connection: AsyncConnection, *, organization_id: UUID, target: Target) -> UUID:
    if target.phone_number_id is not None:
        await _check_number(connection, organization_id, target.phone_number_id)
    query = select(conversations.c.id).where(conversations.c.organization_id == organization_id)
    if target.conversation_id is not None:
        present = await merging.present(connection, organization_id, target.conversation_id)
        query = query.where(conversations.c.id == present)
    else:
        contact_id = (await connection.execute(_contact(organization_id, target))).scalar_one_or_none()
        if contact_id is None:
            raise NotFoundError("There is no such contact.")
        query = _still_connected(query.where(conversations.c.contact_id == contact_id), target)
    found = (await connection.execute(query.limit(2))).scalars().all()
    if len(found) > 1:
        raise InvalidRequestError("The contact writes to several numbers: name one by phone_number_id.")
    if not found and target.conversation_id is not None:
        raise NotFoundError("There is no such conversation.")
    if not found:
        raise TemplateRequiredError("This contact has not written to this number: only a template may be sent.")
    conversation_id: UUID = found[0]
    return conversation_id


def _contact(organization_id: UUID, target: Target) -> Select[tuple[UUID]]:
    if target.contact_id is not None:
        return select(func.coalesce(contacts.c.merged_into, contacts.c.id)).where(
            contacts.c.id == target.contact_id, contacts.c.organization_id == organization_id
        )
    kind, value = ("wa_id", target.wa_id) if target.wa_id is not None else ("bsuid", target.user_id)
    return select(contact_identities.c.contact_id).where(
        contact_identities.c.organization_id == organization_id,
        contact_identities.c.kind == kind,
        contact_identities.c.value == value,
    )


def _still_connected(query: Select[tuple[UUID]], target: Target) -> Select[tuple[UUID]]:
    query = query.join(integrations, integrations.c.id == conversations.c.integration_id)
    query = query.where(integrations.c.state != "disconnected", conversations.c.merged_into.is_(None))
    if target.phone_number_id is None:
        return query
    return query.where(integrations.c.phone_number_id == target.phone_number_id)


async def _check_number(connection: AsyncConnection, organization_id: UUID, phone_number_id: str) -> None:
    query = select(integrations.c.id).where(
        integrations.c.organization_id == organization_id, integrations.c.phone_number_id == phone_number_id
    )
    if (await connection.execute(query.limit(1))).one_or_none() is None:
        raise NotFoundError("There is no such number.")


async def _lock_and_check(connection: AsyncConnection, conversation_id: UUID, draft: Draft) -> UUID:
    """The conversation's integration, once the conversation is locked and may take this message."""
    await merging.lock(connection, [conversation_id])
    query = (
        select(
            conversations.c.integration_id,
            conversations.c.window_opened_at,
            integrations.c.state,
            func.clock_timestamp().label("now"),
        )
        .join(integrations, integrations.c.id == conversations.c.integration_id)
        .where(conversations.c.id == conversation_id)
    )
    row = (await connection.execute(query)).one()
    if row.state == "disconnected":
        raise ConflictError("The number is disconnected.", next_step="Connect it again.")
    if draft.send_before is not None and draft.send_before <= row.now:
        raise InvalidRequestError("send_before: has passed already.")
    if draft.type != "template" and not is_open(row.window_opened_at, row.now):
        raise TemplateRequiredError("The 24-hour window of this conversation is closed: only a template may be sent.")
    integration_id: UUID = row.integration_id
    return integration_id


async def _insert(connection: AsyncConnection, values: dict[str, Any]) -> Queued:
    queued_at = (
        await connection.execute(insert(messages).values(values).returning(messages.c.created_at))
    ).scalar_one()
    latest = func.greatest(conversations.c.last_message_at, func.clock_timestamp())
    await connection.execute(
        update(conversations).where(conversations.c.id == values["conversation_id"]).values(last_message_at=latest)
    )
    await nudges.mark_due(connection, [values["conversation_id"]])
    return Queued(values["id"], values["conversation_id"], queued_at)
