"""Connected numbers: adding one by hand, changing, disconnecting. Of a token nobody sees more than its last four."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response

from api import onboarding_examples as examples
from api.auth import Acting, Caller, Person, Ring, Store
from api.contracts import Listing
from api.examples import answers
from api.onboarding_contracts import AddIntegration, ChangeIntegration
from api.onboardings import PATH as ONBOARDINGS
from api.pasted_tokens import PastedTokens, Proven, check_phone_number
from api.unsubscribing import SAYS, Unsubscriptions
from api.wakes import Nudge
from store import due_runs
from store.disconnecting import delete_integration
from store.engine import Database
from store.errors import ConflictError, NotFoundError
from store.integrations import replace_token, update_integration
from store.onboarding_changes import changes
from store.onboardings import HandedToken, NumberIds, start_by_hand
from store.paging import Page
from store.reading.integrations import Integration, list_integrations, read_integration
from store.reading.onboardings import Onboarding, read_onboarding
from store.stop_words import set_stop_words
from workflows.client import CheckSchedules, LaterError

log = structlog.get_logger(__name__)

PATH = "/api/v1/channels/whatsapp/integrations"
router = APIRouter(prefix=PATH, tags=["Numbers"])

_STAYS = "Another number of its account is connected, so our app stays subscribed to the account."
_CONNECTED_WITHIN = 2.0
"""Seconds. Where Temporal is away the answer comes without the integration, and `Location` shows when it is there."""


class IntegrationListing(Listing):
    """Which numbers are wanted."""

    disconnected: bool = False


@dataclass(frozen=True, slots=True)
class Added:
    """A number that is being connected: the onboarding that does it, and the integration as soon as there is one."""

    onboarding: Onboarding
    integration: Integration | None


@dataclass(frozen=True, slots=True)
class NumberDisconnected:
    """What became of a number, and of our app's subscription to its account."""

    integration_id: UUID
    unsubscribed: Literal["done", "not_needed", "later", "refused"]
    """not_needed: another number of the account is connected. later: repeated until Meta answers."""
    says: str


def _pasted_tokens(request: Request) -> PastedTokens:
    pasted_tokens: PastedTokens = request.app.state.pasted_tokens
    return pasted_tokens


Meta = Annotated[PastedTokens, Depends(_pasted_tokens)]
"""Asks Meta about what somebody typed in."""


@router.get("", responses=answers(200, examples.INTEGRATIONS, 401, 422))
async def read_integrations(
    organization_id: Caller, database: Store, listing: Annotated[IntegrationListing, Query()]
) -> Page[Integration]:
    """List numbers, the newest first; with `disconnected`, those that were connected once as well."""
    return await list_integrations(database, organization_id, listing.wanted(), disconnected=listing.disconnected)


@router.get("/{integration_id}", responses=answers(200, examples.INTEGRATION, 401, 404, 422))
async def read_one(organization_id: Caller, database: Store, integration_id: UUID) -> Integration:
    """Show a number: its state and since when, what Meta last said of it, the last four characters of its token."""
    return await read_integration(database, organization_id, integration_id)


@router.post("", status_code=201, responses=answers(201, examples.ADDED, 401, 404, 409, 422, 503))
async def add_integration(  # noqa: PLR0913, PLR0917 - each is given by the framework
    organization_id: Caller,
    by: Acting,
    person_id: Person,
    database: Store,
    ring: Ring,
    wakes: Nudge,
    meta: Meta,
    wanted: AddIntegration,
    response: Response,
) -> Added:
    """Connect a number with a token of your own. Meta is asked about both before anything is stored.

    What is left to do (subscribing, registering, a check) goes on by itself: follow the onboarding at `Location`.
    """
    if wanted.organization_id != organization_id:
        raise NotFoundError("organization_id: is not the one that the key speaks for.")
    token = wanted.access_token.get_secret_value()
    proven = await meta.prove(token, waba_id=wanted.waba_id, phone_number_id=wanted.phone_number_id)
    check_phone_number(wanted.phone_number, proven.number)
    onboarding_id = await start_by_hand(
        database,
        ring,
        organization_id=organization_id,
        agent_flow_id=wanted.agent_flow_id,
        number=_ids(wanted, proven),
        token=HandedToken(
            token, proven.token.type or "SYSTEM_USER", proven.token.expires_at, sorted(proven.token.scopes)
        ),
        verify_token=None if wanted.verify_token is None else wanted.verify_token.get_secret_value(),
        enabled=wanted.enabled,
        started_by=person_id,
        by=by,
    )
    wakes.started(onboarding_id, organization_id)
    response.headers["Location"] = f"{ONBOARDINGS}/{onboarding_id}"
    return await _added(database, organization_id, onboarding_id)


