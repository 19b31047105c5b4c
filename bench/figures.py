"""What a bench finds: figures with a key and a unit, on the screen as a table and in a file for whoever compares."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

import psutil
from rich.table import Table

_VERSIONS = ("temporalio", "fastapi", "uvicorn", "uvloop", "sqlalchemy", "asyncpg", "aiohttp")


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure ought to be: at least or at most so much."""

    limit: float
    at_most: bool = False

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.limit:g}"

    def is_met(self, value: float) -> bool:
        """Whether a figure is good enough."""
        return value <= self.limit if self.at_most else value >= self.limit


AIMS = {
    "ack.ratio": Aim(1.0),
    "ack.p99_ms": Aim(50, at_most=True),
    "exchange.per_s": Aim(100),
    "exchange.p50_ms": Aim(90, at_most=True),
    "exchange.p50_ms_at_1": Aim(45, at_most=True),
    "outbound.per_s": Aim(1000),
    "slots.per_s": Aim(1000),
    "rates.share": Aim(0.95),
    "rates.peak_per_s": Aim(55, at_most=True),
    "rates.refused": Aim(0, at_most=True),
    "rates.other_p99_ms": Aim(1000, at_most=True),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, named by a key that stays the same from version to version."""

    key: str
    value: float
    unit: str
    note: str = ""

    @property
    def aim(self) -> Aim | None:
        """What it ought to be, where that was decided."""
        return AIMS.get(self.key)


def table(figures: Sequence[Figure]) -> Table:
    """All figures, under what they are of; an aim that is met is green, one that is missed red."""
    shown = Table(title="What it costs", title_justify="left")
    for column, justify in (("figure", "left"), ("value", "right"), ("unit", "left"), ("aim", "left")):
        shown.add_column(column, justify=justify, no_wrap=column != "figure")  # type: ignore[arg-type]  # rich's literals
    for note, of_it in groupby(figures, key=lambda figure: figure.note):
        shown.add_section()
        shown.add_row(f"[dim]{note}[/dim]")
        for figure in of_it:
            aim = figure.aim
            style = "" if aim is None else "green" if aim.is_met(figure.value) else "red"
            shown.add_row(f"  {figure.key}", _shown(figure.value), figure.unit, str(aim or ""), style=style)
    return shown


def _shown(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits are what a figure is worth


def save(figures: Sequence[Figure], file: Path) -> None:
    """Write every figure with its unit, the machine and the versions; replaces the file."""
    content = {
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "figures": {
            figure.key: {
                "value": round(figure.value, 4),
                "unit": figure.unit,
                "aim": str(figure.aim) if figure.aim else None,
                "of": figure.note,
            }
            for figure in figures
        },
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def machine() -> dict[str, object]:
    """What the figures were taken on."""
    return {
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _VERSIONS},
    }


def _processor() -> str:
    """The processor's own name: `platform` knows it on macOS, Linux tells it in a file."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text().splitlines() if listed.exists() else []
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return named or platform.processor() or platform.machine()
