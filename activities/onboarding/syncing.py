"""A number that is used in the WhatsApp Business app too is never registered; its contacts and past are asked for."""

from typing import Any

from activities.onboarding.desk import Desk, passing, refusal
from store.connecting import sync_requested, syncs_since
from store.onboarding_steps import StepEnd
from whatsapp.accounts import SyncKind, SyncRequested
from whatsapp.calls import Refused
from whatsapp.signup_failures import CallFailure, SyncFailure, sync_failure

_KINDS: dict[SyncKind, str] = {"smb_app_state_sync": "contacts", "history": "past messages"}
_PER_SECOND = 20
"""Messages of such a number, by Meta's rule."""


async def sync(desk: Desk, row: Any, token: str) -> StepEnd:
    """Ask for both, once each: Meta refuses a second request, so one whose answer was lost does no harm."""
    asked = await syncs_since(desk.database, row.integration_id, row.created_at)
    said = ["The number is used in the WhatsApp Business app and registered there."]
    for kind, what in _KINDS.items():
        if kind in asked:
            said.append(f"Meta sends its {what}.")
            continue
        answer = await desk.accounts.request_sync(row.phone_number_id, token, kind=kind)
        if isinstance(answer, SyncRequested):
            await sync_requested(desk.database, row.integration_id, kind)
            said.append(f"Meta sends its {what}.")
            continue
        outcome = sync_failure(answer)
        if outcome is SyncFailure.USED:
            await sync_requested(desk.database, row.integration_id, kind)
            said.append(f"Its {what} were asked for before.")
        elif outcome is SyncFailure.TOO_LATE:
            said.append(f"It is too late for its {what}: Meta sends them within 24 hours of the signup only.")
        elif outcome is SyncFailure.DECLINED:
            said.append(f"The business did not share its {what}.")
        elif outcome in {CallFailure.NOT_WRITTEN, CallFailure.LOST, CallFailure.PASSES}:
            raise passing(answer, f"send its {what}")
        elif outcome is CallFailure.TOKEN or not isinstance(answer, Refused):
            return refusal(answer, f"send its {what}")
        else:
            said.append(f"Meta refuses to send its {what}.")
    changes = {"coexistence": True, "was_registered": True}
    return StepEnd(
        "skipped", " ".join(said), changes=changes, integration={"coexistence": True}, per_second=_PER_SECOND
    )
