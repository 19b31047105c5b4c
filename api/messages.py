"""Sending, and reading what became of a message."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header

from api import examples
from api.auth import Caller, Store
from api.contracts import SendMessage
from api.examples import answers
from store.outbox import Queued, queue_message
from store.reading_messages import Story, message_story

router = APIRouter(prefix="/api/v1/whatsapp", tags=["Messages"])


@router.post("/send-message", status_code=202, responses=answers(202, examples.QUEUED, 401, 404, 409, 422))
async def send_message(
    organization_id: Caller,
    database: Store,
    message: SendMessage,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            description="The same key with the same request sends once and is answered alike, however often it comes.",
        ),
    ] = None,
) -> Queued:
    """Queue a message. It is on disk when this answers, and leaves as soon as the number and its limits allow.

    Outside the 24-hour window only templates may be sent: anything else is refused with `template_required`.
    """
    return await queue_message(
        database,
        organization_id=organization_id,
        target=message.target(),
        draft=message.draft(),
        idempotency_key=idempotency_key,
    )


@router.get("/messages/{message_id}", responses=answers(200, examples.STORY, 401, 404, 422))
async def read_message(organization_id: Caller, database: Store, message_id: UUID) -> Story:
    """Tell a message's whole story: how it came, what was decided, each attempt to send it, each status."""
    return await message_story(database, organization_id, message_id)
