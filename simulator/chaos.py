"""Chaos: random faults from a seed. The same seed and options give the same steps, however long they are played.

It stays within what Meta guarantees, so that the account can still tell lost and doubled: no webhook gets lost, an
accepted message reaches its customer unless a `failed` status says otherwise, and messages whose statuses are withheld
are counted apart.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from simulator.faults import Fault, FaultKind
from simulator.script import Script, Step

LONGEST = 9.0
_PASSING_CODES = (130429, 131056)
"""Refusals that say how soon they pass: seconds."""
_SERVER_ERRORS = (None, 1, 2, 131000, 131016)
_FAILURES = (131026, 131053)


@dataclass(frozen=True, slots=True)
class Draw:
    """What a fault is drawn from."""

    chance: random.Random
    longest: float

    def wait(self, share: float = 1.0) -> float:
        """Seconds up to a share of the longest wait."""
        return round(self.chance.uniform(0.02, 1.0) * self.longest * share, 3)

    def probability(self, most: float) -> float:
        """At least one call in twenty."""
        return round(self.chance.uniform(0.05, most), 2)

    def lost(self, kind: FaultKind) -> Fault:
        """An answer that gets lost; one time in five before the message was taken."""
        return Fault(kind, probability=self.probability(0.5), accepted=self.chance.random() < 0.8)  # noqa: PLR2004


def _server_error(draw: Draw) -> Fault:
    return replace(draw.lost("server_error"), code=draw.chance.choice(_SERVER_ERRORS))


def _close_idle(draw: Draw) -> Fault:
    return Fault("close_idle", probability=draw.probability(0.3), seconds=round(draw.chance.uniform(0.0, 0.3), 3))


def _slow(draw: Draw) -> Fault:
    return Fault("slow", probability=draw.probability(0.6), seconds=draw.wait())


def _refuse(draw: Draw) -> Fault:
    return Fault("refuse", probability=draw.probability(0.5), code=draw.chance.choice(_PASSING_CODES))


def _fail(draw: Draw) -> Fault:
    return Fault("fail", probability=0.05, count=2, code=draw.chance.choice(_FAILURES))


def _withhold(draw: Draw) -> Fault:
    return Fault("withhold", probability=draw.probability(0.2))


def _late(draw: Draw) -> Fault:
    return Fault("late", probability=draw.probability(1.0), seconds=draw.wait(1 / 3))


def _copies(draw: Draw, kind: FaultKind) -> Fault:
    return Fault(kind, call="webhook", probability=draw.probability(0.6), copies=draw.chance.randint(2, 4))


def _webhooks_late(draw: Draw) -> Fault:
    return Fault("late", call="webhook", probability=draw.probability(0.8), seconds=draw.wait(1 / 3))


def _batch(draw: Draw) -> Fault:
    return Fault("batch", call="webhook", probability=draw.probability(1.0), seconds=draw.wait(1 / 3))


def _access(draw: Draw) -> Fault:
    kind: FaultKind = draw.chance.choice(("revoke", "remove"))
    return Fault(kind, after=draw.chance.randint(0, 20), count=1, seconds=draw.wait())


_MAKERS: dict[str, Callable[[Draw], Fault]] = {
    "drop": lambda draw: draw.lost("drop"),
    "cut": lambda draw: draw.lost("cut"),
    "half_close": lambda draw: draw.lost("half_close"),
    "server_error": _server_error,
    "close_idle": _close_idle,
    "slow": _slow,
    "refuse": _refuse,
    "fail": _fail,
    "withhold": _withhold,
    "late": _late,
    "shuffle": lambda draw: Fault("shuffle", probability=draw.probability(1.0)),
    "duplicate": lambda draw: Fault("duplicate", probability=draw.probability(0.6), copies=draw.chance.randint(2, 4)),
    "webhook_late": _webhooks_late,
    "webhook_duplicate": lambda draw: _copies(draw, "duplicate"),
    "webhook_repeat": lambda draw: _copies(draw, "repeat"),
    "webhook_batch": _batch,
    "access": _access,
    "file_cut": lambda draw: Fault("cut", call="download", probability=draw.probability(0.5)),
    "file_mangle": lambda draw: Fault("mangle", call="download", probability=draw.probability(0.5)),
    "file_slow": lambda draw: Fault("slow", call="download", probability=draw.probability(0.6), seconds=draw.wait()),
    "file_missing": lambda draw: Fault("refuse", call="download", probability=draw.probability(0.5)),
    "file_expire": lambda draw: Fault("expire", call="media", probability=draw.probability(0.5)),
    "file_upload": lambda draw: replace(draw.lost("drop"), call="upload_media"),
}
NEEDS_A_PERSON = frozenset({"access"})
"""What does not pass by itself: a dead token holds its number until somebody brings a new one."""
OF_FILES = tuple(kind for kind in _MAKERS if kind.startswith("file_"))
"""What meets nothing but files."""
KINDS = tuple(kind for kind in _MAKERS if kind not in NEEDS_A_PERSON.union(OF_FILES))
"""What is drawn from unless something else is named."""


@dataclass(frozen=True, slots=True)
class Chaos:
    """Random faults, without end. Durations are seconds."""

    seed: int
    kinds: Sequence[str] = KINDS
    """Names of `_MAKERS`: the kinds of faults, `webhook_` before those of webhooks, `file_` before those of files, and
    `access`."""
    phone_number_id: str | None = None
    """Whose; None: every number's."""
    longest: float = LONGEST
    """No answer is later than this, and no status: its own delay, that of its webhook and that of a batch together."""
    pace: float = 1.0
    """A fault begins every so many seconds on average."""
    lasts: float = 3.0
    """No fault lasts longer."""

    def __post_init__(self) -> None:
        if unknown := set(self.kinds) - _MAKERS.keys():
            raise ValueError(f"no such kinds: {', '.join(sorted(unknown))}; there are {', '.join(_MAKERS)}")

    def steps(self) -> Iterator[Step]:
        """The steps, one after the other, for ever."""
        chance = random.Random(self.seed)  # noqa: S311 - repeatable, not secret
        draw, at = Draw(chance, self.longest), 0.0
        while True:
            fault = _MAKERS[chance.choice(self.kinds)](draw)
            lasts = round(chance.uniform(0.2, 1.0) * self.lasts, 3)
            yield Step(at, lasts, replace(fault, phone_number_id=self.phone_number_id))
            at = round(at + chance.uniform(0.2, 1.8) * self.pace, 3)

    def until(self, seconds: float) -> list[Step]:
        """The steps that begin within so many seconds; none lasts longer."""
        begun = takewhile(lambda step: step.at < seconds, self.steps())
        return [replace(step, lasts=min(step.lasts or 0.0, round(seconds - step.at, 3))) for step in begun]

    def script(self, seconds: float | None = None) -> Script:
        """The steps as a script: those of so many seconds, or without end."""
        return Script("chaos", self.seed, self.steps() if seconds is None else self.until(seconds))
