"""The one supervisor of child processes: starts, awaits, stops, kills, pauses and restarts the parts of a stack.

Used by `holdfast dev`, `demo`, `bench` and the tests (docs/decisions/0020). Children live in process groups of their
own, so Ctrl-C reaches the supervisor alone; on Linux they die with it, elsewhere the next run ends what is left.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from cli.errors import CommandError
from cli.runfile import RunFile

_CHILD = Path(__file__).with_name("child.py")
_POLL = 0.02
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
T = TypeVar("T")
STOP_GRACE = 30.0
"""Seconds between SIGTERM and SIGKILL."""


class PartError(CommandError):
    """A part ended or never became ready; the message names it, says how and shows the end of its log."""


class InterruptedRunError(CommandError):
    """Ctrl-C, SIGTERM or SIGHUP: the run is to end in order."""

    exit_code = 130


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account of this machine."""

    uid: int
    gid: int


def become(account: Account | None, command: tuple[str, ...]) -> tuple[str, ...]:
    """The command line that runs `command` as a child that ends with this process, under `account` if one is named."""
    who = f"{account.uid}:{account.gid}" if account else "-"
    return (sys.executable, "-I", "-S", str(_CHILD), str(os.getpid()), who, *command)


@dataclass(frozen=True, slots=True)
class Part:
    """One process of a stack and how to tell that it is ready."""

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[], Awaitable[bool]]
    environment: Mapping[str, str] = field(default_factory=dict)
    """What is set beside the supervisor's own environment."""
    folder: Path | None = None
    account: Account | None = None
    """Who runs it, when the supervisor is root and the part must not be."""
    stop_signal: signal.Signals = signal.SIGTERM
    start_timeout: float = 90.0


@dataclass(slots=True)
class _Running:
    part: Part
    process: subprocess.Popen[bytes]
    stopping: bool = False


class Supervisor:
    """Runs parts, their output in `<folder>/<name>.log`. A context manager; one at a time holds the folder.

    Raises:
        cli.runfile.AlreadyRunningError: another supervisor holds the folder; the message names it.
    """

    def __init__(self, folder: Path, *, say: Callable[[str], None] = lambda _: None) -> None:
        self._runfile = RunFile(folder)
        self._say = say
        self._known: dict[str, Part] = {}
        self._running: dict[str, _Running] = {}
        self._interrupted = False

    def __enter__(self) -> Self:
        for ended in self._runfile.acquire():
            self._say(f"ended a leftover of an earlier run: {ended}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in reversed(list(self._running)):
            self.kill(name)
        self._runfile.release()

    def start(self, part: Part) -> None:
        """Start a part; `ready` awaits it."""
        with self.log(part.name).open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own parts
                become(part.account, part.command),
                env={**os.environ, **part.environment},
                cwd=part.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._known[part.name] = part
        self._running[part.name] = _Running(part, process)
        self._runfile.add(part.name, process.pid)

    async def ready(self, name: str) -> None:
        """Wait until a started part is ready.

        Raises:
            PartError: it ended, or is not ready within its `start_timeout`.
        """
        part = self._running[name].part
        deadline = time.monotonic() + part.start_timeout
        while not await part.is_ready():
            self._check(name)
            if time.monotonic() > deadline:
                raise PartError(f"{name} is not ready after {part.start_timeout:.0f} s\n{self.log_end(name)}")
            await asyncio.sleep(_POLL)
        self._check(name)

    async def run(self, part: Part) -> None:
        """Start a part and wait until it is ready."""
        self.start(part)
        await self.ready(part.name)

    async def restart(self, name: str) -> None:
        """Start a part again that was stopped or killed (or stop it first), with the same command and port."""
        await self.stop(name)
        await self.run(self._known[name])

    async def stop(self, name: str, *, grace: float = STOP_GRACE) -> None:
        """Ask a part to end; kill it after `grace` seconds. A part that is not running stays so."""
        running = self._running.get(name)
        if running is None:
            return
        running.stopping = True
        self._signal(running, running.part.stop_signal)
        self._signal(running, signal.SIGCONT)
        deadline = time.monotonic() + grace
        while running.process.poll() is None and time.monotonic() < deadline:  # noqa: ASYNC110 - ends are polled
            await asyncio.sleep(_POLL)
        if running.process.poll() is None:
            self._say(f"{name} did not stop within {grace:.0f} s and is killed")
        self.kill(name)

    async def stop_all(self) -> None:
        """Stop every part, the last started first."""
        for name in reversed(list(self._running)):
            await self.stop(name)

    def kill(self, name: str) -> None:
        """SIGKILL a part and what it started, and wait for its end."""
        running = self._running.pop(name, None)
        if running is None:
            return
        self._signal(running, signal.SIGKILL, group=True)
        running.process.wait()
        self._runfile.remove(name)

    def pause(self, name: str) -> None:
        """SIGSTOP: the process stands still with its connections open."""
        self._signal(self._running[name], signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """SIGCONT after `pause`."""
        self._signal(self._running[name], signal.SIGCONT)

    def pid(self, name: str) -> int:
        """The process id of a running part."""
        return self._running[name].process.pid

    def is_running(self, name: str) -> bool:
        """Whether a part was started, not stopped, and still lives."""
        return name in self._running and self._running[name].process.poll() is None

    @property
    def folder(self) -> Path:
        """The folder of logs, lock and list of children."""
        return self._runfile.folder

    def log(self, name: str) -> Path:
        """Where a part's output goes."""
        return self.folder / f"{name}.log"

    def log_end(self, name: str, *, lines: int = 15) -> str:
        """The last lines of a part's output, with the file's name."""
        path = self.log(name)
        text = path.read_text(errors="replace") if path.exists() else ""
        return "\n".join([f"  {line}" for line in text.splitlines()[-lines:]] + [f"  (all of it: {path})"])

    async def guard(self, work: Coroutine[object, object, T]) -> T:
        """Run `work`, then stop every part in order, however it ended. A second Ctrl-C kills what still stops.

        Raises:
            PartError: a part ended by itself meanwhile; `work` was cancelled.
            InterruptedRunError: somebody asked the run to end; `work` was cancelled.
        """
        loop = asyncio.get_running_loop()
        for number in _ENDING:
            loop.add_signal_handler(number, self._interrupt)
        task, watch = loop.create_task(work), loop.create_task(self._watch())
        try:
            await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
            if watch.done():
                watch.result()
            return await task
        finally:
            task.cancel()
            watch.cancel()
            await asyncio.gather(task, watch, return_exceptions=True)
            await self.stop_all()
            for number in _ENDING:
                loop.remove_signal_handler(number)

    def _interrupt(self) -> None:
        if self._interrupted:
            for running in self._running.values():
                self._signal(running, signal.SIGKILL, group=True)
        self._interrupted = True

    async def _watch(self) -> None:
        while not self._interrupted:
            for name, running in self._running.items():
                if not running.stopping:
                    self._check(name)
            await asyncio.sleep(_POLL)
        raise InterruptedRunError("interrupted")

    def _check(self, name: str) -> None:
        code = self._running[name].process.poll()
        if code is not None:
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
            raise PartError(f"{name} {how}\n{self.log_end(name)}")

    @staticmethod
    def _signal(running: _Running, number: signal.Signals, *, group: bool = False) -> None:
        send = os.killpg if group else os.kill
        if group or running.process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                send(running.process.pid, number)
