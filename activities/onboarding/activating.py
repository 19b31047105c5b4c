"""The number goes live: what was kept is answered, what was held is sent, and its regular checks begin."""

from activities.onboarding.desk import Desk, done, failed
from store import onboarding_live
from store.endings import ENDINGS
from store.errors import UnavailableError
from store.onboarding_steps import StepEnd, Taken


async def activate(desk: Desk, taken: Taken) -> StepEnd:
    """Release the number, have it checked from now on, and say that it is live."""
    row = taken.row
    state = await onboarding_live.release(desk.database, row.integration_id)
    if state == "disconnected":
        ending = ENDINGS["disconnected"]
        return failed("disconnected", ending.says, ending.next_step)
    try:
        await desk.schedules.ensure(str(row.integration_id), str(row.organization_id), every=desk.rules.check_every)
        if state == "stopped":  # perhaps for what was just put right: the check releases it then
            await desk.schedules.trigger(str(row.integration_id))
    except desk.schedules_away as error:
        raise UnavailableError("Temporal did not take the Schedule of the number's checks.") from error
    await onboarding_live.went_live(desk.database, row.id)
    if state == "stopped":
        return done("The number is connected; Meta had stopped it: a check finds out whether messages may leave again.")
    return done("The number is live.")
