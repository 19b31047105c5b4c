"""What each customer wrote and heard, beside what Postgres says of the same messages: what is lost, doubled, late.

The customers' side is the simulator's, in its own clock. Every message is a line of its own, which an echo repeats.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from tests.faults.house import House

_READERS = 16

_ROWS = """
    SELECT CAST(m.id AS text) AS id, i.value AS customer, m.queue_no, m.content -> 'text' ->> 'body' AS body, m.state,
           m.resends, extract(epoch FROM m.accepted_at) AS accepted_at
    FROM messages m
    JOIN conversations c ON c.id = m.conversation_id
    JOIN contact_identities i ON i.contact_id = c.contact_id AND i.kind = 'wa_id'
    WHERE m.integration_id = :line AND m.direction = 'out'
"""
_ATTEMPTS = """
    SELECT CAST(a.message_id AS text) AS id, a.state, extract(epoch FROM a.claimed_at) AS claimed_at,
           extract(epoch FROM a.ended_at) AS ended_at
    FROM message_attempts a JOIN messages m ON m.id = a.message_id
    WHERE m.integration_id = :line
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """An outbound row and, in unix seconds, when it was `sending`."""

    message_id: str
    customer: str
    queue_no: int
    lines: tuple[str, ...]
    state: str
    resends: int
    under_way: tuple[tuple[float, float], ...]
    """From each claim to the moment its outcome was known; without end if it never was."""
    given_up_after: float | None
    """Seconds from the claim to the moment it became `unknown`, if it is."""

    def was_under_way(self, begin: float, end: float, *, claimed_within: float = inf) -> bool:
        """Whether it was `sending` at some instant between, or nobody knew yet what had become of it."""
        return any(c <= end and begin < min(known, c + claimed_within) for c, known in self.under_way)


@dataclass(slots=True)
class Side:
    """A customer's side: each line with the moment it was said, or heard, and whose reply it came in."""

    said: dict[str, float] = field(default_factory=dict)
    heard: list[tuple[float, str, str]] = field(default_factory=list)
    """When, the line, and the id of the row."""

    def heard_at(self, line: str) -> float:
        """When it was repeated for the first time; never is infinite."""
        return min((at for at, heard, _ in self.heard if heard == line), default=inf)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Both sides of a line's messages."""

    sides: dict[str, Side]
    rows: dict[str, Sent]

    def unknown(self) -> list[Sent]:
        """The rows of which nobody knows whether they arrived."""
        return [row for row in self.rows.values() if row.state == "unknown"]

    def lost(self) -> list[str]:
        """Lines that were neither heard nor belong to a row that is shown as `unknown`."""
        apart = {line for row in self.unknown() for line in row.lines}
        return [line for side in self.sides.values() for line in side.said if line not in apart | _lines(side)]

    def doubled(self) -> list[str]:
        """Lines that were heard more often than said."""
        counted = Counter(line for side in self.sides.values() for _, line, _ in side.heard)
        return [line for line, times in counted.items() if times > 1]

    def out_of_order(self) -> list[str]:
        """Customers who heard replies in another order than they were queued in; a resend may come late."""
        return [customer for customer, side in self.sides.items() if not _rises(self._queue_numbers(side))]

    def not_as_said(self) -> list[str]:
        """Customers who heard their lines in another order than they had said them in."""
        return [c for c, side in self.sides.items() if [line for _, line, _ in side.heard] != list(side.said)]

    def waits(self, begin: float, end: float = inf) -> Iterator[tuple[str, float]]:
        """Customers who waited for a reply at `begin` or came to wait until `end`, and the seconds to their next one.

        Counted from `begin`, or from what they said later; no longer than until `end`.
        """
        for customer, side in self.sides.items():
            waiting = [(said, heard) for said, heard in self._spans(side) if said < end and heard > begin]
            if waiting:
                since = max(begin, min(said for said, _ in waiting))
                yield customer, min(end, *(heard for _, heard in waiting)) - since

    def under_way(self, begin: float, end: float, *, claimed_within: float = inf) -> list[Sent]:
        """The rows that were `sending` at some instant between, or whose outcome was unknown then."""
        return [row for row in self.rows.values() if row.was_under_way(begin, end, claimed_within=claimed_within)]

    def _spans(self, side: Side) -> Iterator[tuple[float, float]]:
        for line, said in side.said.items():
            yield said, side.heard_at(line)

    def _queue_numbers(self, side: Side) -> list[int]:
        rows = (self.rows[row] for _, _, row in side.heard)
        return [row.queue_no for row in rows if row.resends == 0]


async def read(house: House, customers: Sequence[str]) -> Ledger:
    """Both sides of what these customers and the house's line said to each other."""
    gate = asyncio.Semaphore(_READERS)

    async def side(customer: str) -> Side:
        async with gate:
            log = await house.simulator.conversation(house.line.phone_number_id, customer)
        return Side({said["content"]["body"]: said["said_at"] for said in log["said"]}, list(_heard(log["replies"])))

    sides = await asyncio.gather(*(side(customer) for customer in customers))
    return Ledger(dict(zip(customers, sides, strict=True)), await _rows(house))


async def _rows(house: House) -> dict[str, Sent]:
    attempts: dict[str, list[Any]] = {}
    for attempt in await house.rows(_ATTEMPTS):
        attempts.setdefault(attempt.id, []).append(attempt)
    return {row.id: _sent(row, attempts.get(row.id, [])) for row in await house.rows(_ROWS)}


def _sent(row: Any, attempts: list[Any]) -> Sent:
    given_up = [float(a.ended_at - a.claimed_at) for a in attempts if a.state == "unknown" and a.ended_at]
    return Sent(
        message_id=row.id,
        customer=row.customer,
        queue_no=row.queue_no,
        lines=tuple(row.body.split("\n")),
        state=row.state,
        resends=row.resends,
        under_way=tuple(_under_way(attempts, row.accepted_at)),
        given_up_after=min(given_up, default=None),
    )


def _under_way(attempts: Iterable[Any], accepted_at: Any) -> Iterator[tuple[float, float]]:
    for attempt in attempts:
        known_at = attempt.ended_at if attempt.state in {"rejected", "given_back"} else accepted_at
        yield float(attempt.claimed_at), inf if known_at is None else float(known_at)


def _heard(replies: list[dict[str, Any]]) -> Iterator[tuple[float, str, str]]:
    for reply in replies:
        for line in reply["content"]["body"].split("\n"):
            yield reply["received_at"], line, str(reply["callback_data"]).partition(".")[0]


def _lines(side: Side) -> set[str]:
    return {line for _, line, _ in side.heard}


def _rises(numbers: list[int]) -> bool:
    return numbers == sorted(numbers)


def percentile(values: Iterable[float], share: float) -> float:
    """A percentile; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
