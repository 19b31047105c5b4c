"""The code becomes a token: within 30 s of its arrival, its request written once, the token sealed with the answer."""

from datetime import UTC, datetime
from typing import Any

from activities.onboarding.desk import Desk, PassingError, done, failed, passing, said_by, waiting, words_of
from store.endings import ENDINGS
from store.onboarding_posts import code_not_posted, posting_code
from store.onboarding_steps import StepEnd, Taken
from store.onboardings import seal, unseal
from whatsapp.accounts import Token
from whatsapp.calls import Failure, NotWritten, Refused
from whatsapp.signup_failures import CallFailure, ExchangeFailure, exchange_failure

_ENDS = {
    ExchangeFailure.EXPIRED: "code_expired",
    ExchangeFailure.USED: "code_used",
    CallFailure.LOST: "code_lost",
    CallFailure.APP: "app_refused",
}


async def exchange(desk: Desk, taken: Taken) -> StepEnd:
    """Exchange the code, if nobody has; a code that was written and brought no token is lost."""
    row = taken.row
    if row.token_sealed is not None:
        return done("Meta's code was exchanged for an access token.")
    if row.code_posted_at is not None:
        return _ended("code_lost")
    if row.code_sealed is None:
        says = "The signup was finished at Meta, but its code never came here."
        return waiting("code", says, "Sign in at Meta once more: the same account and number.")
    if row.now - row.code_received_at > desk.rules.code_life:
        return _ended("code_expired")
    code = unseal(desk.ring, "code_sealed", row.code_sealed, row.id)
    if not await posting_code(desk.database, row.id):
        raise PassingError("Another attempt at exchanging the code is under way.")
    answer = await desk.accounts.exchange_code(code, redirect_uri=row.redirect_uri)
    if isinstance(answer, Token):
        return _exchanged(desk, row, answer)
    if isinstance(answer, NotWritten):
        await code_not_posted(desk.database, row.id)
        raise passing(answer, "exchange the code")
    return _refused(answer)


def _exchanged(desk: Desk, row: Any, token: Token) -> StepEnd:
    expires_at = None if token.expires_in is None else datetime.now(UTC) + token.expires_in
    return done(
        "Meta's code was exchanged for an access token.",
        token_sealed=seal(desk.ring, "token_sealed", token.access_token, row.id),
        token_last4=token.access_token[-4:],
        token_expires_at=expires_at,
        code_sealed=None,
    )


def _refused(failure: Failure) -> StepEnd:
    """Whatever Meta said, the code was written: it is not written again."""
    kind = exchange_failure(failure)
    if kind in _ENDS:
        return _ended(_ENDS[kind], failure)
    if not isinstance(failure, Refused) or kind is CallFailure.PASSES:
        return _ended("code_lost", failure)
    ending = ENDINGS["code_refused"]
    says = f"{ending.says} {words_of(failure)}"
    if kind is ExchangeFailure.REDIRECT:
        says = f"{ending.says} The redirect address is not the one that the sign-in began with."
    return failed("code_refused", says, ending.next_step, said=said_by(failure), code_sealed=None)


def _ended(code: str, failure: Failure | None = None) -> StepEnd:
    ending = ENDINGS[code]
    said = None if failure is None else said_by(failure)
    return failed(code, ending.says, ending.next_step, said=said, code_sealed=None)
