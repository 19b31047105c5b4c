"""Plays scripts: puts each fault in force at its moment and ends it after its time. One script at a time."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from simulator.faults import Fault, Faults
from simulator.script import Script, Step

_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Begun:
    """A step that has begun, with the fault as it is in force."""

    step: Step
    fault: Fault


class Player:
    """What is played, and what of it has happened so far."""

    def __init__(self, faults: Faults, chance: random.Random) -> None:
        self._faults = faults
        self._chance = chance
        self._script: Script | None = None
        self._task: asyncio.Task[None] | None = None
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._begun: deque[Begun] = deque(maxlen=_KEPT)
        self._began_at = 0.0

    def play(self, script: Script) -> None:
        """Begin a script; one that is being played is stopped."""
        self.stop()
        self._chance.seed(script.seed)
        self._script, self._began_at = script, time.monotonic()
        self._begun.clear()
        self._task = asyncio.create_task(self._run(script.steps))

    def stop(self) -> None:
        """End the script and all its faults; what it did stays to be read."""
        if self._task is not None:
            self._task.cancel()
        self._task = None
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for begun in self._begun:
            self._faults.remove(begun.fault.id)

    def view(self) -> dict[str, Any]:
        """What is or was played, and each step that has begun, with how many calls its fault has met."""
        script = self._script
        return {
            "source": script.source if script else None,
            "seed": script.seed if script else None,
            "playing": bool(self._timers) or (self._task is not None and not self._task.done()),
            "seconds": round(time.monotonic() - self._began_at, 3) if script else 0.0,
            "begun": [begun.step.view() | {"hits": begun.fault.hits} for begun in self._begun],
        }

    async def _run(self, steps: Iterable[Step]) -> None:
        for step in steps:
            await asyncio.sleep(self._began_at + step.at - time.monotonic())
            self._begin(step)

    def _begin(self, step: Step) -> None:
        fault = replace(step.fault)
        fault_id = self._faults.add(fault)
        self._begun.append(Begun(step, fault))
        if step.lasts is not None:
            loop = asyncio.get_running_loop()
            self._timers[fault_id] = loop.call_later(step.lasts, self._end, fault_id)

    def _end(self, fault_id: int) -> None:
        self._timers.pop(fault_id, None)
        self._faults.remove(fault_id)
