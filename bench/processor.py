"""How much processor time the parts of a stack have used, what they started included."""

from collections.abc import Mapping
from contextlib import suppress

import psutil


def seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """User and system time so far of each part's process tree; ended children count by what their parent knows."""
    return {name: _of_tree(psutil.Process(pid)) for name, pid in pids.items()}


def _of_tree(root: psutil.Process) -> float:
    used = 0.0
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system + times.children_user + times.children_system
    return used
