"""What the statuses of a message amount to: a pure function of all of them, so that their order does not matter.

An attempt that was delivered is good whatever else was said of it; else one `failed` status outweighs `sent`. Of
several `failed` ones the weightiest counts: what is permanent, then what holds the number, then what may be repeated.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from store.transitions import Delivery, Event, State, after
from whatsapp.errors import Verdict, classify, is_of_a_file

DOUBLED = "Doubled: Meta accepted more than one attempt."
FILE_ANEW = "Meta does not take its file by the id it had: it is uploaded anew."
FILE_REFUSED = (
    "Meta does not take its file, though it was uploaded anew. Check its type, size and codecs against docs/media.md, "
    "give the corrected file to POST /api/v1/whatsapp/media and send that one."
)
_GOOD = frozenset(delivery.value for delivery in Delivery if delivery is not Delivery.NONE)
_WEIGHT = {"retry": 1, "hold": 2, "permanent": 3}


@dataclass(frozen=True, slots=True)
class Told:
    """One status of an attempt, as it is judged."""

    attempt: int
    wamid: str
    status: str
    at: datetime
    code: int | None = None
    detail: str = ""
    subcode: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at sending, as `message_attempts` has it."""

    number: int
    state: str
    wamid: str | None
    error_code: int | None = None
    error_class: str | None = None
    error_detail: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """An outbound message, as far as statuses change it."""

    state: State
    attempt: int
    delivery: Delivery
    wamid: str | None = None
    error_code: int | None = None
    error_detail: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Why a row that goes back to the queue waits there."""

    hold: str
    lasts: timedelta | None
    """From now; None until somebody releases it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The `failed` status that has just decided about a row: what follows beyond it, `store.consequences` does."""

    verdict: Verdict
    told: Told
    refusals: int
    """How often the message was refused with this code."""
    of_file: bool = False
    """It was refused for the file of ours that it carries: Meta is not to be shown that upload again."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What follows from the statuses: the row and its attempts as they are to be."""

    row: Row
    attempts: tuple[Attempt, ...]
    held: Held | None = None
    """Set where the row is held anew; None leaves a hold that it has while it stays queued."""
    refusal: Refusal | None = None
    """Set where a failure is news to the row."""


@dataclass(frozen=True, slots=True)
class _Failure:
    told: Told
    verdict: Verdict
    of_file: bool


def is_good(status: str) -> bool:
    """Whether Meta says by this status that it took the message."""
    return status in _GOOD


def judge(row: Row, attempts: Sequence[Attempt], told: Sequence[Told], *, own_file: bool = False) -> Judgement:
    """Bring a row and its attempts in line with everything that was said of them.

    `own_file`: it carries a file of ours, which Meta may want once more before the message fails for it.
    """
    own_wamids = {attempt.number: attempt.wamid for attempt in attempts}
    relevant = [one for one in told if own_wamids.get(one.attempt) in (None, one.wamid)]
    numbers = {one.attempt for one in relevant}
    failures = {number: failure for number in numbers if (failure := _failure(number, relevant, own_file=own_file))}
    heard = {one.attempt: one.wamid for one in sorted(relevant, key=lambda one: one.wamid) if is_good(one.status)}
    judged = tuple(_attempt(attempt, heard.get(attempt.number), failures.get(attempt.number)) for attempt in attempts)
    risen = replace(
        row,
        delivery=max([row.delivery, *map(_reached, relevant)], key=lambda reached: reached.rank),
        wamid=_wamid(row.wamid, heard, refused={own_wamids.get(number) for number in failures}),
    )
    if heard.keys() - failures.keys():
        return Judgement(_accepted(risen, judged), judged)
    failure = failures.get(row.attempt)
    return Judgement(risen, judged) if failure is None else _failed(risen, judged, failure)


def _wamid(known: str | None, heard: Mapping[int, str], *, refused: Collection[str | None]) -> str | None:
    """What the message is called: by the attempt that the customer has, not by one that was refused."""
    standing = {number: wamid for number, wamid in heard.items() if wamid not in refused} or heard
    latest = standing[max(standing)] if standing else None
    return latest if known is None or (known in refused and latest is not None) else known


