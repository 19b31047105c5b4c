"""The integration is made, or a known one gets the new token: from now on its verify token answers."""

from activities.onboarding.desk import Desk, done, failed
from store import connecting
from store.endings import ENDINGS
from store.errors import NumberTakenError
from store.onboarding_steps import StepEnd, Taken

_SAYS = {
    "new": "The number is being connected: what comes in is kept until it is live.",
    "again": "The number was connected before: it has a new token and keeps its conversations.",
    "taken_over": "The number was held by another organization whose token is dead; it is connected here now.",
    "there": "The number is being connected: what comes in is kept until it is live.",
}


async def connect(desk: Desk, taken: Taken) -> StepEnd:
    """Make the integration once."""
    try:
        how = await connecting.connect(desk.database, desk.ring, desk.keyed_hash, taken.row.id)
    except NumberTakenError:
        ending = ENDINGS["number_taken"]
        return failed("number_taken", ending.says, ending.next_step)
    return done(_SAYS[how])
