"""What every step of an onboarding works with, and how it says what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from store.engine import Database
from store.errors import MetaUnavailableError
from store.hashing import KeyedHash
from store.onboarding_steps import MetaSaid, StepEnd, Wait
from store.sealing import KeyRing
from whatsapp.accounts import Accounts
from whatsapp.calls import Failure, Lost, NotWritten, Refused
from whatsapp.signup_failures import CallFailure, call_failure


class CheckSchedules(Protocol):
    """Where a number's regular checks are made; `workflows.client.CheckSchedules` is one."""

    async def ensure(self, integration_id: str, organization_id: str, *, every: timedelta) -> None:
        """Have the number checked this often; harmless when it is already."""

    async def trigger(self, integration_id: str) -> bool:
        """Have it checked now."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """The figures and addresses that onboardings go by."""

    app_id: str
    """Our app at Meta."""
    callback_override_url: str = ""
    """Where Meta is to send each number's webhooks; empty: to the app's own address."""
    code_life: timedelta = timedelta(seconds=30)
    patience: timedelta = timedelta(days=7)
    check_every: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that steps need; `worker.py` builds it."""

    database: Database
    ring: KeyRing
    keyed_hash: KeyedHash
    accounts: Accounts
    schedules: CheckSchedules
    schedules_away: type[Exception]
    """What the schedules raise while Temporal is away."""
    rules: Rules


class PassingError(MetaUnavailableError):
    """Meta refused for the moment or did not answer; `said` is its own answer, for the step."""

    def __init__(self, detail: str, said: MetaSaid | None = None) -> None:
        super().__init__(detail)
        self.said = said


def done(says: str, **changes: Any) -> StepEnd:
    """The step is through; `changes` are columns of the onboarding."""
    return StepEnd("done", says, changes=changes)


def skipped(says: str, **changes: Any) -> StepEnd:
    """The step was not needed."""
    return StepEnd("skipped", says, changes=changes)


def failed(
    code: str, says: str, next_step: str | None = None, *, said: MetaSaid | None = None, **changes: Any
) -> StepEnd:
    """The onboarding ends; `code` is one of `store.endings`."""
    return StepEnd("failed", says, next_step, code=code, said=said, changes=changes)


def waiting(
    waiting_for: Wait,
    says: str,
    next_step: str,
    *,
    wait: timedelta | None = None,
    said: MetaSaid | None = None,
    changes: Mapping[str, Any] | None = None,
) -> StepEnd:
    """A person has to do something, or `wait` has to pass."""
    return StepEnd(
        "waiting", says, next_step, waiting_for=waiting_for, wait=wait, said=said, changes=dict(changes or {})
    )


def said_by(failure: Failure) -> MetaSaid:
    """A failure as the step keeps it."""
    if isinstance(failure, Refused):
        return MetaSaid(failure.code, failure.subcode, failure.detail or failure.title, failure.fbtrace_id)
    return MetaSaid(detail=failure.reason)


def words_of(failure: Refused) -> str:
    """What a refusal means, by the one table of Meta's errors, with its code."""
    code = "" if failure.code is None else f" (Meta's code {failure.code})"
    return f"{failure.verdict().meaning}{code}"


def passing(failure: Failure, what: str) -> PassingError:
    """It passes by itself: to be raised, so that Temporal repeats the step. `what` we had asked Meta to do."""
    match failure:
        case NotWritten(put_off=None):
            says = f"Meta could not be reached to {what}."
        case NotWritten(reason=reason):
            says = f"Meta was not asked to {what}: {reason}."
        case Lost():
            says = f"Meta gave no usable answer when asked to {what}."
        case Refused():
            says = f"Meta refused for the moment to {what}: {words_of(failure)}"
    return PassingError(says, said_by(failure))


def refusal(failure: Failure, what: str, *, for_good: str | None = None) -> StepEnd:
    """What a failed call comes to that may be repeated: raised if it passes, a failure or a wait if it does not.

    `for_good` is the ending of what Meta refuses for good; None: a person may repair it and have it tried again.

    Raises:
        PassingError: it passes by itself.
    """
    kind = call_failure(failure)
    if kind in {CallFailure.NOT_WRITTEN, CallFailure.LOST, CallFailure.PASSES} or not isinstance(failure, Refused):
        raise passing(failure, what)
    said = said_by(failure)
    if kind is CallFailure.TOKEN:
        return failed(
            "token_invalid", f"Meta does not accept the access token any more: {words_of(failure)}", said=said
        )
    says = f"Meta refuses to {what}: {words_of(failure)}"
    if for_good is not None:
        code = {CallFailure.APP: "app_refused", CallFailure.PERMISSION: "missing_permission"}.get(kind, for_good)
        return failed(code, says, said=said)
    return waiting("retry", says, f"{failure.verdict().next_step} Then have it tried again.".strip(), said=said)
