"""`holdfast bench`: every figure in one run, on free ports and fresh data that is thrown away at the end."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal, get_args

import uvloop
from rich.console import Console

from bench import acks, exchanges, open_runs, outbound, rates, scaling
from bench.figures import Figure, save, table
from bench.house import ENVIRONMENT, open_house
from cli import postgres, temporal_cli
from cli.processes import Supervisor
from cli.stack import Stack
from settings import Settings

console = Console(soft_wrap=True, highlight=False)

Room = Literal["acks", "exchanges", "outbound", "scaling", "rates", "open-runs"]
ROOMS: tuple[Room, ...] = get_args(Room)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How long and how large; the tests take small ones."""

    ack_rounds: int = 5
    ack: timedelta = timedelta(seconds=3)
    exchange: timedelta = timedelta(seconds=15)
    outbound: timedelta = timedelta(seconds=6)
    rates: int = 2000
    open_runs: int = 10_000


def run(settings: Settings, rooms: Collection[Room] = ROOMS, sizes: Sizes | None = None) -> None:
    """Measure, show the table, write `bench.json` into the data folder."""
    began = time.monotonic()
    folder, sizes = settings.local.data_dir / "bench", sizes or Sizes()
    cli = temporal_cli.find(settings.local.temporal_cli, say=console.print)
    figures: list[Figure] = []
    if "acks" in rooms:
        figures += _on_fresh_data(folder, cli, sizes, {"acks"})
    if rest := set(rooms) - {"acks"}:
        figures += _on_fresh_data(folder, cli, sizes, rest)
    file = settings.local.data_dir / "bench.json"
    save(figures, file)
    console.print(table(figures))
    console.print(f"{len(figures)} figures in {time.monotonic() - began:.0f} s, written to {file}")


def _on_fresh_data(folder: Path, cli: Path, sizes: Sizes, rooms: Collection[Room]) -> list[Figure]:
    """One stack for some rooms: what acknowledged webhooks left behind would burden the exchanges."""
    with Supervisor(folder, say=console.print) as supervisor:
        _throw_away(folder)
        stack = Stack(supervisor, cli, durable=True, environment=ENVIRONMENT)
        try:
            return uvloop.run(supervisor.guard(measure(stack, sizes, rooms)))
        finally:
            _throw_away(folder)


async def measure(stack: Stack, sizes: Sizes, rooms: Collection[Room]) -> list[Figure]:
    """The figures of these rooms, in an order in which none is burdened by the one before."""
    figures: list[Figure] = []
    if "acks" in rooms:
        console.print("acknowledgements, in turns with a bare endpoint")
        return await acks.measure(stack, rounds=sizes.ack_rounds, duration=sizes.ack)
    async with open_house(stack) as house:
        if "exchanges" in rooms:
            console.print("exchanges at 1, 5 and 50 customers")
            figures += await exchanges.measure(house, sizes.exchange)
        if "outbound" in rooms:
            console.print("sends and slots")
            figures += await outbound.slots(house, sizes.outbound)
            figures += await outbound.sends(house, sizes.outbound)
        if "scaling" in rooms:
            console.print("exchanges with 1, 2 and 4 workers, then with intake apart")
            figures += await scaling.measure(house, sizes.exchange)
        if "rates" in rooms:
            console.print(f"two numbers at {rates.PER_SECOND}/s, {rates.WORKERS} workers")
            figures += await rates.measure(house, sends=sizes.rates)
        if "open-runs" in rooms:
            console.print(f"exchanges with {sizes.open_runs} open runs and a cold cache")
            figures += await open_runs.measure(house, sizes.exchange, runs=sizes.open_runs)
    return figures


def _throw_away(folder: Path) -> None:
    postgres.delete(folder)
    for path in folder.glob("temporal.db*"):
        path.unlink()
