"""The number is registered, only if it needs it, once: Meta locks a number for 72 h after ten calls.

No call is repeated by a retry policy. A lost answer is looked up at the number itself; else a person decides, or Meta's
own words say how long to wait.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

from activities.onboarding import syncing
from activities.onboarding.desk import (
    Desk,
    PassingError,
    failed,
    passing,
    refusal,
    said_by,
    skipped,
    waiting,
    words_of,
)
from store.connecting import Secrets, seal_pin, secrets_of
from store.endings import ENDINGS
from store.onboarding_posts import earlier_pin, posting_registration, registration_not_posted
from store.onboarding_steps import MetaSaid, StepEnd, Taken
from store.onboardings import unseal
from whatsapp.accounts import Done, NotWritten, NumberFacts, Refused
from whatsapp.calls import Lost
from whatsapp.signup_failures import CallFailure, RegisterFailure, register_failure, register_wait

_MOST_CALLS = 6
"""Of the ten that Meta counts: past these nothing is repeated but by a person."""
_SHORTEST_WAIT = timedelta(minutes=1)
_LOOK_THERE = "Look at the number in WhatsApp Manager. Then have it tried again."
_GIVE_PIN = (
    "Enter the PIN of the number's two-step verification. If nobody knows it, reset it in WhatsApp Manager "
    "(the number's settings, Two-step verification) and enter the new one."
)
_AFTER_A_WAIT = {
    CallFailure.PASSES,
    RegisterFailure.TOO_MANY_PINS,
    RegisterFailure.TOO_FAST,
    RegisterFailure.NUMBER_DELETED,
}


async def register(desk: Desk, taken: Taken) -> StepEnd:
    """Register the number if it needs it; one that is used in the app too is left alone and asked for its past."""
    row = taken.row
    held = await secrets_of(desk.database, desk.ring, row.integration_id)
    if held.access_token is None:
        ending = ENDINGS["disconnected"]
        return failed("disconnected", ending.says, ending.next_step)
    number = await desk.accounts.number(row.phone_number_id, held.access_token)
    if not isinstance(number, NumberFacts):
        return refusal(number, "show the number")
    if row.coexistence or number.is_coexistence:
        return await syncing.sync(desk, row, held.access_token)
    if not number.needs_registering:
        return _is_registered(desk, row, held)
    not_yet = _not_yet(taken, number)
    return not_yet or await _register(desk, taken, held, number)


def _is_registered(desk: Desk, row: Any, held: Secrets) -> StepEnd:
    """It is: by us, if we have written the request and found it wanting before."""
    if row.was_registered is False and row.register_posted_at is not None:
        return _registered(desk, row, _known_pin(desk, row, held))
    return skipped("The number is registered already.", was_registered=True)


def _not_yet(taken: Taken, number: NumberFacts) -> StepEnd | None:
    """What speaks against writing the request now."""
    row, before = taken.row, taken.before
    if row.register_not_before is not None and row.register_not_before > row.now:
        by_itself = row.register_posted_at is None
        return _wait_until(row.register_not_before, row.now, before, by_itself=by_itself)
    if row.register_posted_at is not None:
        if row.waiting_for == "retry" and before.says:
            return waiting("retry", before.says, before.next_step or _LOOK_THERE, said=_as_before(before))
        says = "The registration was sent to Meta and no answer came; Meta shows the number as not registered."
        return waiting("retry", says, _LOOK_THERE)
    if number.code_verification_status == "NOT_VERIFIED":
        says = "The number has not been verified at Meta, by SMS or call."
        return waiting("retry", says, "Verify it in WhatsApp Manager. Then have it tried again.")
    return None


async def _register(desk: Desk, taken: Taken, held: Secrets, number: NumberFacts) -> StepEnd:
    row, before = taken.row, taken.before
    pin = _known_pin(desk, row, held)
    if pin is None and number.is_pin_enabled and row.register_calls == 0:  # a wrong one is not tried again
        pin = await earlier_pin(desk.database, desk.ring, row)
    if pin is None and number.is_pin_enabled:
        # Looked at again without a new PIN: what Meta said of the last one still stands.
        says = before.says if row.waiting_for == "pin" else None
        return waiting("pin", says or "The number has two-step verification.", _GIVE_PIN, said=_as_before(before))
    made = None if pin is not None else f"{secrets.randbelow(1_000_000):06d}"
    pin = pin or made or ""
    if not await posting_registration(desk.database, desk.ring, row.id, made_pin=made):
        raise PassingError("Another attempt at registering the number is under way.")
    answer = await desk.accounts.register(row.phone_number_id, held.access_token or "", pin=pin)
    if isinstance(answer, Done):
        return _registered(desk, row, pin, made=made is not None)
    if isinstance(answer, NotWritten):
        await registration_not_posted(desk.database, row.id)
        raise passing(answer, "register the number")
    return await _refused(desk, row, held, answer, pin)


def _registered(desk: Desk, row: Any, pin: str | None, *, made: bool = False) -> StepEnd:
    made = made or row.pin_origin == "made"
    says = "The number is registered."
    if made:
        says += " It got a PIN for its two-step verification, made here."
    changes = {"registered_by_us": True, "register_not_before": None}
    if not made:
        changes["pin_sealed"] = None
    kept = {} if pin is None else {"pin_sealed": seal_pin(desk.ring, pin, row.integration_id)}
    return StepEnd(
        "done", says, "Have the PIN shown, once, and keep it." if made else None, changes=changes, integration=kept
    )


async def _refused(desk: Desk, row: Any, held: Secrets, failure: Refused | Lost, pin: str) -> StepEnd:
    kind = register_failure(failure)
    if kind is CallFailure.LOST or not isinstance(failure, Refused):
        raise passing(failure, "register the number")
    if kind is RegisterFailure.READ_NUMBER:
        number = await desk.accounts.number(row.phone_number_id, held.access_token or "")
        if isinstance(number, NumberFacts) and not number.needs_registering:
            return _registered(desk, row, pin)
    if kind is RegisterFailure.WRONG_PIN:
        return _wrong_pin(failure)
    if kind is RegisterFailure.LOCKED_OUT or kind in _AFTER_A_WAIT:
        return _later(row, failure, kind)
    if kind is CallFailure.TOKEN:
        return refusal(failure, "register the number")
    return waiting(
        "retry", f"Meta did not register the number: {words_of(failure)}", _LOOK_THERE, said=said_by(failure)
    )


def _wrong_pin(failure: Refused) -> StepEnd:
    says = "Meta says that the PIN is wrong."
    if failure.code == 131031:  # noqa: PLR2004 - says two things
        says = "Meta says that the PIN is wrong, or that the account is locked."
    cleared = {"pin_sealed": None, "pin_origin": None, "register_posted_at": None}
    return StepEnd(
        "waiting",
        says,
        _GIVE_PIN,
        waiting_for="pin",
        said=said_by(failure),
        changes=cleared,
        integration={"pin_sealed": None},
    )


def _later(row: Any, failure: Refused, kind: CallFailure | RegisterFailure) -> StepEnd:
    """Meta takes no further attempt for a while; after 133016 a person decides, not the clock."""
    wait = max(register_wait(failure) or failure.regain_access or timedelta(0), _SHORTEST_WAIT)
    by_itself = kind is not RegisterFailure.LOCKED_OUT and row.register_calls + 1 < _MOST_CALLS
    until = row.now + wait
    changes: dict[str, Any] = {"register_not_before": until}
    if by_itself:
        changes["register_posted_at"] = None
    says = f"{words_of(failure)} Meta takes no further attempt before {_time(until)}."
    next_step = "Wait: then it is tried again by itself." if by_itself else "Wait until then. Then have it tried again."
    return waiting("retry", says, next_step, wait=wait if by_itself else None, said=said_by(failure), changes=changes)


def _wait_until(until: datetime, now: datetime, before: Any, *, by_itself: bool) -> StepEnd:
    says = before.says or f"Meta takes no further attempt before {_time(until)}."
    next_step = before.next_step or "Wait until then."
    return waiting("retry", says, next_step, wait=until - now if by_itself else None, said=_as_before(before))


def _known_pin(desk: Desk, row: Any, held: Secrets) -> str | None:
    return held.pin if row.pin_sealed is None else unseal(desk.ring, "pin_sealed", row.pin_sealed, row.id)


def _as_before(before: Any) -> MetaSaid:
    return MetaSaid(before.meta_code, before.meta_subcode, before.meta_detail, before.fbtrace_id)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
