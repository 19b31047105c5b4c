"""Connecting a number: starting it, and reading where it stands.

The code, a PIN and a token come in here and never go out: models hide their input, and what is stored is sealed.
"""

from uuid import UUID

from fastapi import APIRouter, Response

from api import onboarding_examples as examples
from api.auth import Acting, Caller, Person, Ring, Store
from api.contracts import ListingQuery
from api.examples import answers
from api.onboarding_contracts import StartOnboarding
from api.wakes import Nudge
from store import onboardings
from store.onboardings import Hints
from store.paging import Page
from store.reading.onboardings import Onboarding, list_onboardings, read_onboarding

PATH = "/api/v1/whatsapp/onboardings"
router = APIRouter(prefix=PATH, tags=["Onboarding"])


@router.post("", status_code=202, responses=answers(202, examples.ONBOARDING, 401, 404, 422))
async def start_onboarding(
    organization_id: Caller,
    by: Acting,
    person_id: Person,
    database: Store,
    ring: Ring,
    wakes: Nudge,
    wanted: StartOnboarding,
    response: Response,
) -> Onboarding:
    """Begin with the code of a signup: stored and on its way when this answers. `Location` shows what becomes of it."""
    onboarding_id = await onboardings.start_onboarding(
        database,
        ring,
        organization_id=organization_id,
        agent_flow_id=wanted.agent_flow_id,
        way="popup" if person_id else "frontend",
        code=wanted.code.get_secret_value(),
        redirect_uri=wanted.redirect_uri,
        hints=Hints(wanted.event, wanted.waba_id, wanted.phone_number_id, wanted.business_id),
        coexistence=wanted.coexistence,
        started_by=person_id,
        reconnects_id=wanted.reconnects,
        by=by,
    )
    wakes.started(onboarding_id, organization_id)
    response.headers["Location"] = f"{PATH}/{onboarding_id}"
    return await read_onboarding(database, organization_id, onboarding_id)


@router.get("", responses=answers(200, examples.ONBOARDINGS, 401, 422))
async def read_onboardings(organization_id: Caller, database: Store, listing: ListingQuery) -> Page[Onboarding]:
    """List onboardings, the newest first."""
    return await list_onboardings(database, organization_id, listing.wanted())


@router.get("/{onboarding_id}", responses=answers(200, examples.ONBOARDING, 401, 404, 422))
async def read_one(organization_id: Caller, database: Store, onboarding_id: UUID) -> Onboarding:
    """Tell where an onboarding stands: each step, what it waits for, from whom, and what to do."""
    return await read_onboarding(database, organization_id, onboarding_id)
