"""The worker process: connect, run what `workers` builds, drain. Wiring only."""

import asyncio
import signal
from contextlib import ExitStack, suppress

import structlog
import uvloop
from temporalio.client import Client
from temporalio.runtime import Runtime

import telemetry
from settings import Settings
from workers.control import control_worker
from workers.conversations import conversation_workers
from workers.parts import open_parts
from workers.schedules import ScheduleCare
from workers.temporal_metrics import temporal_runtime
from workflows.client import CheckSchedules, connect

log = structlog.get_logger(__name__)


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Work until `stop` is set, then let what is under way end.

    Raises:
        SettingsError: a setting is missing or contradicts another.
    """
    async with open_parts(settings) as parts:
        client = await _connect(settings, stop, runtime=temporal_runtime())
        if client is None:
            return
        schedules = CheckSchedules(client, task_timeout=settings.temporal.workflow_task_timeout)
        conversations = conversation_workers(client, parts)
        workers = [*conversations.workers, control_worker(client, parts, schedules)]
        log.info("worker.started", temporal=settings.temporal.address, sandbox=settings.worker.sandbox)
        async with asyncio.TaskGroup() as running:
            for worker in workers:
                running.create_task(worker.run())
            running.create_task(ScheduleCare(parts.database, schedules, settings.check).run(stop))
            await stop.wait()
            log.info("worker.stopping")
            shutdowns = [worker.shutdown() for worker in workers]
            await asyncio.gather(conversations.posts.close(settings.worker.drain), *shutdowns)
    log.info("worker.stopped")


async def _connect(settings: Settings, stop: asyncio.Event, *, runtime: Runtime) -> Client | None:
    """Connect, waiting for a Temporal that is away; None when told to stop meanwhile."""
    while not stop.is_set():
        try:
            return await connect(settings.temporal, runtime=runtime, lazy=False)
        except RuntimeError:
            log.warning("worker.temporal_away", temporal=settings.temporal.address)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), timeout=1)
    return None


def main(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, with /metrics if a port is set."""
    telemetry.configure(settings.log.level, settings.log.format)
    with ExitStack() as ending:
        if settings.worker.metrics_port:
            stop_serving = telemetry.serve_metrics(settings.worker.metrics_port, host=settings.worker.metrics_host)
            ending.callback(stop_serving)
        uvloop.run(_until_signalled(settings))


async def _until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run(settings, stop)
