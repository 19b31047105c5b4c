"""Contacts and conversations: who writes, whether a free answer is allowed, who is in charge."""

from uuid import UUID

from fastapi import APIRouter

from api import examples
from api.auth import Caller, Store
from api.contracts import ListingQuery
from api.examples import answers
from store import handover
from store.handover import InCharge
from store.paging import Page
from store.reading.contacts import Contact, list_contacts
from store.reading.conversations import Conversation, list_conversations
from store.reading.messages import Message, list_messages

router = APIRouter(prefix="/api/v1/whatsapp", tags=["Conversations"])


@router.get("/contacts", responses=answers(200, examples.CONTACTS, 401, 422))
async def read_contacts(organization_id: Caller, database: Store, listing: ListingQuery) -> Page[Contact]:
    """List contacts, the newest first."""
    return await list_contacts(database, organization_id, listing.wanted())


@router.get("/conversations", responses=answers(200, examples.CONVERSATIONS, 401, 422))
async def read_conversations(organization_id: Caller, database: Store, listing: ListingQuery) -> Page[Conversation]:
    """List conversations, the one with the latest message first, each with its 24-hour window."""
    return await list_conversations(database, organization_id, listing.wanted())


@router.get(
    "/conversations/{conversation_id}/messages",
    responses=answers(200, examples.MESSAGES, 401, 404, 422),
)
async def read_messages(
    organization_id: Caller, database: Store, conversation_id: UUID, listing: ListingQuery
) -> Page[Message]:
    """List a conversation's messages, the newest first."""
    return await list_messages(database, organization_id, conversation_id, listing.wanted())


@router.post(
    "/conversations/{conversation_id}/take-over",
    responses=answers(200, examples.TAKEN_OVER, 401, 404, 422),
)
async def take_over(organization_id: Caller, database: Store, conversation_id: UUID) -> InCharge:
    """Put a person in charge: the bot's unsent answers do not leave. Names what was already on its way."""
    return await handover.take_over(
        database,
        organization_id=organization_id,
        conversation_id=conversation_id,
        reason="Taken over through the API.",
    )


@router.post(
    "/conversations/{conversation_id}/give-back",
    responses=answers(200, examples.GIVEN_BACK, 401, 404, 422),
)
async def give_back(organization_id: Caller, database: Store, conversation_id: UUID) -> InCharge:
    """Put the bot in charge again: it answers what comes from now on."""
    return await handover.give_back(
        database,
        organization_id=organization_id,
        conversation_id=conversation_id,
        reason="Given back through the API.",
    )
