"""A call to Meta that somebody asked for and that failed, as the error that they are answered with."""

import math
from datetime import timedelta

from store.errors import (
    HoldfastError,
    InvalidRequestError,
    MetaUnavailableError,
    MissingPermissionError,
    TokenInvalidError,
    UnavailableError,
)
from store.number_states import REASONS
from whatsapp.calls import Failure, NotWritten, Refused
from whatsapp.signup_failures import CallFailure, call_failure


def error_of(
    failure: Failure, *, refused: type[InvalidRequestError], unanswered: MetaUnavailableError
) -> HoldfastError:
    """What to raise for a failure: `refused` with Meta's words if it is for good, `unanswered` if nobody knows."""
    match call_failure(failure), failure:
        case CallFailure.TOKEN, Refused() as answer:
            verdict = answer.verdict()
            return TokenInvalidError(verdict.meaning, next_step=verdict.next_step)
        case CallFailure.PERMISSION, Refused() as answer:
            says, next_step = REASONS["permission"]
            return MissingPermissionError(f"{says} Meta's words: {answer.detail}", next_step=next_step)
        case CallFailure.APP, _:
            says, next_step = REASONS["app"]
            return UnavailableError(says, next_step=next_step)
        case CallFailure.REFUSED, Refused() as answer:
            return refused(f"Meta did not take it: {answer.detail}")
        case CallFailure.LOST, _:
            return unanswered
    says = "Meta refused for the moment, or could not be reached: nothing was done."
    return MetaUnavailableError(says, next_step=f"Try again {_when(failure)}.")


def _when(failure: Failure) -> str:
    wait = failure.put_off if isinstance(failure, NotWritten) else None
    return "in a moment" if wait is None else f"in {math.ceil(wait / timedelta(minutes=1))} min"
