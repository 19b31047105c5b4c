"""What a failed call of an onboarding means for its next move: one small enumeration for each kind of call.

The words for people stay in `errors`' one table; here is only what the activities switch on (sections 2.3, 3.2 to 3.4).
"""

import re
from datetime import timedelta
from enum import StrEnum

from whatsapp.calls import Failure, Lost, NotWritten, Refused
from whatsapp.errors import Verdict


class CallFailure(StrEnum):
    """What any call may fail with. Each of the others names what its own kind of call may fail with besides."""

    NOT_WRITTEN = "not_written"
    """Certainly not done: it may be done again at once."""
    LOST = "lost"
    """Nobody knows whether it was done: read Meta's side before doing it again."""
    PASSES = "passes"
    """Refused for the moment (a limit on calls, maintenance): it passes by itself."""
    TOKEN = "token"  # noqa: S105 - what is wrong, no secret
    PERMISSION = "permission"
    APP = "app"
    """The app's secret or its proof is not right: it concerns every number."""
    REFUSED = "refused"
    """For good."""


class ExchangeFailure(StrEnum):
    """Why a code was not exchanged. Whatever was written is never written again: a code works once."""

    EXPIRED = "expired"
    """Older than 30 s (100/36007)."""
    USED = "used"
    """Exchanged before (100/36009)."""
    REDIRECT = "redirect"
    """The redirect address differs from the dialog's."""


class RegisterFailure(StrEnum):
    """Why a number was not registered. None of it is tried again by itself: ten calls lock a number for 72 h."""

    WRONG_PIN = "wrong_pin"
    """133005, and 131031, which may mean the same or a locked account: its detail tells."""
    TOO_MANY_PINS = "too_many_pins"
    """133008: wait as Meta's detail says."""
    TOO_FAST = "too_fast"
    """133009: wait as Meta's detail says."""
    NUMBER_DELETED = "number_deleted"
    """133015: deleted a moment ago, free again after 5 minutes."""
    LOCKED_OUT = "locked_out"
    """133016: ten calls within 72 h; locked for 72 h."""
    NOT_VERIFIED = "not_verified"
    """133006: the number has to be verified by SMS or call first."""
    DEREGISTER_FIRST = "deregister_first"
    """133000: an earlier deregistration is not complete."""
    READ_NUMBER = "read_number"
    """100 and other 133xxx: perhaps it is registered already; the number's own state tells."""


class SubscribeFailure(StrEnum):
    """Why our app was not subscribed, or an address not taken."""

    BARE_FIRST = "bare_first"
    """An override before the app was subscribed to the account."""
    CALLBACK = "callback"
    """Meta called the address and did not get its challenge back."""


class SyncFailure(StrEnum):
    """Why contacts or past messages of a coexistence number will not come."""

    USED = "used"
    """2593107: asked for before; it works once."""
    TOO_LATE = "too_late"
    """2593108: more than 24 h after the onboarding."""
    DECLINED = "declined"
    """2593109: the business did not want to share its past."""


_HOLDS = {"token": CallFailure.TOKEN, "permission": CallFailure.PERMISSION, "app": CallFailure.APP}
_EXCHANGE = {36007: ExchangeFailure.EXPIRED, 36008: ExchangeFailure.REDIRECT, 36009: ExchangeFailure.USED}
_APP_WORDS = ("client secret", "client_secret", "validating application", "validating app")
"""App id and secret do not belong together: this comes as code 1 or 101, which say less."""
_REGISTER = {
    100: RegisterFailure.READ_NUMBER,
    131031: RegisterFailure.WRONG_PIN,
    133000: RegisterFailure.DEREGISTER_FIRST,
    133005: RegisterFailure.WRONG_PIN,
    133006: RegisterFailure.NOT_VERIFIED,
    133008: RegisterFailure.TOO_MANY_PINS,
    133009: RegisterFailure.TOO_FAST,
    133015: RegisterFailure.NUMBER_DELETED,
    133016: RegisterFailure.LOCKED_OUT,
}
_REGISTRATION = range(133000, 134000)
_SYNC = {2593107: SyncFailure.USED, 2593108: SyncFailure.TOO_LATE, 2593109: SyncFailure.DECLINED}
_WAITS: dict[CallFailure | RegisterFailure, timedelta] = {
    RegisterFailure.TOO_MANY_PINS: timedelta(hours=1),
    RegisterFailure.TOO_FAST: timedelta(minutes=1),
    RegisterFailure.NUMBER_DELETED: timedelta(minutes=5),
    RegisterFailure.LOCKED_OUT: timedelta(hours=72),
}
"""When Meta's words name no time. The last two are Meta's own figures."""
_BARE_FIRST = "before override"
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_TOLD = re.compile(r"(\d{1,5})\s*(second|minute|hour|day)s?", re.IGNORECASE)


def call_failure(failure: Failure) -> CallFailure:
    """What a failure means for any call."""
    if isinstance(failure, NotWritten):
        return CallFailure.NOT_WRITTEN
    if isinstance(failure, Lost):
        return CallFailure.LOST
    return _of_verdict(failure.verdict())


def _of_verdict(verdict: Verdict) -> CallFailure:
    match verdict.kind:
        case "unknown":
            return CallFailure.LOST
        case "retry":
            return CallFailure.PASSES
        case "hold" if verdict.hold in _HOLDS:
            return _HOLDS[verdict.hold]
        case _:
            return CallFailure.REFUSED


def exchange_failure(failure: Failure) -> CallFailure | ExchangeFailure:
    """Why a code was not exchanged."""
    if isinstance(failure, Refused):
        words = (failure.detail or "").lower()
        if failure.subcode in _EXCHANGE:
            return _EXCHANGE[failure.subcode]
        if any(part in words for part in _APP_WORDS):
            return CallFailure.APP
        if "redirect_uri" in words:
            return ExchangeFailure.REDIRECT
    return call_failure(failure)


def register_failure(failure: Failure) -> CallFailure | RegisterFailure:
    """Why a number was not registered."""
    general = call_failure(failure)
    if not isinstance(failure, Refused) or failure.code is None:
        return general
    if failure.code in _REGISTER and general not in {CallFailure.PERMISSION, CallFailure.APP}:
        return _REGISTER[failure.code]
    unclear = failure.code in _REGISTRATION and general is not CallFailure.LOST
    return RegisterFailure.READ_NUMBER if unclear else general


def register_wait(failure: Refused) -> timedelta | None:
    """How long to wait before registering again, as Meta's words tell or its rules say; None: waiting helps nobody."""
    kind = register_failure(failure)
    if kind is RegisterFailure.LOCKED_OUT:
        return _WAITS[kind]
    told = _TOLD.search(failure.detail or "")
    if kind in _WAITS and told:
        return timedelta(seconds=int(told[1]) * _UNITS[told[2].lower()])
    return _WAITS.get(kind)


def subscribe_failure(failure: Failure) -> CallFailure | SubscribeFailure:
    """Why our app was not subscribed, or an address not taken."""
    if isinstance(failure, Refused):
        words = (failure.detail or "").lower()
        if _BARE_FIRST in words:
            return SubscribeFailure.BARE_FIRST
        if "callback" in words and "appsecret_proof" not in words:
            return SubscribeFailure.CALLBACK
    return call_failure(failure)


def sync_failure(failure: Failure) -> CallFailure | SyncFailure:
    """Why contacts or past messages will not come."""
    if isinstance(failure, Refused) and failure.code in _SYNC:
        return _SYNC[failure.code]
    return call_failure(failure)
