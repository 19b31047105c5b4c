"""Sending, reading what became of a message, and deciding where nobody knows."""

from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field

from api import message_examples as examples
from api.auth import Acting, Caller, Store
from api.contracts import IdempotencyKey, Listing
from api.examples import answers
from api.sending import DISCRIMINATOR, SendMessage
from api.sending_examples import EXAMPLES
from api.template_desk import AtMeta
from store.decisions import Decided, decide
from store.outbox import Queued, queue_message
from store.paging import Page
from store.reading.messages import Story, message_story
from store.reading.undecided import UnknownMessage, WaitsFor, list_unknown

router = APIRouter(prefix="/api/v1/whatsapp", tags=["Messages"])


class MessageListing(Listing):
    """Which messages are wanted."""

    state: Literal["unknown"] = Field(default="unknown", description="Nobody knows whether they reached the customer.")
    waits_for: WaitsFor | None = Field(
        default=None, description="`person`: somebody has to decide. `status`: one of Meta's may still tell."
    )
    integration_id: UUID | None = Field(default=None, description="Only those from this number.")


class Deciding(BaseModel):
    """About what is decided."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"attempt": 1}]})

    attempt: int | None = Field(
        default=None,
        ge=1,
        le=32767,
        description="The attempt that you have seen: with it, a request that is repeated late decides nothing anew.",
    )


@router.post("/send-message", status_code=202, responses=answers(202, examples.QUEUED, 401, 404, 409, 422, 503))
async def send_message(
    organization_id: Caller,
    database: Store,
    templates: AtMeta,
    message: Annotated[
        SendMessage, Body(openapi_examples=EXAMPLES, json_schema_extra={"discriminator": DISCRIMINATOR})
    ],
    idempotency_key: IdempotencyKey = None,
) -> Queued:
    """Queue a message. It is on disk when this answers, and leaves as soon as the number and its limits allow.

    Outside the 24-hour window only templates may be sent: anything else is refused with `template_required`.
    """
    queue = partial(
        queue_message,
        database,
        organization_id=organization_id,
        target=message.target(),
        draft=message.draft(),
        idempotency_key=idempotency_key,
    )
    return await templates.knowing(queue)


@router.get("/messages", responses=answers(200, examples.UNKNOWN_MESSAGES, 401, 422))
async def read_unknown(
    organization_id: Caller, database: Store, listing: Annotated[MessageListing, Query()]
) -> Page[UnknownMessage]:
    """List the messages of which nobody knows whether they arrived, the newest first: what waits for a decision."""
    return await list_unknown(
        database,
        organization_id,
        listing.wanted(),
        integration_id=listing.integration_id,
        waits_for=listing.waits_for,
    )


@router.get("/messages/{message_id}", responses=answers(200, examples.STORY, 401, 404, 422))
async def read_message(organization_id: Caller, database: Store, message_id: UUID) -> Story:
    """Tell a message's whole story: how it came, what was decided, each attempt with Meta's answer, each status.

    Of one whose outcome is unknown: what Meta's silence is worth at this moment, and what may be decided.
    """
    return await message_story(database, organization_id, message_id)


@router.post("/messages/{message_id}/resend", responses=answers(200, examples.RESENT, 401, 404, 409, 422))
async def resend(
    organization_id: Caller, by: Acting, database: Store, message_id: UUID, about: Deciding | None = None
) -> Decided:
    """Send a message again of which nobody knows whether it arrived. The customer may then get it twice.

    Refused with `outcome_awaited` while a status may still tell, with `not_undecided` where the outcome is known.
    """
    return await decide(
        database,
        organization_id=organization_id,
        message_id=message_id,
        decision="resend",
        by=by,
        attempt=None if about is None else about.attempt,
    )


@router.post("/messages/{message_id}/give-up", responses=answers(200, examples.GIVEN_UP, 401, 404, 409, 422))
async def give_up(
    organization_id: Caller, by: Acting, database: Store, message_id: UUID, about: Deciding | None = None
) -> Decided:
    """Let a message count as failed of which nobody knows whether it arrived. A status that comes later still counts.

    Refused with `not_undecided` where the outcome is known.
    """
    return await decide(
        database,
        organization_id=organization_id,
        message_id=message_id,
        decision="give_up",
        by=by,
        attempt=None if about is None else about.attempt,
    )
