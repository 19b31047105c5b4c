"""What a run leaves on disk for others to see: the lock that names it, its children and when they started."""

import contextlib
import fcntl
import json
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

import psutil

from cli.errors import CommandError

_SAME_START = 1.0
"""Seconds by which two readings of one process's start may differ (it is computed from the clock and the uptime)."""
_LEFTOVER_GRACE = 10.0


class AlreadyRunningError(CommandError):
    """Another run holds the folder; the message names its process and since when it runs."""


class _Child(TypedDict):
    name: str
    pid: int
    started: float


class RunFile:
    """The lock and the list of children in one folder (`.data/<command>/`)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = folder / "lock"
        self._list = folder / "children.json"
        self._children: dict[str, _Child] = {}
        self._descriptor = -1

    def acquire(self) -> list[str]:
        """Take the folder; ends what an earlier run left behind and returns it in words.

        Only what is provably ours is ended: a process id alone may be somebody else's by now, the pair of process id
        and start time cannot.

        Raises:
            AlreadyRunningError: a living run holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 200, 0).decode() or "another run"
            os.close(self._descriptor)
            raise AlreadyRunningError(f"{self.folder} is in use by {holder}. Stop that one first.") from None
        os.ftruncate(self._descriptor, 0)
        since = datetime.now(UTC).astimezone().isoformat(sep=" ", timespec="seconds")
        os.pwrite(self._descriptor, f"process {os.getpid()}, running since {since}".encode(), 0)
        ended = [child["name"] for child in self._read() if _end_if_ours(child)]
        self._write()
        return ended

    def release(self) -> None:
        """Give the folder back."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)

    def add(self, name: str, pid: int) -> None:
        """Note a child that was just started."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self._children[name] = _Child(name=name, pid=pid, started=psutil.Process(pid).create_time())
        self._write()

    def remove(self, name: str) -> None:
        """Forget a child that has ended."""
        self._children.pop(name, None)
        self._write()

    def _read(self) -> list[_Child]:
        try:
            children: list[_Child] = json.loads(self._list.read_text())
        except (FileNotFoundError, ValueError):
            return []
        return children

    def _write(self) -> None:
        draft = self._list.with_suffix(".new")
        draft.write_text(json.dumps(list(self._children.values())))
        draft.replace(self._list)


def _end_if_ours(child: _Child) -> bool:
    try:
        process = psutil.Process(child["pid"])
        if abs(process.create_time() - child["started"]) > _SAME_START or process.status() == psutil.STATUS_ZOMBIE:
            return False
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(_LEFTOVER_GRACE)
        except psutil.TimeoutExpired:
            os.killpg(child["pid"], signal.SIGKILL)
            process.wait(_LEFTOVER_GRACE)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return False
    return True
