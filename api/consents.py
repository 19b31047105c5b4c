"""What contacts want of marketing messages: read, and told by the business."""

from uuid import UUID

from fastapi import APIRouter

from api import consent_examples as examples
from api.auth import Acting, Caller, Store
from api.consent_contracts import TellConsent
from api.examples import answers
from store.contact_consents import Consent, read_consent, set_consent

router = APIRouter(prefix="/api/v1/whatsapp/contacts", tags=["Contacts"])


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
        contact_id=contact_id,
        choice=told.choice,
        by=by,
        told_at=told.told_at,
        note=told.note,
    )
