"""What processes are wired from, built here from the settings and passed down; and the intake's own process."""

import asyncio
import contextlib
import signal
from datetime import timedelta

import httpx
import uvloop

import telemetry
from intake.due_runs import Wakers
from intake.loop import Intake
from settings import Settings
from store.engine import Database
from whatsapp.accounts import Accounts
from workers.app_secrets import watched_secrets
from workers.limits import watched_pacing
from workflows.client import (
    CheckSchedules,
    CheckStarter,
    ConversationStarter,
    DeliveryStarter,
    OnboardingStarter,
    connect,
)
from workflows.contracts import ConversationInput
from workflows.event_contracts import DeliveryInput
from workflows.onboarding_contracts import OnboardingInput

_LAST_TRY = timedelta(seconds=5)
"""What Temporal allows past the life of a code: our own judgement of it comes first, with words."""
_RECORDING = timedelta(seconds=15)
"""For what stands around a delivery's post: reading it, and recording what came of it."""


def run_intake(settings: Settings) -> None:
    """Run the intake until SIGTERM or SIGINT, with /metrics of its own if a port is set."""
    telemetry.configure(settings.log.level, settings.log.format)
    with contextlib.ExitStack() as ending:
        if settings.intake.intake_metrics_port:
            host, port = settings.intake.intake_metrics_host, settings.intake.intake_metrics_port
            ending.callback(telemetry.serve_metrics(port, host=host))
        uvloop.run(_intake_until_signalled(settings))


def accounts_of(settings: Settings, client: httpx.AsyncClient) -> Accounts:
    """Meta's management calls, over a client of `egress.graph_client`."""
    meta = settings.meta
    return Accounts(
        client,
        base_url=meta.graph_url,
        version=meta.graph_version,
        app_id=meta.app_id,
        secrets=watched_secrets(meta),
        deadline=meta.graph_deadline,
        pacing=watched_pacing(),
    )


async def intake_of(settings: Settings, database: Database) -> Intake:
    """The intake over a database, with its way to Temporal."""
    rules, agent = settings.conversation, settings.agent
    limits = ConversationInput(
        conversation_id="",
        events_per_run=rules.events_per_run,
        linger=rules.linger,
        ask_timeout=agent.timeout,
        ask_attempts=agent.attempts,
        ask_total=agent.total_timeout,
    )
    client = await connect(settings.temporal)
    calls = {"task_timeout": settings.temporal.workflow_task_timeout, "rpc_timeout": settings.intake.nudge_timeout}
    starter = ConversationStarter(client, limits=limits, **calls)
    onboardings = OnboardingStarter(client, limits=onboarding_limits(settings), **calls)
    deliveries = DeliveryStarter(client, limits=delivery_limits(settings), **calls)
    checks = CheckStarter(CheckSchedules(client, **calls), every=settings.check.every_stopped)
    return Intake(database, starter, settings.intake, wakers=Wakers(onboardings, deliveries, checks))


def onboarding_limits(settings: Settings) -> OnboardingInput:
    """What each run of an onboarding gets, but its id."""
    rules = settings.onboarding
    return OnboardingInput(
        onboarding_id="",
        patience=rules.patience,
        first_retry=rules.first_retry,
        exchange_within=rules.code_life + _LAST_TRY,
    )


def delivery_limits(settings: Settings) -> DeliveryInput:
    """What each run of an event's delivery gets, but its id."""
    rules = settings.events
    return DeliveryInput(delivery_id="", patience=rules.patience, attempt_timeout=rules.timeout + _RECORDING)


async def _intake_until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    database = open_database(settings, application="holdfast intake")
    await (await intake_of(settings, database)).run(stop)
    await database.close()


def open_database(settings: Settings, *, application: str) -> Database:
    """The pool of one process; Postgres' own lists show it under `application`."""
    url = settings.database.url.get_secret_value()
    return Database.connect(url, pool_size=settings.database.pool_size, application=application)
