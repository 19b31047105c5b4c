"""The client's part for faults: single ones, scripts and chaos."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from simulator.control_call import ControlCalls
from simulator.script_file import read_script


@dataclass(frozen=True, slots=True)
class PlannedChaos:
    """What chaos will do: the same seed and options give the same steps."""

    seed: int
    steps: list[dict[str, Any]]
    """Each with `at` and `lasts` in seconds and its `fault`; the first minute's, if it was begun without an end."""


@dataclass(frozen=True, slots=True)
class Playing:
    """What is or was played."""

    source: str | None
    """`file` or `chaos`; None: nothing ever."""
    seed: int | None
    playing: bool
    seconds: float
    """Since it began."""
    begun: list[dict[str, Any]]
    """The steps so far, each with `hits`: how many calls or webhooks it has met."""

    @property
    def hits(self) -> Counter[str]:
        """How many calls or webhooks were met, by kind of fault; those of webhooks as `webhook_late` and so on."""
        met: Counter[str] = Counter()
        for step in self.begun:
            fault = step["fault"]
            met[f"webhook_{fault['kind']}" if fault["call"] == "webhook" else fault["kind"]] += step["hits"]
        return met


class FaultsClient(ControlCalls):
    """Disturbs."""

    async def add_fault(self, kind: str, **fault: Any) -> int:
        """Put a fault in force (`simulator.faults.Fault` has its fields); its id."""
        return int((await self._call("POST", "/faults", json={"kind": kind} | fault))["id"])

    async def faults(self) -> list[dict[str, Any]]:
        """The faults in force, each with its `hits`."""
        faults: list[dict[str, Any]] = await self._call("GET", "/faults")
        return faults

    async def end_faults(self, fault_id: int | None = None) -> None:
        """End one fault, or all, and with them what is being played."""
        await self._call("DELETE", "/faults", params={} if fault_id is None else {"id": fault_id})

    async def play(self, script: str) -> None:
        """Play a script, given as YAML (docs/simulator.md), instead of what is being played.

        Raises:
            ScriptError: it says no script; names the line.
        """
        read_script(script, name="script")
        await self._call("POST", "/script", content=script.encode())

    async def chaos(
        self, seed: int | None = None, *, duration: timedelta | None = None, **options: Any
    ) -> PlannedChaos:
        """Play random faults from a seed, any if None, for a time or until `stop_playing`.

        `options` are those of `simulator.chaos.Chaos`: kinds, phone_number_id, longest, pace, lasts.
        """
        seconds = None if duration is None else duration.total_seconds()
        order = {"seed": seed, "seconds": seconds} | options
        return PlannedChaos(**await self._call("POST", "/chaos", json=order))

    async def playing(self) -> Playing:
        """What is or was played last, and what it has done."""
        return Playing(**await self._call("GET", "/playing"))

    async def stop_playing(self) -> Playing:
        """End the script or chaos and its faults; what it did. Other faults stay."""
        return Playing(**await self._call("DELETE", "/playing"))
