"""Scripts: which faults begin when and for how long. A file or a seed makes one; the player plays it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from simulator.faults import Fault


@dataclass(frozen=True, slots=True)
class Step:
    """One fault of a script; times in seconds."""

    at: float
    """When it begins, from the start of the script."""
    lasts: float | None
    """After which it ends by itself; None: when the script is stopped."""
    fault: Fault

    def view(self) -> dict[str, Any]:
        """The step as JSON, without what it has done so far."""
        fault = {name: value for name, value in asdict(self.fault).items() if name not in {"id", "hits", "passed"}}
        return {"at": self.at, "lasts": self.lasts, "fault": fault}


@dataclass(frozen=True, slots=True)
class Script:
    """Steps in the order of their moments; the seed decides all that they leave to chance."""

    source: Literal["file", "chaos"]
    seed: int
    steps: Iterable[Step]
