"""An onboarding as server-sent events: where it stands at once, then each change, until it has ended."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api import onboarding_examples as examples
from api.auth import Caller, Store
from api.examples import PROBLEMS
from api.onboardings import PATH
from store.engine import DATABASE_ERRORS
from store.onboarding_changes import changes
from store.reading.onboardings import read_onboarding

router = APIRouter(prefix=PATH, tags=["Onboarding"])

_RETRY_MILLISECONDS = 2000


async def _theirs(organization_id: Caller, database: Store, onboarding_id: UUID) -> UUID:
    """The onboarding's id, once it is known to be the caller's: after the first byte there is no refusing.

    Raises:
        NotFoundError: the organization has none of this id.
    """
    await read_onboarding(database, organization_id, onboarding_id)
    return onboarding_id


@router.get(
    "/{onboarding_id}/events",
    response_class=EventSourceResponse,
    responses={
        200: {"content": {"text/event-stream": {"example": examples.ONBOARDING_STREAM}}},
        **{status: PROBLEMS[status] for status in (401, 404, 422)},
    },
)
async def follow(
    organization_id: Caller, database: Store, request: Request, onboarding_id: Annotated[UUID, Depends(_theirs)]
) -> AsyncIterator[ServerSentEvent]:
    """Follow an onboarding: an event `onboarding` with the whole of it, as `GET` shows it, now and at each change.

    After its end comes an event `end`: close the stream then. To connect again at any time does no harm; it begins with
    where things stand, whatever `Last-Event-ID` says. Comments keep the connection alive.
    """
    stopping: asyncio.Event = request.app.state.stopping
    try:
        async for changed_at in _until(stopping, changes(database, onboarding_id)):
            shown = await read_onboarding(database, organization_id, onboarding_id)
            yield ServerSentEvent(event="onboarding", data=shown, id=changed_at.isoformat(), retry=_RETRY_MILLISECONDS)
    except DATABASE_ERRORS:
        return  # whoever watches connects again
    if not stopping.is_set():
        yield ServerSentEvent(event="end", data=str(onboarding_id))


async def _until(stopping: asyncio.Event, moments: AsyncGenerator[datetime, None]) -> AsyncIterator[datetime]:
    """What comes, until it ends or the process is to stop: a stream that nobody ends would keep it alive."""
    stopped = asyncio.create_task(stopping.wait())
    coming: asyncio.Future[datetime] | None = None
    try:
        while True:
            coming = asyncio.ensure_future(anext(moments))
            await asyncio.wait({coming, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                return
            try:
                moment = coming.result()
            except StopAsyncIteration:
                return
            yield moment
    finally:
        stopped.cancel()
        if coming is not None and coming.cancel():
            await asyncio.wait({coming})
        await moments.aclose()
