"""The account of everything that happened, from which lost and doubled are counted. It lives in memory only."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from simulator.calls import CallLog
from simulator.customers import Conversation

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
    outcome: str = "pending"
    """`delivered` once the customer has it, `failed` if it ends with a late failed status."""
    code: int | None = None
    statuses_withheld: bool = False
    answer: str = "pending"
    """What the caller got: answer, drop, cut or server_error."""

    @property
    def message_id(self) -> str | None:
        """The sender's own message id: what stands before the dot in `biz_opaque_callback_data`."""
        return self.callback_data.split(".", 1)[0] if self.callback_data else None


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
    lost_unaccepted: Counter[str] = field(default_factory=Counter)
    """Calls that a fault ended before they were accepted, by number."""
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

    def view(self, conversations: list[Conversation], *, phone_number_id: str | None, lists: bool) -> dict[str, Any]:
        """Totals, for one number or all, and the lists behind them on request. Webhook figures are always of all."""
        accepted = [m for m in self.accepted if phone_number_id in {None, m.phone_number_id}]
        conversations = [c for c in conversations if phone_number_id in {None, c.phone_number_id}]
        times_delivered = _by_message_id(accepted, outcome="delivered")
        times_accepted = _by_message_id(accepted)
        unanswered = [(c, said) for c in conversations for said in c.unanswered]
        view: dict[str, Any] = {
            "accepted": len(accepted),
            "delivered": sum(m.outcome == "delivered" for m in accepted),
            "failed": sum(m.outcome == "failed" for m in accepted),
            "doubled": sum(count > 1 for count in times_delivered.values()),
            "repeated": sum(count > 1 for count in times_accepted.values()),
            "without_callback_data": sum(m.callback_data is None for m in accepted),
            "withheld": sum(m.statuses_withheld for m in accepted),
            "without_plus": self.without_plus,
            "refused": self._refusals(phone_number_id),
            "lost_unaccepted": _of(self.lost_unaccepted, phone_number_id),
            "reads": _of(self.reads, phone_number_id),
            "typing": _of(self.typing, phone_number_id),
            "inbound": sum(len(c.said) for c in conversations),
            "unanswered": len(unanswered),
            "webhooks": self.webhooks.totals(),
        }
        if lists:
            view["accepted_messages"] = [_row(m) for m in accepted]
            view["doubled_ids"] = [message for message, count in times_delivered.items() if count > 1]
            view["repeated_ids"] = [message for message, count in times_accepted.items() if count > 1]
            view["unanswered_messages"] = [
                {"phone_number_id": c.phone_number_id, "customer": c.customer, "wamid": said.wamid}
                for c, said in unanswered
            ]
        return view

    def _refusals(self, phone_number_id: str | None) -> dict[str, int]:
        by_code: Counter[int] = Counter()
        for (number, code), count in self.refused.items():
            if phone_number_id in {None, number}:
                by_code[code] += count
        return {str(code): count for code, count in sorted(by_code.items())}


def percentile_ms(ordered: list[float], share: float) -> float | None:
    """A percentile of sorted seconds, in milliseconds; None of nothing."""
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 2) if ordered else None


def _of(counts: Counter[str], phone_number_id: str | None) -> int:
    return counts.total() if phone_number_id is None else counts[phone_number_id]


def _by_message_id(accepted: list[Accepted], outcome: str | None = None) -> Counter[str]:
    return Counter(m.message_id for m in accepted if m.message_id and outcome in {None, m.outcome})


def _row(message: Accepted) -> dict[str, Any]:
    return {
        "order": message.order,
        "wamid": message.wamid,
        "phone_number_id": message.phone_number_id,
        "customer": message.customer,
        "type": message.type,
        "callback_data": message.callback_data,
        "message_id": message.message_id,
        "arrived_at": message.arrived_at,
        "outcome": message.outcome,
        "code": message.code,
        "statuses_withheld": message.statuses_withheld,
        "answer": message.answer,
    }
