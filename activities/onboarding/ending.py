"""What an onboarding has done is taken back, newest first; what Meta does not let go of is said in words."""

from activities.onboarding.desk import Desk, passing, words_of
from store import onboarding_ending
from store.connecting import secrets_of
from store.disconnecting import is_waba_used
from store.onboarding_ending import TakeBack
from whatsapp.accounts import Done, NumberFacts
from whatsapp.calls import Failure, NotWritten, Refused
from whatsapp.signup_failures import CallFailure, call_failure
from workflows.onboarding_contracts import STEPS, Ended, EndOnboarding

_PATIENT = 5
"""Attempts. Meta counts deregistrations like registrations: a number is not locked for the sake of tidiness."""
_PASSES = {CallFailure.NOT_WRITTEN, CallFailure.LOST, CallFailure.PASSES}


async def end(desk: Desk, command: EndOnboarding, back: TakeBack, *, attempt: int) -> Ended:
    """Take everything back and close the row. Each part that is taken back is recorded at once.

    Raises:
        PassingError: Meta does not answer just now; what was taken back stays so.
    """
    row = back.row
    if row.ended_at is None and row.integration_id is not None:
        held = await secrets_of(desk.database, desk.ring, row.integration_id)
        if back.was_live:
            await onboarding_ending.stop_sending(desk.database, back)
            await onboarding_ending.undone(desk.database, row.id, "activate", says="The number was taken offline.")
        if held.access_token is not None:
            await _deregister(desk, back, held.access_token, attempt=attempt)
            await _unsubscribe(desk, back, held.access_token)
    state, undone = await onboarding_ending.close(
        desk.database, row.id, state=command.state, code=command.code, detail=command.detail
    )
    says = "What had been done was taken back." if undone else "Nothing had to be taken back."
    return Ended(state, [step for step in reversed(STEPS) if step in undone], says)


async def _deregister(desk: Desk, back: TakeBack, token: str, *, attempt: int) -> None:
    """Only a number that we have registered and that was not registered before us."""
    row = back.row
    if row.was_registered is not False or not (row.registered_by_us or row.register_posted_at is not None):
        return
    number = await desk.accounts.number(row.phone_number_id, token)
    answer: Done | Failure = number if not isinstance(number, NumberFacts) else Done()
    if isinstance(number, NumberFacts) and not number.needs_registering:
        answer = await desk.accounts.deregister(row.phone_number_id, token)
    if isinstance(answer, NotWritten) or (not isinstance(answer, Done) and attempt < _PATIENT and _passes(answer)):
        raise passing(answer, "deregister the number")
    says = "The number was deregistered again." if isinstance(answer, Done) else _not_undone("deregister it", answer)
    await onboarding_ending.undone(
        desk.database, row.id, "register", says=says, changes={"registered_by_us": False, "register_posted_at": None}
    )


async def _unsubscribe(desk: Desk, back: TakeBack, token: str) -> None:
    """Only if we have subscribed our app, and no other number of the account needs it."""
    row = back.row
    if not row.subscribed_by_us:
        return
    if back.waba_used:
        says = "Our app stays subscribed: another number of the account is connected."
        await onboarding_ending.undone(
            desk.database, row.id, "subscribe", says=says, changes={"subscribed_by_us": False}
        )
        return
    answer = await desk.accounts.unsubscribe(row.waba_id, token)
    if not isinstance(answer, Done) and _passes(answer):
        raise passing(answer, "unsubscribe our app")
    # A number that was connected meanwhile may have found our app still subscribed.
    if isinstance(answer, Done) and await is_waba_used(desk.database, row.waba_id, besides=row.integration_id):
        await _subscribe_again(desk, back, token)
    says = "Our app was unsubscribed." if isinstance(answer, Done) else _not_undone("unsubscribe our app", answer)
    await onboarding_ending.undone(desk.database, row.id, "subscribe", says=says, changes={"subscribed_by_us": False})


async def _subscribe_again(desk: Desk, back: TakeBack, token: str) -> None:
    answer = await desk.accounts.subscribe(back.row.waba_id, token)
    if not isinstance(answer, Done) and _passes(answer):
        raise passing(answer, "subscribe our app again")


def _passes(failure: Failure) -> bool:
    return call_failure(failure) in _PASSES


def _not_undone(what: str, failure: Failure) -> str:
    why = words_of(failure) if isinstance(failure, Refused) else "it did not answer."
    return f"Meta did not {what}: {why} It can be done in WhatsApp Manager."
