"""The two commands a newcomer types, as processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import psutil
import pytest

from cli import demo, tenant
from cli.ports import free_port
from cli.processes import Supervisor
from cli.stack import Stack
from simulator.config import SimulatorConfig
from tests.docs.readme import masked, shown
from tests.pace import slowness
from tests.simulator.stage import APP_SECRET, simulated

_COMMAND = (sys.executable, "-m", "cli.main")


def _environment(data: Path, **settings: object) -> dict[str, str]:
    return {**os.environ, "DATA_DIR": str(data), **{name: str(value) for name, value in settings.items()}}


def test_the_demo_shows_every_message_with_its_id_and_time_and_a_window_that_closes(run_folder: Path) -> None:
    began = time.monotonic()
    done = subprocess.run(
        (*_COMMAND, "demo"), env=_environment(run_folder), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "✓ worker",
        "Ada   →",
        "Ada   ←",
        "wamid.",
        " ms",
        "✓ Cleo's window closes",
        "unanswered 0, doubled 0",
    ):
        assert words in done.stdout
    assert masked(done.stdout) == masked(shown("make demo")), "python -m tests.docs.readme makes README's block anew"
    assert time.monotonic() - began < 60
    assert json.loads((run_folder / "demo" / "children.json").read_text()) == []
    assert not (run_folder / "demo" / "postgres").exists()


async def test_a_reply_that_does_not_come_ends_the_demo_with_what_was_expected(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "_PATIENCE", timedelta(seconds=0.2))
    async with simulated(SimulatorConfig(app_secret=APP_SECRET)) as meta, httpx.AsyncClient() as api:
        await tenant.introduce(meta.client)
        playing = demo.Demo(Stack(Supervisor(run_folder), None), meta.client, api)
        with pytest.raises(demo.DemoError, match=r"expected: a reply to Ben's “Where is my parcel\?” \(wamid\."):
            await demo._chat(playing, "Ben")


@contextmanager
def _dev(folder: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, int]]]:
    """`holdfast dev` at free ports, once it has printed everything; its children by name."""
    ports = ("API_PORT", "DEV_SIMULATOR_PORT", "DEV_TEMPORAL_PORT", "DEV_TEMPORAL_UI_PORT", "DEV_POSTGRES_PORT")
    environment = _environment(folder, **{port: free_port() for port in ports})
    with subprocess.Popen(
        (*_COMMAND, "dev"), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        printed = ""
        for line in process.stdout:
            printed += line
            if line.startswith("Ctrl-C stops everything"):
                break
        tenant = json.loads((folder / "dev" / "tenant.json").read_text())
        told = ("/console", "/docs", "Temporal UI", "Simulator", tenant["email"], tenant["password"], tenant["api_key"])
        assert [one for one in told if one not in printed] == []
        listed = json.loads((folder / "dev" / "children.json").read_text())
        yield process, {child["name"]: child["pid"] for child in listed}
        process.kill()


def _alive(pids: dict[str, int]) -> list[str]:
    return [name for name, pid in pids.items() if psutil.pid_exists(pid)]


def test_one_ctrl_c_stops_dev_within_ten_seconds_its_data_stays_and_a_part_that_crashes_ends_the_rest(
    run_folder: Path,
) -> None:
    file = run_folder / "dev" / "tenant.json"
    with _dev(run_folder) as (process, children):
        assert list(children) == ["postgres", "temporal", "simulator", "api", "worker"]
        key = json.loads(file.read_text())["api_key"]
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
        assert (process.returncode, output) == (0, "Everything is stopped.\n")
        assert time.monotonic() - began < 10 * slowness()
        assert _alive(children) == []
    with _dev(run_folder) as (process, children):
        assert json.loads(file.read_text())["api_key"] == key
        os.kill(children["worker"], signal.SIGKILL)
        output, _ = process.communicate(timeout=30)
        assert process.returncode == 1
        assert "worker was ended by SIGKILL" in output
        assert _alive(children) == []
