"""Checks of numbers: asked for at any time, and what they found."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field

from api import event_examples as examples
from api.auth import Caller, Store
from api.contracts import Listing
from api.examples import answers
from settings import CheckSettings
from store import checks
from store.checks import Checkable
from store.engine import Database
from store.errors import ConflictError, UnavailableError
from store.findings import Finding, list_findings
from store.paging import Page
from workflows.client import CheckSchedules, LaterError

router = APIRouter(prefix="/api/v1/channels/whatsapp/integrations", tags=["Numbers"])

_AWAY = "Temporal does not answer: the check was not begun."


class FindingListing(Listing):
    """Which findings are wanted."""

    open: bool = Field(default=False, description="Only those that are still there.")


@dataclass(frozen=True, slots=True)
class CheckAsked:
    """A check that begins now."""

    integration_id: UUID
    says: str


@router.post(
    "/{integration_id}/check", status_code=202, responses=answers(202, examples.CHECK_ASKED, 401, 404, 409, 422, 503)
)
async def check_number(organization_id: Caller, database: Store, request: Request, integration_id: UUID) -> CheckAsked:
    """Compare a number with what Meta says of it, now. One that is being checked already is not checked twice."""
    number = await checks.checkable(database, organization_id, integration_id)
    if number.state == "connecting":
        raise ConflictError("The number is being connected; it is checked from then on.")
    schedules: CheckSchedules | None = request.app.state.schedules
    if schedules is None:
        raise UnavailableError(_AWAY)
    try:
        await _trigger(schedules, database, number, request.app.state.settings.check)
    except LaterError:
        raise UnavailableError(_AWAY) from None
    return CheckAsked(integration_id, "The check begins now; its findings are there in seconds.")


async def _trigger(schedules: CheckSchedules, database: Database, number: Checkable, settings: CheckSettings) -> None:
    """Run the number's Schedule; one that is gone is made anew first."""
    integration_id = str(number.integration_id)
    if await schedules.trigger(integration_id):
        return
    every = settings.every_stopped if number.often else settings.every
    await schedules.ensure(integration_id, str(number.organization_id), every=every)
    await checks.note_interval(database, number.integration_id, often=number.often)
    await schedules.trigger(integration_id)


@router.get("/{integration_id}/findings", responses=answers(200, examples.FINDINGS, 401, 404, 422))
async def read_findings(
    organization_id: Caller, database: Store, integration_id: UUID, listing: Annotated[FindingListing, Query()]
) -> Page[Finding]:
    """List what was found with a number, the newest first: what it means, what to do, since when, until when."""
    return await list_findings(database, organization_id, integration_id, listing.wanted(), open_only=listing.open)
