"""The worker of everything that is no conversation: onboardings, checks of numbers, deliveries of events."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker

import egress
from activities.attempts import WholeAttempts
from activities.checks.number_checks import NumberChecks
from activities.event_delivery import EventDeliveries
from activities.failures import FailureGuard
from activities.onboarding.desk import Desk, Rules
from activities.onboarding.steps import Onboardings
from workers.parts import Parts
from workflows.client import CheckSchedules, LaterError
from workflows.contracts import CONTROL_QUEUE
from workflows.event_delivery import EventDeliveryWorkflow
from workflows.number_check import NumberCheckWorkflow
from workflows.onboarding import OnboardingWorkflow

CALLBACK_PATHS = (
    "/api/v1/webhooks/whatsapp",
    "/webhooks/whatsapp",
    "/api/whatsapp/webhook",
    "/api/v1/whatsapp/webhook",
)
"""Where Meta's webhooks arrive below our public address, the advised one first; a test compares them with the API's."""

_TASKS = 20
"""Workflow tasks at once: these runs begin seldom and mostly wait."""
_CACHED = 1000
"""Runs kept in memory; most wait for days, and reading one anew takes milliseconds."""


def control_worker(temporal: Client, parts: Parts, schedules: CheckSchedules) -> Worker:
    """The worker of the control queue: with slots of its own, so that a slow conversation never delays an onboarding.

    An attempt that has begun ends before it is cancelled: what Meta was asked for is recorded. A refusal's words are
    made outside of that.
    """
    settings = parts.settings
    onboardings, checks, deliveries = _onboardings(parts, schedules), _checks(parts, schedules), _deliveries(parts)
    return Worker(
        temporal,
        task_queue=CONTROL_QUEUE,
        workflows=[OnboardingWorkflow, NumberCheckWorkflow, EventDeliveryWorkflow],
        activities=[
            onboardings.where_it_stands,
            onboardings.exchange_code,
            onboardings.inspect_token,
            onboardings.find_number,
            onboardings.connect_integration,
            onboardings.subscribe_app,
            onboardings.register_number,
            onboardings.check_number,
            onboardings.activate_integration,
            onboardings.await_proof,
            onboardings.end_onboarding,
            checks.check_integration,
            deliveries.deliver_event,
            deliveries.give_up_delivery,
        ],
        interceptors=[WholeAttempts(), FailureGuard(parts.database)],
        workflow_runner=parts.runner,
        max_cached_workflows=_CACHED,
        max_concurrent_workflow_tasks=_TASKS,
        max_concurrent_activities=settings.worker.activity_slots,
        max_heartbeat_throttle_interval=timedelta(seconds=2),
        default_heartbeat_throttle_interval=timedelta(seconds=2),
        sticky_queue_schedule_to_start_timeout=settings.temporal.sticky_timeout,
        graceful_shutdown_timeout=settings.worker.drain,
    )


def _onboardings(parts: Parts, schedules: CheckSchedules) -> Onboardings:
    settings = parts.settings
    rules = Rules(
        app_id=settings.meta.app_id,
        callback_override_url=settings.meta.callback_override_url,
        code_life=settings.onboarding.code_life,
        patience=settings.onboarding.patience,
        check_every=settings.check.every,
    )
    desk = Desk(parts.database, parts.ring, parts.keyed_hash, parts.accounts, schedules, LaterError, rules)
    return Onboardings(desk)


def _checks(parts: Parts, schedules: CheckSchedules) -> NumberChecks:
    settings = parts.settings
    return NumberChecks(
        database=parts.database,
        ring=parts.ring,
        meta=parts.accounts.unhurried(),
        schedules=schedules,
        away=LaterError,
        app_id=settings.meta.app_id,
        callbacks=[settings.console.public_url.rstrip("/") + path for path in CALLBACK_PATHS],
        override_url=settings.meta.callback_override_url,
        every=settings.check.every,
        every_unwell=settings.check.every_stopped,
    )


def _deliveries(parts: Parts) -> EventDeliveries:
    refused, timeout = egress.RefusedAddressError, parts.settings.events.timeout
    return EventDeliveries(parts.database, parts.ring, parts.endpoints, refused, timeout)
