"""Finds or gets the Temporal CLI, which holds the dev server and its Web UI in one program.

In this order: the `TEMPORAL_CLI` setting, PATH, Holdfast's own cache (one per user, shared by checkouts), the SDK's own
download, a build from `tools/temporal/go.mod` through the Go module proxy. What counts is the version of the *server*
inside: a CLI built as a module calls itself 0.0.0-DEV.
"""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from cli.errors import CommandError

MINIMUM_SERVER = (1, 29, 0)
"""The oldest server that Holdfast was tried with."""
DOWNLOAD_SECONDS = 30.0
_TOOLS = Path(__file__).parents[1] / "tools" / "temporal"
_NAME = "temporal"

Say = Callable[[str], None]


class TemporalCliError(CommandError):
    """No usable Temporal CLI; the message names each way that was tried and what came of it."""


def find(setting: Path | None, *, say: Say, cache: Path | None = None, tools: Path = _TOOLS) -> Path:
    """The path of a Temporal CLI whose server is new enough; fetches or builds one when there is none.

    Args:
        setting: `TEMPORAL_CLI`; when it is set nothing else is tried.
        say: is told what takes time, and how long it took.
        cache: where a fetched or built one is kept; the user's cache folder by default.
        tools: the folder of the pinned go.mod.

    Raises:
        TemporalCliError: none of the ways worked.
    """
    if setting is not None:
        if problem := _problem(setting):
            raise TemporalCliError(f"TEMPORAL_CLI={setting}: {problem}. Correct the setting or take it away.")
        return setting
    cache = cache or platformdirs.user_cache_path("holdfast") / "temporal"
    tried = []
    on_path = shutil.which(_NAME)
    for way, path in (("PATH", Path(on_path) if on_path else None), ("cache", cache / _NAME)):
        problem = _problem(path) if path else "no program named temporal"
        if path and not problem:
            return path
        tried.append(f"{way}: {problem}")
    with _locked(cache, say):
        if not _problem(cache / _NAME):
            return cache / _NAME
        for way, get in (("download by the SDK", _download), ("build with Go", _build)):
            problem = _get(get, cache, tools, say)
            if not problem:
                return cache / _NAME
            tried.append(f"{way}: {problem}")
    raise TemporalCliError(_advice(tried))


def server_version(cli: Path) -> tuple[int, ...] | None:
    """The version of the server inside a Temporal CLI; None when it does not say."""
    try:
        done = subprocess.run(  # noqa: S603 - a program the user has or we made
            (str(cli), "--version"), capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = re.search(r"Server (\d+)\.(\d+)\.(\d+)", done.stdout)
    return tuple(int(number) for number in said.groups()) if said else None


def _problem(cli: Path) -> str:
    """Why this CLI will not do; empty when it will."""
    if not cli.exists():
        return f"{cli} does not exist"
    version = server_version(cli)
    if version is None:
        return f"{cli} does not name its server's version"
    if version < MINIMUM_SERVER:
        return f"{cli} has server {_dotted(version)}, {_dotted(MINIMUM_SERVER)} or newer is needed"
    return ""


def _get(get: Callable[[Path, Path, Say], str], cache: Path, tools: Path, say: Say) -> str:
    """Run one way into a draft folder; what works is renamed into the cache whole."""
    draft = cache / f"draft-{os.getpid()}"
    draft.mkdir(parents=True)
    began = time.monotonic()
    try:
        problem = get(draft, tools, say) or _problem(draft / _NAME)
        if not problem:
            (draft / _NAME).replace(cache / _NAME)
        say(f"  {problem or 'done'} ({time.monotonic() - began:.0f} s)")
        return problem
    finally:
        shutil.rmtree(draft)


def _download(draft: Path, _tools: Path, say: Say) -> str:
    say(f"Temporal CLI: asking the SDK to download it ({DOWNLOAD_SECONDS:.0f} s at most)")
    code = (
        "import asyncio, sys\n"
        "from temporalio.testing import WorkflowEnvironment\n"
        "async def main():\n"
        "    async with await WorkflowEnvironment.start_local(download_dest_dir=sys.argv[1]): pass\n"
        "asyncio.run(main())\n"
    )
    problem = _run([sys.executable, "-c", code, str(draft)], draft, limit=DOWNLOAD_SECONDS)
    fetched = next((path for path in draft.iterdir() if path.is_file() and os.access(path, os.X_OK)), None)
    if problem or fetched is None:
        return problem or "it left no program"
    fetched.replace(draft / _NAME)
    return ""


def _build(draft: Path, tools: Path, say: Say) -> str:
    if not shutil.which("go"):
        return "Go is not installed"
    if not (tools / "go.mod").exists():
        return f"{tools}/go.mod is not there"
    say("Temporal CLI: building it with Go from tools/temporal (about 5 minutes, once per user)")
    target = str(draft / _NAME)
    command = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", target, "github.com/temporalio/cli/cmd/temporal"]
    return _run(command, tools, environment={"CGO_ENABLED": "0"}, say=say)


def _run(
    command: list[str],
    folder: Path,
    *,
    limit: float | None = None,
    environment: dict[str, str] | None = None,
    say: Say = lambda _: None,
) -> str:
    """Run a command in a process group of its own; its last line of output is what is wrong when it fails."""
    began, told = time.monotonic(), 0
    with subprocess.Popen(  # noqa: S603 - our own commands
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        output = None
        while output is None:
            try:
                output, _ = process.communicate(timeout=1)
            except subprocess.TimeoutExpired:
                passed = int(time.monotonic() - began)
                if limit is not None and passed >= limit:
                    os.killpg(process.pid, signal.SIGKILL)
                    return f"not there after {limit:.0f} s"
                if passed // 30 > told:
                    told = passed // 30
                    say(f"  still at it after {passed} s")
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
    if process.returncode == 0:
        return ""
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"ended with code {process.returncode}"


@contextmanager
def _locked(cache: Path, say: Say) -> Iterator[None]:
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Temporal CLI: another Holdfast process is getting it; waiting for that one")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _advice(tried: list[str]) -> str:
    return "\n".join(
        [
            "No usable Temporal CLI. What was tried:",
            *(f"  {line}" for line in tried),
            "Any one of these helps:",
            f"  - set TEMPORAL_CLI to a Temporal CLI with server {_dotted(MINIMUM_SERVER)} or newer",
            "  - put one named `temporal` on PATH (https://docs.temporal.io/cli)",
            "  - install Go 1.21 or newer, which fetches what the build needs through its module proxy",
            "  - set TEMPORAL_ADDRESS to a running Temporal server",
        ]
    )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(number) for number in version)
