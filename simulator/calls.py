"""The log of management calls, so that a test can say "once"."""

from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Outcome = Literal["ok", "refused", "lost", "pending"]
_KEPT = 20_000


@dataclass(slots=True)
class CallRecord:
    """One management call as it arrived. It holds no parameter: they may be secrets."""

    order: int
    call: str
    object_id: str
    at: float
    outcome: Outcome = "pending"
    """`ok` took effect, whatever the caller got to hear; `lost` was ended by a fault before that."""
    code: int | None = None
    answer: str = "pending"
    """What the caller got: an answer, or what a fault left of it; `unheard`: it had gone before."""
    token_in_query: bool = False

    def refuse(self, code: int) -> None:
        """Note that it was refused, and answered so."""
        self.outcome, self.code, self.answer = "refused", code, "answer"


@dataclass(slots=True)
class CallLog:
    """The latest calls, and the count of all."""

    records: deque[CallRecord] = field(default_factory=lambda: deque(maxlen=_KEPT))
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    _last: int = 0

    def begin(self, call: str, object_id: str, *, at: float, token_in_query: bool) -> CallRecord:
        """Note that a call arrived."""
        self._last += 1
        record = CallRecord(self._last, call, object_id, at, token_in_query=token_in_query)
        self.records.append(record)
        self.counts[call, object_id] += 1
        return record

    def view(self, *, call: str | None, object_id: str | None) -> list[dict[str, Any]]:
        """The calls of this name and object, of all if None, in their order."""
        return [asdict(r) for r in self.records if call in {None, r.call} and object_id in {None, r.object_id}]
