"""The workers of conversations: for their runs with local activities, for regular activities, and for files."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from temporalio.client import Client
from temporalio.worker import PollerBehaviorSimpleMaximum, Worker

import egress
from activities.agents import Agents
from activities.answers import AnswerRecorder
from activities.conversations import Conversations
from activities.failures import FailureGuard
from activities.fetching_files import Fetching
from activities.media import FileMoves
from activities.posting import PostOffice
from activities.receipts import Receipts
from activities.uploading_files import Uploading
from settings import Settings
from store.turn_plan import Rules
from workers.parts import Parts
from workflows.contracts import ACTIVITIES_QUEUE, CONVERSATIONS_QUEUE, FILES_QUEUE
from workflows.conversation import ConversationWorkflow

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConversationWorkers:
    """The workers, and the post office, which is closed before the process ends."""

    workers: list[Worker]
    posts: PostOffice


def conversation_workers(temporal: Client, parts: Parts) -> ConversationWorkers:
    """One worker per task queue, so that slow regular activities never take a conversation's slots."""
    settings = parts.settings
    _warn_of_small_slots(settings)
    rules = _rules(settings)
    recorder = AnswerRecorder(parts.database, settings.conversation.unknown_wait)
    most = settings.meta.graph_connections_per_number
    posts = PostOffice(parts.database, parts.ring, parts.graph, recorder, most)
    refused, timeout = egress.RefusedAddressError, settings.agent.timeout
    agents = Agents(parts.database, parts.ring, parts.agents, refused, timeout, rules.answer_stale_after)
    activities = Conversations(parts.database, rules, posts, agents, Receipts(parts.graph, parts.ring))
    every: list[Callable[..., Any]] = [
        activities.begin_turn,
        activities.send_message,
        activities.ask_agent,
        activities.fail_turn,
    ]
    slots = settings.worker.activity_slots
    move_file = _files(parts).move_file
    # Runs of the release before had their files moved by the agents' queue: what waits there finds somebody.
    regular = _regular(temporal, parts, ACTIVITIES_QUEUE, [*every, move_file], slots=slots)
    files = _regular(temporal, parts, FILES_QUEUE, [move_file], slots=settings.media.moves)
    return ConversationWorkers([_runs(temporal, parts, every), regular, files], posts)


def _files(parts: Parts) -> FileMoves:
    timeout = parts.settings.media.timeout
    fetching = Fetching(parts.database, parts.ring, parts.media, parts.objects, timeout)
    return FileMoves(fetching, Uploading(parts.database, parts.ring, parts.media, parts.objects))


def _runs(temporal: Client, parts: Parts, activities: list[Callable[..., Any]]) -> Worker:
    slots = parts.settings.worker
    return Worker(
        temporal,
        task_queue=CONVERSATIONS_QUEUE,
        workflows=[ConversationWorkflow],
        activities=activities,
        interceptors=[FailureGuard(parts.database)],
        workflow_runner=parts.runner,
        no_remote_activities=True,
        max_cached_workflows=slots.cached_workflows,
        max_concurrent_workflow_tasks=slots.workflow_task_slots,
        max_concurrent_local_activities=slots.local_activity_slots,
        workflow_task_poller_behavior=PollerBehaviorSimpleMaximum(maximum=10),
        sticky_queue_schedule_to_start_timeout=parts.settings.temporal.sticky_timeout,
        graceful_shutdown_timeout=slots.drain,
    )


def _regular(temporal: Client, parts: Parts, queue: str, activities: list[Callable[..., Any]], *, slots: int) -> Worker:
    return Worker(
        temporal,
        task_queue=queue,
        activities=activities,
        interceptors=[FailureGuard(parts.database)],
        max_concurrent_activities=slots,
        max_heartbeat_throttle_interval=timedelta(seconds=2),
        default_heartbeat_throttle_interval=timedelta(seconds=2),
        graceful_shutdown_timeout=parts.settings.worker.drain,
    )


def _rules(settings: Settings) -> Rules:
    """The figures a look at a conversation goes by."""
    rules = settings.conversation
    return Rules(
        sending_timeout=rules.sending_timeout,
        unknown_wait=rules.unknown_wait,
        answer_stale_after=rules.bot_answer_stale_after,
        inbound_stale_after=rules.inbound_stale_after,
        give_back_after=rules.give_back_after,
        give_back_at_window_close=rules.give_back_at_window_close,
        backstop=rules.backstop,
        max_bot_turns=rules.max_bot_turns,
        bot_turns_within=rules.bot_turns_within,
    )


def _warn_of_small_slots(settings: Settings) -> None:
    """A cache that is too small cancels running local activities; too few of their slots hold up workflow tasks."""
    slots = settings.worker
    if slots.cached_workflows < 4 * slots.workflow_task_slots:
        log.warning("worker.cache_small", cached=slots.cached_workflows, task_slots=slots.workflow_task_slots)
    if slots.local_activity_slots < slots.workflow_task_slots:
        log.warning("worker.local_slots_few", slots=slots.local_activity_slots, task_slots=slots.workflow_task_slots)
