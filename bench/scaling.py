"""The same exchanges with more worker processes, and with intake in a process of its own: what that changes."""

from datetime import timedelta

from bench.exchanges import FAST, drive, warm
from bench.figures import Figure
from bench.house import House

WORKERS = (1, 2, 4)


async def measure(
    house: House, duration: timedelta, *, crowd: int = 50, workers: tuple[int, ...] = WORKERS
) -> list[Figure]:
    """At 50 customers with a fast Graph; processor time is of all processes of a part, per exchange."""
    figures: list[Figure] = []
    for number in workers:
        async with house.workers(number):
            figures += await _figures(house, duration, crowd, f"scaling.workers_{number}", f"{number} workers")
    async with house.intake_apart():
        figures += await _figures(house, duration, crowd, "scaling.intake_apart", "1 worker, intake apart from the API")
    return figures


async def _figures(house: House, duration: timedelta, crowd: int, key: str, what: str) -> list[Figure]:
    await warm(house, duration)
    found = await drive(house, crowd, duration, graph=FAST)
    note = f"{what}, {crowd} customers, Graph 20 ms"
    return [
        Figure(f"{key}.per_s", found.report.exchanges_per_s, "1/s", note),
        Figure(f"{key}.p50_ms_at_50", found.report.p50_ms or 0, "ms", note),
        *(Figure(f"{key}.{part}_cpu_ms", used, "ms", note) for part, used in found.processor_ms.items()),
    ]
