"""The live proof: a customer's first message, or a template that was delivered. It never fails an onboarding."""

from datetime import timedelta

from activities.onboarding.desk import Desk, done, skipped, waiting
from store import onboarding_live
from store.onboarding_steps import StepEnd, Taken

_HINT = "Write any message to the number, from any phone with WhatsApp; or send a template and see it delivered."


async def prove(desk: Desk, taken: Taken, *, gives_up: bool) -> StepEnd:
    """See whether a message has proven the number."""
    row = taken.row
    if await onboarding_live.integration_state(desk.database, row.integration_id) == "disconnected":
        return skipped("The number was disconnected before anybody wrote.")
    proven = await onboarding_live.proof_of(desk.database, row)
    if proven is not None:
        says = "A first message came in." if proven.kind == "inbound" else "A template was delivered."
        return done(f"{says} The number works.", proof=proven.kind, proof_wamid=proven.wamid, proved_at=proven.at)
    if row.proof == "declined":
        return done("It was decided to go without a first message: nothing has proven yet that messages arrive.")
    waited = row.waited + (timedelta(0) if row.waiting_since is None else row.now - row.waiting_since)
    if gives_up or waited >= desk.rules.patience:
        return done("Nobody has written so far. The number is connected; nothing has proven it yet.")
    return waiting("proof", "The number is live; a first message will prove it.", _HINT)
