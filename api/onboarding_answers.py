"""What a person does with an onboarding that waits for them. Stored first; then its run is told, as best that goes."""

from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel

from api import onboarding_examples as examples
from api.auth import Acting, Caller, Ring, Store
from api.examples import answers
from api.onboarding_contracts import ChooseNumber, DeclineProof, EnterPin
from api.onboardings import PATH
from api.wakes import Nudge
from store import onboarding_answers
from store.reading.onboardings import Onboarding, read_onboarding

router = APIRouter(prefix=PATH, tags=["Onboarding"])


class ShownPin(BaseModel):
    """The PIN that was made for the number. Keep it: it is not shown again."""

    pin: str


@router.post("/{onboarding_id}/number", responses=answers(200, examples.ONBOARDING, 401, 404, 409, 422))
async def choose_number(
    organization_id: Caller, by: Acting, database: Store, wakes: Nudge, onboarding_id: UUID, chosen: ChooseNumber
) -> Onboarding:
    """Choose one of the numbers that were found: `candidates` lists them."""
    await onboarding_answers.choose_number(
        database,
        organization_id=organization_id,
        onboarding_id=onboarding_id,
        phone_number_id=chosen.phone_number_id,
        actor=by,
    )
    wakes.acted(onboarding_id, "number")
    return await read_onboarding(database, organization_id, onboarding_id)


@router.post("/{onboarding_id}/pin", responses=answers(200, examples.ONBOARDING, 401, 404, 409, 422))
async def enter_pin(
    organization_id: Caller,
    by: Acting,
    database: Store,
    ring: Ring,
    wakes: Nudge,
    onboarding_id: UUID,
    entered: EnterPin,
) -> Onboarding:
    """Give the number's two-step verification PIN, which Meta asks for. It is sealed here and shown to nobody."""
    await onboarding_answers.give_pin(
        database,
        ring,
        organization_id=organization_id,
        onboarding_id=onboarding_id,
        pin=entered.pin.get_secret_value(),
        actor=by,
    )
    wakes.acted(onboarding_id, "pin")
    return await read_onboarding(database, organization_id, onboarding_id)


@router.post("/{onboarding_id}/retry", responses=answers(200, examples.ONBOARDING, 401, 404, 409, 422))
async def retry(organization_id: Caller, by: Acting, database: Store, wakes: Nudge, onboarding_id: UUID) -> Onboarding:
    """Take the step again, now that what was wrong is repaired."""
    await onboarding_answers.retry(database, organization_id=organization_id, onboarding_id=onboarding_id, actor=by)
    wakes.acted(onboarding_id, "retry")
    return await read_onboarding(database, organization_id, onboarding_id)


@router.post("/{onboarding_id}/proof", responses=answers(200, examples.ONBOARDING, 401, 404, 409, 422))
async def decline_proof(
    organization_id: Caller, by: Acting, database: Store, wakes: Nudge, onboarding_id: UUID, _: DeclineProof
) -> Onboarding:
    """Go without a first message: the number stays connected, and nothing has proven that messages arrive."""
    await onboarding_answers.decline_proof(
        database, organization_id=organization_id, onboarding_id=onboarding_id, actor=by
    )
    wakes.acted(onboarding_id, "proof")
    return await read_onboarding(database, organization_id, onboarding_id)


@router.post("/{onboarding_id}/cancel", responses=answers(200, examples.ONBOARDING, 401, 404, 409, 422))
async def cancel(organization_id: Caller, by: Acting, database: Store, wakes: Nudge, onboarding_id: UUID) -> Onboarding:
    """End it and take back what was done, newest first. A number that was live before us stays as it was."""
    await onboarding_answers.ask_cancel(
        database, organization_id=organization_id, onboarding_id=onboarding_id, actor=by
    )
    wakes.acted(onboarding_id, "cancel")
    return await read_onboarding(database, organization_id, onboarding_id)


@router.post("/{onboarding_id}/shown-pin", responses=answers(200, examples.SHOWN_PIN, 401, 404, 409, 422))
async def show_pin(
    organization_id: Caller, by: Acting, database: Store, ring: Ring, onboarding_id: UUID, response: Response
) -> ShownPin:
    """Show the PIN that was made for the number: once, to whoever asks first."""
    response.headers["Cache-Control"] = "no-store"
    pin = await onboarding_answers.show_pin(
        database, ring, organization_id=organization_id, onboarding_id=onboarding_id, actor=by
    )
    return ShownPin(pin=pin)
