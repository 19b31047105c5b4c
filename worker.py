"""The worker process: connect, build what activities need, register, run, drain. Wiring only."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import timedelta
from typing import Any

import structlog
import uvloop
from temporalio.client import Client
from temporalio.runtime import Runtime
from temporalio.worker import PollerBehaviorSimpleMaximum, UnsandboxedWorkflowRunner, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

import egress
import telemetry
from activities.agents import Agents
from activities.answers import AnswerRecorder
from activities.conversations import Conversations
from activities.failures import FailureGuard
from activities.posting import PostOffice
from activities.receipts import Receipts
from settings import Settings
from store.engine import Database
from store.sealing import KeyRing
from store.turn_plan import Rules
from whatsapp.graph import Graph
from workflows.client import connect
from workflows.contracts import ACTIVITIES_QUEUE, CONVERSATIONS_QUEUE
from workflows.conversation import ConversationWorkflow

log = structlog.get_logger(__name__)


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Work until `stop` is set, then let what is under way end.

    Raises:
        SettingsError: a setting is missing or contradicts another.
    """
    _warn_of_small_slots(settings)
    runtime = telemetry.temporal_runtime()
    database = Database.connect(
        settings.database.url.get_secret_value(), pool_size=settings.database.pool_size, application="holdfast worker"
    )
    ring = KeyRing.parse([key.get_secret_value() for key in settings.sealing.keys])
    client = await _connect(settings, stop, runtime=runtime)
    if client is None:
        return
    async with (
        egress.graph_client(max_connections=settings.meta.graph_connections) as graph_http,
        egress.agent_client(private_addresses=settings.agent.private_addresses) as agent_http,
    ):
        graph = Graph(
            graph_http,
            base_url=settings.meta.graph_url,
            version=settings.meta.graph_version,
            app_secret=settings.meta.app_secret.get_secret_value(),
            deadline=settings.meta.graph_deadline,
        )
        rules = conversation_rules(settings)
        posts = PostOffice(database, ring, graph, AnswerRecorder(database, settings.conversation.unknown_wait))
        agents = Agents(
            database, ring, agent_http, egress.RefusedAddressError, settings.agent.timeout, rules.answer_stale_after
        )
        activities = Conversations(database, rules, posts, agents, Receipts(graph, ring))
        workers = build_workers(client, settings, activities, FailureGuard(database))
        log.info("worker.started", temporal=settings.temporal.address, sandbox=settings.worker.sandbox)
        async with asyncio.TaskGroup() as running:
            for worker in workers:
                running.create_task(worker.run())
            await stop.wait()
            log.info("worker.stopping")
            await asyncio.gather(posts.close(settings.worker.drain), *(worker.shutdown() for worker in workers))
    await database.close()
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


def conversation_rules(settings: Settings) -> Rules:
    """The figures a look at a conversation goes by."""
    rules = settings.conversation
    return Rules(
        sending_timeout=rules.sending_timeout,
        unknown_wait=rules.unknown_wait,
        answer_stale_after=rules.bot_answer_stale_after,
        backstop=rules.backstop,
        max_bot_turns=rules.max_bot_turns,
        bot_turns_within=rules.bot_turns_within,
    )


def build_workers(client: Client, settings: Settings, activities: Conversations, guard: FailureGuard) -> list[Worker]:
    """One worker per task queue, so that slow regular activities never take a conversation's slots."""
    runner = SandboxedWorkflowRunner() if settings.worker.sandbox else UnsandboxedWorkflowRunner()
    every: list[Callable[..., Any]] = [
        activities.begin_turn,
        activities.send_message,
        activities.ask_agent,
        activities.fail_turn,
    ]
    conversations = Worker(
        client,
        task_queue=CONVERSATIONS_QUEUE,
        workflows=[ConversationWorkflow],
        activities=every,
        interceptors=[guard],
        workflow_runner=runner,
        no_remote_activities=True,
        max_cached_workflows=settings.worker.cached_workflows,
        max_concurrent_workflow_tasks=settings.worker.workflow_task_slots,
        max_concurrent_local_activities=settings.worker.local_activity_slots,
        workflow_task_poller_behavior=PollerBehaviorSimpleMaximum(maximum=10),
        sticky_queue_schedule_to_start_timeout=settings.temporal.sticky_timeout,
        graceful_shutdown_timeout=settings.worker.drain,
    )
    regular = Worker(
        client,
        task_queue=ACTIVITIES_QUEUE,
        activities=every,
        interceptors=[guard],
        max_concurrent_activities=settings.worker.activity_slots,
        max_heartbeat_throttle_interval=timedelta(seconds=2),
        default_heartbeat_throttle_interval=timedelta(seconds=2),
        graceful_shutdown_timeout=settings.worker.drain,
    )
    return [conversations, regular]


def _warn_of_small_slots(settings: Settings) -> None:
    """A cache that is too small cancels running local activities; too few of their slots hold up workflow tasks."""
    slots = settings.worker
    if slots.cached_workflows < 4 * slots.workflow_task_slots:
        log.warning("worker.cache_small", cached=slots.cached_workflows, task_slots=slots.workflow_task_slots)
    if slots.local_activity_slots < slots.workflow_task_slots:
        log.warning("worker.local_slots_few", slots=slots.local_activity_slots, task_slots=slots.workflow_task_slots)


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
