"""The account of everything that happened, from which lost and doubled are counted. It lives in memory only."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from simulator.calls import CallLog

_LATENCIES_KEPT = 50_000


@dataclass(slots=True)
class Accepted:
    """A message that Graph accepted."""

    order: int
    """Place among all accepted messages, from 1."""
    wamid: str
    phone_number_id: str
    customer: str
    type: str
    callback_data: str | None
    arrived_at: float
    payload: dict[str, Any] = field(default_factory=dict)
    """All of it, as it was posted."""
    outcome: str = "pending"
    """`delivered` once the customer has it, `failed` if it ends with a late failed status, `held` while the messaging
    limit of its portfolio keeps it back."""
    code: int | None = None
    details: str = ""
    """Why it failed, if there is more to say than the code does."""
    statuses_withheld: bool = False
    answer: str = "pending"
    """What the caller got: answer, close_idle (an answer, the connection's last), drop, cut, half_close, server_error;
    `unheard`: it had gone before the answer."""

    def fail(self, code: int, details: str = "") -> None:
        """End with a late `failed`."""
        self.outcome, self.code, self.details = "failed", code, details

    @property
    def is_untold(self) -> bool:
        """Whether its sender can know of it neither by the answer nor by a status."""
        return self.statuses_withheld and self.answer not in {"answer", "close_idle"}

    @property
    def message_id(self) -> str | None:
        """The sender's own id of it; None if it gave none."""
        return _before_the_dot(self.callback_data)


@dataclass(frozen=True, slots=True)
class Lost:
    """A send that a fault ended before it was accepted."""

    phone_number_id: str
    customer: str
    callback_data: str | None

    @property
    def message_id(self) -> str | None:
        """The sender's own id of it; None if it gave none."""
        return _before_the_dot(self.callback_data)


@dataclass(slots=True)
class WebhookTally:
    """What became of webhook deliveries."""

    bodies: int = 0
    """Bodies to be delivered, copies counted."""
    attempts: int = 0
    answered: Counter[int] = field(default_factory=Counter)
    """Answers by HTTP status."""
    unreachable: int = 0
    """Attempts without an answer."""
    delivered: int = 0
    """Bodies answered 200."""
    unheard: int = 0
    """Answers 200 that got lost on their way, so that the body was repeated."""
    given_up: int = 0
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=_LATENCIES_KEPT))
    """Seconds to each answer, the latest of them."""

    def totals(self) -> dict[str, Any]:
        """The tally as JSON, latencies in milliseconds."""
        ordered = sorted(self.latencies)
        return {
            "bodies": self.bodies,
            "attempts": self.attempts,
            "answered": {str(status): count for status, count in sorted(self.answered.items())},
            "unreachable": self.unreachable,
            "delivered": self.delivered,
            "unheard": self.unheard,
            "given_up": self.given_up,
            "pending": self.bodies - self.delivered - self.given_up,
            "p50_ms": percentile_ms(ordered, 0.5),
            "p99_ms": percentile_ms(ordered, 0.99),
        }


@dataclass(slots=True)
class Account:
    """Totals and lists."""

    accepted: list[Accepted] = field(default_factory=list)
    by_wamid: dict[str, Accepted] = field(default_factory=dict)
    refused: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Refusals by number and code."""
    lost: list[Lost] = field(default_factory=list)
    reads: Counter[str] = field(default_factory=Counter)
    """Read receipts by number."""
    typing: Counter[str] = field(default_factory=Counter)
    without_plus: int = 0
    """Sends whose `to` had no `+`: Meta prepends the business's own country code."""
    webhooks: WebhookTally = field(default_factory=WebhookTally)
    calls: CallLog = field(default_factory=CallLog)

    def accept(self, message: Accepted) -> None:
        """Note an accepted message."""
        self.accepted.append(message)
        self.by_wamid[message.wamid] = message

    def lose(self, phone_number_id: str, customer: str, callback_data: str | None) -> None:
        """Note a send that was not accepted and whose caller was not told so."""
        self.lost.append(Lost(phone_number_id, customer, callback_data))


def _before_the_dot(callback_data: str | None) -> str | None:
    """The sender's own message id in `biz_opaque_callback_data`: `<message id>.<attempt>`."""
    return callback_data.split(".", 1)[0] if callback_data else None


def percentile_ms(ordered: list[float], share: float) -> float | None:
    """A percentile of sorted seconds, in milliseconds; None of nothing."""
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 2) if ordered else None
