"""What contacts want of marketing messages: read, and told by the business."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api import consent_examples as examples
from api.auth import Acting, Caller, Store
from api.consent_contracts import TellConsent, TellConsentOf
from api.examples import answers
from api.named_people import PersonInAddress
from store.contact_consents import Consent, read_consent, set_consent

router = APIRouter(prefix="/api/v1/whatsapp/contacts", tags=["Contacts"])


@router.get("/consent", responses=answers(200, examples.CONSENT, 401, 404, 422))
async def read_one_named(organization_id: Caller, database: Store, who: Annotated[PersonInAddress, Query()]) -> Consent:
    """Tell the same as below of a person named by phone number or BSUID; 404 where nothing is known of them."""
    return await read_consent(database, organization_id, who.person())


@router.put("/consent", responses=answers(200, examples.OPTED_IN, 401, 422, 503))
async def tell_of(organization_id: Caller, by: Acting, database: Store, told: TellConsentOf) -> Consent:
    """Keep what a person told you, who becomes a contact by it if they are none yet: as when lists are brought along.

    What is told twice with the same time is kept once, and the latest of all that was told counts: a list may be told
    again at any time, and undoes nothing that was told after it.
    """
    return await set_consent(
        database,
        organization_id=organization_id,
        contact=told.person(),
        choice=told.choice,
        by=by,
        told_at=told.told_at,
        note=told.note,
    )


@router.get("/{contact_id}/consent", responses=answers(200, examples.CONSENT, 401, 404, 422))
async def read_one(organization_id: Caller, database: Store, contact_id: UUID) -> Consent:
    """Tell whether a contact has stopped marketing messages or asked for them, since when, and all that was told."""
    return await read_consent(database, organization_id, contact_id)


@router.put("/{contact_id}/consent", responses=answers(200, examples.OPTED_IN, 401, 404, 422))
async def tell(organization_id: Caller, by: Acting, database: Store, contact_id: UUID, told: TellConsent) -> Consent:
    """Keep what a contact told you by other means: that they want no marketing, want it again, or ask for it.

    The latest of all that was told counts: what is older than that is kept in the history and changes nothing else.
    """
    return await set_consent(
        database,
        organization_id=organization_id,
        contact=contact_id,
        choice=told.choice,
        by=by,
        told_at=told.told_at,
        note=told.note,
    )
