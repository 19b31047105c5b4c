"""Whole exchanges: a customer writes, the house answers, the customer has the reply and writes again."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bench import counts, processor
from bench.figures import Figure
from bench.house import House
from cli import tenant
from cli.errors import CommandError
from simulator.client import LoadReport

EACH = 40
"""Exchanges of a customer before the next one takes the place: below Meta's 45 messages to one customer in a burst."""
FAST = timedelta(milliseconds=20)
SLOW = timedelta(milliseconds=300)
"""How long Graph takes."""


_ALONE = "1 customer, Graph 20 ms"


class UnansweredError(CommandError):
    """Customers waited in vain: the figures would be of a house that does not work."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A load's report and the processor time of each part per exchange, in milliseconds."""

    report: LoadReport
    processor_ms: dict[str, float]


async def measure(house: House, duration: timedelta, *, crowd: int = 50) -> list[Figure]:
    """At 1, 5 and 50 customers with a fast Graph, then at 50 with a slow one (`crowd` makes 50 less, for the tests)."""
    await warm(house, duration)
    before = await counts.read(house)
    one = await drive(house, 1, duration, graph=FAST)
    after = await counts.read(house)
    five = await drive(house, 5, duration, graph=FAST)
    fifty = await drive(house, crowd, duration, graph=FAST)
    slow = await drive(house, crowd, duration, graph=SLOW)
    return [
        *many("exchange", fifty, f"{crowd} customers, Graph 20 ms"),
        Figure("exchange.p50_ms", five.report.p50_ms or 0, "ms", "5 customers, Graph 20 ms"),
        Figure("exchange.p99_ms", five.report.p99_ms or 0, "ms", "5 customers, Graph 20 ms"),
        Figure("exchange.per_s_at_5", five.report.exchanges_per_s, "1/s", "5 customers, Graph 20 ms"),
        Figure("exchange.p50_ms_at_1", one.report.p50_ms or 0, "ms", _ALONE),
        Figure("exchange.commits", (after.commits - before.commits) / one.report.exchanges, "commits", _ALONE),
        Figure("exchange.events", (after.events - before.events) / one.report.exchanges, "events", _ALONE),
        *many("exchange_slow_graph", slow, f"{crowd} customers, Graph 300 ms"),
    ]


async def warm(house: House, duration: timedelta) -> None:
    """Let five customers have their replies, however long the first ones take: connections, plans and caches."""
    await house.simulator.run_load(tenant.PHONE_NUMBER_ID, customers=5, duration=min(duration, timedelta(seconds=5)))


async def drive(house: House, customers: int, duration: timedelta, *, graph: timedelta, **load: Any) -> Measured:
    """Run the simulator's closed loop and see what it cost.

    Raises:
        UnansweredError: a customer got no reply, or the loop came to nothing.
    """
    await house.simulator.change_number(tenant.PHONE_NUMBER_ID, answer_delay=graph.total_seconds())
    await house.simulator.settle()
    before = processor.seconds(house.pids())
    order = {"exchanges_each": EACH} | load
    report = await house.simulator.run_load(tenant.PHONE_NUMBER_ID, customers=customers, duration=duration, **order)
    after = processor.seconds(house.pids())
    if report.unanswered or not report.exchanges:
        raise UnansweredError(f"{report.unanswered} customers waited in vain, {report.exchanges} exchanges were had")
    used: dict[str, float] = {}
    for name, now in after.items():
        part = name.partition("-")[0]  # the second worker is a worker
        used[part] = used.get(part, 0.0) + (now - before[name]) / report.exchanges * 1000
    return Measured(report, used)


def many(room: str, found: Measured, note: str) -> list[Figure]:
    """The figures of a load that is there for its throughput; `…_cpu_ms` is processor time per exchange."""
    report = found.report
    parts = [Figure(f"{room}.{name}_cpu_ms", used, "ms", note) for name, used in found.processor_ms.items()]
    return [
        Figure(f"{room}.per_s", report.exchanges_per_s, "1/s", note),
        Figure(f"{room}.p50_ms_at_50", report.p50_ms or 0, "ms", note),
        Figure(f"{room}.p99_ms_at_50", report.p99_ms or 0, "ms", note),
        *parts,
    ]
