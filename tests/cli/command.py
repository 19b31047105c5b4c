"""The `holdfast` command as a test types it: as a process, or in this one where a second start proves nothing more."""

import asyncio
import io
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout

import psutil
import pytest

from cli import main
from cli.stack import Secrets

KEYS = Secrets()
_WIDE = {"COLUMNS": "200"}


async def as_process(*words: str, **environment: str) -> tuple[int, str]:
    """Its exit code, and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", *words),
        env=os.environ | _WIDE | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def holdfast(*words: str, **environment: str) -> tuple[int, str]:
    """The same from its `main` on, in a thread: a command has an event loop of its own."""
    return await asyncio.to_thread(_main, words, _WIDE | environment)


def _main(words: tuple[str, ...], environment: Mapping[str, str]) -> tuple[int, str]:
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(output):
        patch.setattr(sys, "argv", ["holdfast", *words])
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main.main()
    return int(ended.value.code or 0), output.getvalue()


def environment_for(
    database_url: str, temporal_address: str = "127.0.0.1:1", namespace: str = "main"
) -> dict[str, str]:
    """The settings that a command needs."""
    return {
        "DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": temporal_address,
        "TEMPORAL_NAMESPACE": namespace,
        "META_APP_SECRET": KEYS.app_secret,
        "SEALING_KEYS": f"one:{KEYS.sealing_key}",
        "SEALING_HASH_KEY": KEYS.hash_key,
    }


def is_alive(pid: int) -> bool:
    """Whether a process runs: one that has ended and that nobody waits for does not."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
