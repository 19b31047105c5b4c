"""`holdfast simulator` as a process: what it plays, and what it says of a script that it cannot play."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from cli.disturbances import script_for
from cli.errors import CommandError
from cli.ports import free_port
from simulator.chaos import Chaos
from simulator.client import SimulatorClient
from simulator.faults_client import Playing

_EXAMPLE = Path(__file__).parents[2] / "docs" / "example-faults.yaml"


@asynccontextmanager
async def _started(*words: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli.main", "simulator", *words),
        env=os.environ | {"META_APP_SECRET": "secret", "COLUMNS": "200"},
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def _playing(port: int) -> Playing:
    """What it plays once it is there and has begun."""
    async with SimulatorClient(f"http://127.0.0.1:{port}") as client, asyncio.timeout(60):
        while True:
            try:
                if (playing := await client.playing()).begun:
                    return playing
            except httpx.TransportError:
                await asyncio.sleep(0.1)


async def test_chaos_says_its_seed_which_gives_the_same_faults_again() -> None:
    port = free_port()
    async with _started("--port", str(port), "--chaos") as process:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        playing = await _playing(port)
    assert line.strip().endswith(f"holdfast simulator --chaos --seed {playing.seed}")
    assert playing.seed is not None
    first = next(Chaos(playing.seed).steps()).view()
    assert {name: playing.begun[0][name] for name in first} == first


async def test_a_script_that_cannot_be_played_ends_the_command_and_says_why(tmp_path: Path) -> None:
    script = tmp_path / "faults.yaml"
    script.write_text("faults:\n- kind: drop\n  recipient: [4915]\n")
    async with _started("--faults", str(script)) as process:
        output, _ = await process.communicate()
        assert process.returncode == 1
    told = output.decode()
    assert f"{script}, line 3: recipient: this must be text. Put it in quotes" in told
    assert "[4915]" in told
    assert "docs/simulator.md" in told


def test_a_script_is_read_from_its_file_and_none_is_played_unasked(tmp_path: Path) -> None:
    script = script_for(_EXAMPLE, chaos=False, seed=None)
    assert script is not None
    assert (script.source, script.seed) == ("file", 7)
    assert script_for(None, chaos=False, seed=None) is None
    with pytest.raises(CommandError, match="cannot be read"):
        script_for(tmp_path / "nowhere.yaml", chaos=False, seed=None)


@pytest.mark.parametrize(("faults", "chaos", "seed"), [(_EXAMPLE, True, None), (None, False, 3), (_EXAMPLE, False, 3)])
def test_options_that_contradict_each_other_are_refused(faults: Path | None, *, chaos: bool, seed: int | None) -> None:
    with pytest.raises(CommandError, match="--chaos"):
        script_for(faults, chaos=chaos, seed=seed)
