"""The API's process, wired: the edge, and the intake in it unless INTAKE says otherwise."""

import asyncio

import uvloop

import egress
import telemetry
from api.app import create_app
from api.server import server
from cli.roles import accounts_of, intake_of, onboarding_limits, open_database
from settings import Settings
from workflows.client import CheckSchedules, OnboardingStarter, connect

_CALLS = 20
"""Connections to Graph that the API keeps open at most: it asks about a token now and then."""


def run_api(settings: Settings) -> None:
    """Serve the API until SIGTERM or SIGINT, with the intake in it unless INTAKE says otherwise."""
    telemetry.configure(settings.log.level, settings.log.format)
    uvloop.run(_serve_api(settings))


async def _serve_api(settings: Settings) -> None:
    database = open_database(settings, application="holdfast api")

    async def run_embedded_intake(stop: asyncio.Event) -> None:
        await (await intake_of(settings, database)).run(stop)

    task_timeout = settings.temporal.workflow_task_timeout
    temporal = await connect(settings.temporal)
    async with egress.graph_client(max_connections=_CALLS) as graph:
        app = create_app(
            settings,
            database=database,
            background=[run_embedded_intake] if settings.intake.intake == "embedded" else [],
            starter=OnboardingStarter(temporal, limits=onboarding_limits(settings), task_timeout=task_timeout),
            schedules=CheckSchedules(temporal, task_timeout=task_timeout),
            accounts=accounts_of(settings, graph),
        )
        edge = settings.api
        serving = server(
            app, host=edge.host, port=edge.port, trusted_proxies=edge.trusted_proxies, on_stop=app.stop_streams
        )
        await serving.serve()
