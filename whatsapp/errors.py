"""Meta's errors, classified once for all: for answers, for `failed` statuses and for value-level errors alike.

Branches on the code and its detail, never on titles or HTTP statuses (section 8.2). The rows are in `error_table`.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from whatsapp import error_table
from whatsapp.error_table import FEW, BackOff, Effect, ErrorClass, Hold, Kind, Rule

__all__ = [
    "BackOff",
    "Effect",
    "ErrorClass",
    "Hold",
    "Kind",
    "Verdict",
    "classify",
    "is_of_a_file",
    "is_wrong_proof",
    "is_wrong_secret",
]

_SERVER_ERROR = 500
_TOO_MANY_REQUESTS = 429
_CLIENT_SECRET = ("client secret", "client_secret")
_OF_FILES = frozenset({131052, 131053})
_OF_ANY_PARAMETER = frozenset({100, 131009})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done about an error."""

    kind: Kind
    """retry: refused for sure, send it again after `delay`. unknown: it may have been sent, find out first. permanent:
    it will not be sent. hold: the number has to be put in order; nothing fails."""
    error_class: ErrorClass
    hold: Hold | None
    """What is amiss when `kind` is hold; `app` concerns every number."""
    meaning: str
    next_step: str
    back_off: BackOff
    not_before: timedelta | None
    effect: Effect | None = None
    """What follows beyond the message itself."""
    most_attempts: int | None = None
    """Of a retry: after this many refusals it is given up."""

    @property
    def in_words(self) -> str:
        """What it means and what to do, for a message's story."""
        return f"{self.meaning} {self.next_step}".strip()

    def delay(self, attempt: int) -> timedelta:
        """How long to wait after the attempt with this number (the first is 1) was refused."""
        return max(self.back_off.after(attempt), self.not_before or timedelta(0))


def classify(
    code: int | None,
    *,
    subcode: int | None = None,
    http_status: int | None = None,
    is_transient: bool = False,
    detail: str = "",
    certain: bool = False,
) -> Verdict:
    """The verdict on an error of Meta's.

    `detail` is all that Meta says in words (message and `error_data` alike). `certain` says that the message did not go
    out whatever the code, as a `failed` status does: what would else be unknown is then a retry.
    """
    rule = _special(code, subcode, detail.lower()) or _listed(code)
    if rule is None:
        rule = _unlisted(code, http_status, is_transient=is_transient)
    if certain and rule.kind == "unknown":
        rule = replace(rule, kind="retry", next_step=error_table.TOO_MANY.next_step, most_attempts=FEW)
    return Verdict(
        kind=rule.kind,
        error_class=rule.error_class,
        hold=rule.hold,
        meaning=rule.meaning,
        next_step=rule.next_step,
        back_off=rule.back_off,
        not_before=rule.not_before,
        effect=rule.effect,
        most_attempts=rule.most_attempts,
    )


def is_wrong_proof(code: int | None, detail: str | None) -> bool:
    """Whether Meta refused a call for the proof by the app's secret: certainly nothing was done."""
    return _special(code, None, (detail or "").lower()) is error_table.WRONG_PROOF


def is_of_a_file(code: int | None, detail: str | None) -> bool:
    """Whether Meta refused a message for the file that it names: two codes tell of any parameter, and words say which.

    A file of ours may be known to Meta no more by the id it had: it is uploaded anew, once, before its message fails.
    """
    return code in _OF_FILES or (code in _OF_ANY_PARAMETER and "media" in (detail or "").lower())


def is_wrong_secret(detail: str | None) -> bool:
    """Whether Meta refused to give a token for the app's secret itself, before it looked at what was to be exchanged.

    It comes as code 1, which alone says nothing.
    """
    words = (detail or "").lower()
    return any(name in words for name in _CLIENT_SECRET)


def _special(code: int | None, subcode: int | None, detail: str) -> Rule | None:
    """The codes whose subcode or detail changes what they mean."""
    if code == 190 and subcode in error_table.TOKEN_ENDINGS:  # noqa: PLR2004 - Meta's code for a dead token
        return replace(error_table.RULES[190], meaning=error_table.TOKEN_ENDINGS[subcode])
    if code != 100:  # noqa: PLR2004 - Meta's code for any wrong parameter
        return None
    if "appsecret_proof" in detail:
        return error_table.WRONG_PROOF
    if subcode == 33 or "missing permission" in detail:  # noqa: PLR2004 - 100/33, section 8.3
        return error_table.MISSING_ASSET
    return error_table.SPENT_CODE if subcode in {36007, 36009} else None


def _listed(code: int | None) -> Rule | None:
    if code is None or code in error_table.RULES:
        return error_table.RULES.get(code) if code is not None else None
    return next((rule for codes, rule in error_table.RANGES if code in codes), None)


def _unlisted(code: int | None, http_status: int | None, *, is_transient: bool) -> Rule:
    if code is None and http_status == _TOO_MANY_REQUESTS:
        return error_table.TOO_MANY
    if is_transient or (http_status or 0) >= _SERVER_ERROR:
        return error_table.TRANSIENT
    return error_table.UNLISTED