def _reached(one: Told) -> Delivery:
    return Delivery(one.status) if is_good(one.status) else Delivery.NONE


def _failure(number: int, told: Sequence[Told], *, own_file: bool) -> _Failure | None:
    """The `failed` status that decides about an attempt; none when it was delivered."""
    of_it = [one for one in told if one.attempt == number]
    if any(_reached(one).rank >= Delivery.DELIVERED.rank for one in of_it):
        return None
    failures = [_judged(one, own_file=own_file) for one in of_it if one.status == "failed"]
    return max(failures, key=_weight, default=None)


def _judged(one: Told, *, own_file: bool) -> _Failure:
    verdict = classify(one.code, subcode=one.subcode, detail=one.detail, certain=True)
    return _Failure(one, verdict, own_file and verdict.kind == "permanent" and is_of_a_file(one.code, one.detail))


def _weight(failure: _Failure) -> tuple[int, datetime, int, str]:
    told = failure.told
    kind = "retry" if failure.of_file else failure.verdict.kind
    return (_WEIGHT.get(kind, 0), told.at, told.code or 0, told.detail)


def _attempt(attempt: Attempt, heard: str | None, failure: _Failure | None) -> Attempt:
    wamid = attempt.wamid or heard
    if failure is not None:
        told = failure.told
        return Attempt(attempt.number, "rejected", wamid, told.code, failure.verdict.error_class, told.detail or None)
    return attempt if heard is None else Attempt(attempt.number, "accepted", wamid)


def _accepted(row: Row, attempts: Sequence[Attempt]) -> Row:
    state = after(row.state, Event.STATUS_GOOD) or row.state
    doubled = sum(attempt.state == "accepted" for attempt in attempts) > 1
    return Row(state, row.attempt, row.delivery, row.wamid, reason=DOUBLED if doubled else None)


def _failed(row: Row, attempts: tuple[Attempt, ...], failure: _Failure) -> Judgement:
    verdict, told = failure.verdict, failure.told
    refusals = max(1, sum(one.state == "rejected" and one.error_code == told.code for one in attempts))
    given_up = verdict.most_attempts is not None and refusals >= verdict.most_attempts
    # Nothing of ours can be repeated where nothing of ours was sent.
    anew = failure.of_file and refusals == 1 and row.attempt > 0
    permanent = not anew and (verdict.kind == "permanent" or given_up or row.attempt == 0)
    state = after(row.state, _event(row.state, permanent=permanent), delivery=row.delivery)
    if state is None and (permanent or row.state is not State.QUEUED or row.error_code == told.code):
        return Judgement(row, attempts)
    decided = replace(
        row,
        state=state or row.state,
        error_code=told.code,
        error_detail=told.detail or None,
        reason=_reason(failure, refusals, anew=anew, given_up=given_up),
    )
    held = None if permanent else Held("media", None) if anew else held_by(verdict, refusals=refusals)
    refusal = Refusal(verdict, told, refusals, failure.of_file) if row.attempt else None
    return Judgement(decided, attempts, held, refusal)


def _reason(failure: _Failure, refusals: int, *, anew: bool, given_up: bool) -> str:
    if failure.of_file:
        return FILE_ANEW if anew else FILE_REFUSED
    verdict = failure.verdict
    return f"Given up after {refusals} attempts: {verdict.meaning}" if given_up else verdict.in_words


def _event(state: State, *, permanent: bool) -> Event:
    if not permanent:
        return Event.STATUS_FAILED_RETRYABLE
    # What waits to be repeated is not, once it is known that it cannot succeed.
    return Event.REJECT if state is State.QUEUED else Event.STATUS_FAILED


def held_by(verdict: Verdict, *, refusals: int) -> Held:
    """Why, and how long, a row waits that Meta refused but that is not lost: `verdict` is of kind retry or hold.

    `refusals`: how often this message was refused for this.
    """
    if verdict.kind == "hold":
        return Held(verdict.hold or "stopped", None)
    hold = "pair" if verdict.effect == "slow_pair" else "back_off" if verdict.not_before is None else "not_before"
    return Held(hold, verdict.delay(refusals))
