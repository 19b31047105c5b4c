"""Slows management calls down before Meta refuses them, by what its answers tell of its limits (section 8.1).

In this process's memory: each answer tells anew how much is used, whoever used it. What a person waits for goes before
what nobody waits for. Sends have limits of their own and are not slowed here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

from whatsapp.usage import APP, Share, Usage

SLOW_FROM = 75
"""Percent of a limit from which calls that nobody waits for are spread."""
LAST_FOR_PERSONS = 90
"""From here on those are put off, and the calls that a person waits for are spread."""
COUNTED_WITHIN = timedelta(hours=1)
"""Meta counts calls by the hour: what was used is free again an hour later, and evenly so as far as we know."""
SPREAD = (timedelta(seconds=1), timedelta(seconds=5))
"""Between two calls on one limit, where spreading begins and where it ends."""
LONGEST_WAIT = timedelta(seconds=10)
"""A call that would wait longer is not made: whoever asks has something else to do meanwhile."""
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class PutOff:
    """A call that is not made now."""

    percent: int
    until: timedelta
    """From now."""


@dataclass(slots=True)
class _Limit:
    """What was last told of one limit, and when its next calls may be made."""

    percent: int = 0
    told_at: float = 0.0
    regained_at: float = 0.0
    person_at: float = 0.0
    nobody_at: float = 0.0

    def used(self, now: float) -> float:
        return self.percent * max(0.0, 1 - (now - self.told_at) / COUNTED_WITHIN.total_seconds())

    def falls_to(self, percent: int, now: float) -> float:
        """The seconds until no more than this is used."""
        return (1 - percent / self.percent) * COUNTED_WITHIN.total_seconds() - (now - self.told_at)


@dataclass(slots=True)
class Pacing:
    """The limits of one app and of the accounts it manages, as this process knows them."""

    on_put_off: Callable[[], None] = lambda: None
    clock: Callable[[], float] = monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _limits: dict[str, _Limit] = field(default_factory=dict)
    _owners: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Of each object, whose limits its calls count against: Meta's answers tell."""

    def note(self, object_id: str, usage: Usage) -> None:
        """Keep what an answer of a call on this object told."""
        now = self.clock()
        told: dict[str, Share] = {}
        for share in usage.shares:
            told[share.owner] = max(share, told.get(share.owner, share), key=_weight)
        for owner, share in told.items():
            limit = self._limits.setdefault(owner, _Limit())
            limit.percent, limit.told_at = share.highest, now
            limit.regained_at = now + share.regain_access.total_seconds() if share.regain_access else 0.0
        owners = tuple(owner for owner in told if owner != APP)
        if owners:
            self._owners[object_id] = owners
        for kept in (self._limits, self._owners):
            while len(kept) > _REMEMBERED:
                del kept[next(iter(kept))]

    async def wait(self, object_id: str, *, person: bool) -> PutOff | None:
        """Wait until a call on this object may be made; or do not make it.

        `person`: somebody waits for its answer.
        """
        now = self.clock()
        limits = [limit for owner in self._owners_of(object_id) if (limit := self._limits.get(owner))]
        put_off = [one for limit in limits if (one := _put_off(limit, now, person=person))]
        if put_off:
            self.on_put_off()
            return max(put_off, key=_until)
        wait = max((_take_turn(limit, now, person=person) for limit in limits), default=0.0)
        if wait:
            await self.sleep(wait)
        return None

    def used(self, *, app: bool) -> float:
        """Percent used of the app's own limit, or of the account's that is used most."""
        now = self.clock()
        return max((limit.used(now) for owner, limit in self._limits.items() if (owner == APP) is app), default=0.0)

    def _owners_of(self, object_id: str) -> tuple[str, ...]:
        return (APP, *self._owners.get(object_id, (object_id,)))


def _weight(share: Share) -> tuple[timedelta, int]:
    return (share.regain_access or timedelta(0), share.highest)


def _until(put_off: PutOff) -> timedelta:
    return put_off.until


def _put_off(limit: _Limit, now: float, *, person: bool) -> PutOff | None:
    """Whether a call on this limit is not made now: Meta refuses, or it would take a person's place, or wait long."""
    used = limit.used(now)
    if limit.regained_at > now:
        seconds = limit.regained_at - now
    elif not person and used >= LAST_FOR_PERSONS:
        seconds = limit.falls_to(LAST_FOR_PERSONS, now)
    else:
        seconds = (limit.person_at if person else limit.nobody_at) - now
        if seconds <= LONGEST_WAIT.total_seconds():
            return None
    return PutOff(round(used), timedelta(seconds=seconds))


def _take_turn(limit: _Limit, now: float, *, person: bool) -> float:
    """The seconds to wait for this call's turn; the next one's is after it. A person's goes before all others."""
    gap = _gap(limit.used(now), LAST_FOR_PERSONS if person else SLOW_FROM)
    if not gap:
        return 0.0
    turn = max(now, limit.person_at if person else limit.nobody_at)
    if person:
        limit.person_at = turn + gap
    limit.nobody_at = max(limit.nobody_at, turn + gap)
    return turn - now


def _gap(used: float, begins: int) -> float:
    """The seconds between two calls, the more the nearer the limit's end is."""
    if used < begins:
        return 0.0
    ends = 100 if begins == LAST_FOR_PERSONS else LAST_FOR_PERSONS
    first, last = (one.total_seconds() for one in SPREAD)
    return first + (last - first) * min(1.0, (used - begins) / (ends - begins))
