"""Durable acknowledgements per second, beside those of an endpoint that stores nothing.

The two are measured in turns: on a machine that is shared, a figure means something only beside its neighbour.
"""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from bench.figures import Figure
from cli.errors import CommandError
from cli.ports import free_port
from cli.processes import Part
from cli.stack import Answers, Stack

CONNECTIONS = 64
_OK = "200"


@dataclass(frozen=True, slots=True)
class Acks:
    """What one load came to."""

    per_s: float
    p50_ms: float
    p99_ms: float


class RefusedLoadError(CommandError):
    """The load was answered otherwise than by 200: its figures would be of refusals."""


async def measure(stack: Stack, *, rounds: int, duration: timedelta) -> list[Figure]:
    """The API with its intake off, then with it running in the same process, each in turns with the bare endpoint.

    Temporal runs, so that intake's signals are part of the second; no worker does.
    """
    await stack.start("postgres", "temporal")
    bare = await _start_bare(stack)
    off = await _turns(stack, bare, intake="off", rounds=rounds, duration=duration)
    running = await _turns(stack, bare, intake="embedded", rounds=rounds, duration=duration)
    return [*_figures("ack", off, "intake off"), *_figures("ack_with_intake", running, "intake in the API's process")]


async def _turns(stack: Stack, bare: int, *, intake: str, rounds: int, duration: timedelta) -> list[tuple[Acks, Acks]]:
    """Pairs of (ours, bare), after a first load that warms both up."""
    supervisor, name = stack.supervisor, f"api, intake {intake}"
    await supervisor.run(stack.part("api", name=name, environment={"INTAKE": intake}))
    pairs = []
    for turn in range(rounds + 1):
        lasts = duration if turn else min(duration, timedelta(seconds=1))
        ours = await load(stack, stack.ports.api, lasts)
        supervisor.pause(name)  # what intake has still to do is not the bare endpoint's burden
        theirs = await load(stack, bare, lasts)
        supervisor.resume(name)
        pairs.append((ours, theirs))
    supervisor.kill(name)
    return pairs[1:]


async def load(stack: Stack, port: int, duration: timedelta) -> Acks:
    """Post signed webhooks for so long, from a process of its own.

    Raises:
        RefusedLoadError: not all were answered 200.
    """
    command = (sys.executable, "-m", "bench.load", str(port), str(duration.total_seconds()), str(CONNECTIONS))
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "META_APP_SECRET": stack.keys.app_secret},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RefusedLoadError(f"the load generator ended with code {process.returncode}")
    found = json.loads(output)
    if set(found["statuses"]) != {_OK}:
        raise RefusedLoadError(f"webhooks were answered {found['statuses']}, expected only 200")
    return Acks(found["per_s"], found["p50_ms"], found["p99_ms"])


async def _start_bare(stack: Stack) -> int:
    port = free_port()
    command = (sys.executable, "-m", "bench.bare", str(port))
    environment = {"META_APP_SECRET": stack.keys.app_secret}
    ready = Answers(f"http://127.0.0.1:{port}/openapi.json")
    await stack.supervisor.run(Part("bare", command, ready, environment=environment, folder=stack.folder))
    return port


def _figures(room: str, pairs: Sequence[tuple[Acks, Acks]], what: str) -> list[Figure]:
    ratio = median(ours.per_s / bare.per_s for ours, bare in pairs)
    note = f"one API process, {CONNECTIONS} connections, {what}"
    # Durable acks ÷ those of an endpoint that only checks the HMAC.
    ratio_key = "ack.ratio" if room == "ack" else "ack.ratio_with_intake"
    return [
        Figure(ratio_key, ratio, "ratio", note),
        Figure(f"{room}.per_s", median(ours.per_s for ours, _ in pairs), "1/s", note),
        Figure(f"{room}.p50_ms", median(ours.p50_ms for ours, _ in pairs), "ms", note),
        Figure(f"{room}.p99_ms", median(ours.p99_ms for ours, _ in pairs), "ms", note),
        Figure(f"{room}.bare_per_s", median(bare.per_s for _, bare in pairs), "1/s", note),
    ]