@router.put("/{integration_id}", responses=answers(200, examples.INTEGRATION, 401, 404, 409, 422, 503))
async def change_integration(
    organization_id: Caller,
    by: Acting,
    database: Store,
    ring: Ring,
    request: Request,
    meta: Meta,
    integration_id: UUID,
    wanted: ChangeIntegration,
) -> Integration:
    """Switch a number off or on, give it another agent flow, verify token, policy or stop words, or a new access token.

    Meta is asked about a new token before it takes the old one's place; then what was held for want of it is released.
    """
    found = await read_integration(database, organization_id, integration_id)
    if found.state == "disconnected":
        raise ConflictError("The number is disconnected.", next_step="Connect it again.")
    token = None if wanted.access_token is None else wanted.access_token.get_secret_value()
    proven = None
    if token is not None:
        proven = await meta.prove(token, waba_id=found.waba_id, phone_number_id=found.phone_number_id)
    await update_integration(
        database,
        ring,
        request.app.state.keyed_hash,
        organization_id=organization_id,
        integration_id=integration_id,
        enabled=wanted.enabled,
        agent_flow_id=wanted.agent_flow_id,
        verify_token=None if wanted.verify_token is None else wanted.verify_token.get_secret_value(),
        unknown_policy=wanted.unknown_policy,
        files_in_order=wanted.files_in_order,
        actor=by,
    )
    if wanted.stop_words is not None:
        words = None if wanted.stop_words == "default" else wanted.stop_words
        await set_stop_words(
            database,
            organization_id=organization_id,
            integration_id=integration_id,
            words=None if words is None else {language: listed.model_dump() for language, listed in words.items()},
            actor=by,
        )
    if token is not None and proven is not None:
        await replace_token(
            database,
            ring,
            organization_id=organization_id,
            integration_id=integration_id,
            access_token=token,
            token_type=proven.token.type or "SYSTEM_USER",
            token_expires_at=proven.token.expires_at,
            token_scopes=proven.token.scopes,
            actor=by,
        )
    return await read_integration(database, organization_id, integration_id)


@router.delete("/{integration_id}", responses=answers(200, examples.DISCONNECTED, 401, 404, 422))
async def disconnect_integration(
    organization_id: Caller, by: Acting, database: Store, ring: Ring, request: Request, integration_id: UUID
) -> NumberDisconnected:
    """Disconnect a number: what is queued is cancelled with the reason, its secrets are wiped, its record stays.

    Our app is unsubscribed from the account when no number of it is left. The number can then be connected anew, by
    anybody who has access to it.
    """
    gone = await delete_integration(
        database, ring, organization_id=organization_id, integration_id=integration_id, actor=by
    )
    unsubscriptions: Unsubscriptions = request.app.state.unsubscriptions
    await _end_checks(database, request.app.state.schedules, integration_id)
    if gone.waba_used:
        return NumberDisconnected(integration_id, "not_needed", f"The number is disconnected. {_STAYS}")
    came = await unsubscriptions.now(gone.waba_row_id)
    return NumberDisconnected(integration_id, came, f"The number is disconnected. {SAYS[came]}")


async def _end_checks(database: Database, schedules: CheckSchedules | None, integration_id: UUID) -> None:
    """Remove the number's Schedule; where Temporal is away, intake goes on trying."""
    if schedules is None:
        return
    try:
        await schedules.remove(str(integration_id))
    except LaterError:
        log.info("check.schedule_left", integration_id=str(integration_id))
        return
    await due_runs.checks_ended(database, integration_id)


def _ids(wanted: AddIntegration, proven: Proven) -> NumberIds:
    digits = "".join(filter(str.isdigit, wanted.phone_number))
    return NumberIds(
        wanted.waba_id, wanted.phone_number_id, f"+{digits}", proven.waba.business_id, proven.number.verified_name
    )


async def _added(database: Database, organization_id: UUID, onboarding_id: UUID) -> Added:
    """What to answer: with the integration, if it comes within a moment."""
    shown = await read_onboarding(database, organization_id, onboarding_id)
    try:
        async with asyncio.timeout(_CONNECTED_WITHIN), aclosing(changes(database, onboarding_id)) as moments:
            async for _ in moments:
                shown = await read_onboarding(database, organization_id, onboarding_id)
                if shown.integration_id is not None:
                    break
    except TimeoutError:
        pass
    if shown.integration_id is None:
        return Added(shown, None)
    return Added(shown, await read_integration(database, organization_id, shown.integration_id))
