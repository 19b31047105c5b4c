"""What load balancers and monitoring ask: alive, ready, in figures."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response
from temporalio.service import RPCError

import telemetry
from api.examples import answers
from api.problems import MEDIA_TYPE, problem_body
from settings import TemporalSettings
from store.engine import DATABASE_ERRORS, Database
from store.status import ping
from workflows.client import connect

_PATIENCE_SECONDS = 2.0

Check = Callable[[], Awaitable[str | None]]
"""What is wrong with a part, in words; None when nothing is."""


def database_check(database: Database) -> Check:
    """Whether Postgres answers."""

    async def check() -> str | None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await ping(database)
        except DATABASE_ERRORS as error:
            return f"Postgres does not answer ({type(error).__name__}); webhooks are refused until it does."
        return None

    return check


def temporal_check(where: TemporalSettings) -> Check:
    """Whether Temporal answers, by a connection of its own: what an old one still believes is no answer."""

    async def check() -> str | None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                client = await connect(where)
                await client.service_client.check_health()
        except (RPCError, RuntimeError, OSError) as error:
            return f"Temporal does not answer at {where.address} ({type(error).__name__}); webhooks are kept meanwhile."
        return None

    return check


router = APIRouter(tags=["Operation"])


@router.get("/health", responses=answers(200, {"status": "ok"}))
async def health() -> dict[str, str]:
    """Tell that the process answers; it says nothing about its parts."""
    return {"status": "ok"}


@router.get("/ready", response_model=None, responses=answers(200, {"database": "ok", "temporal": "ok"}, 503))
async def ready(request: Request) -> Response | dict[str, str]:
    """Tell whether everything that is needed answers, and what is missing. Webhooks need nothing but Postgres."""
    checks: dict[str, Check] = request.app.state.checks
    found = dict(zip(checks, await asyncio.gather(*(check() for check in checks.values())), strict=True))
    missing = {name: wrong for name, wrong in found.items() if wrong is not None}
    if not missing:
        return dict.fromkeys(found, "ok")
    body = problem_body(
        "not_ready", 503, " ".join(missing.values()), next_step="Start what is missing.", missing=sorted(missing)
    )
    return Response(body, 503, media_type=MEDIA_TYPE)


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus text.",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": "holdfast_webhook_acks_total 42.0\n"}},
        }
    },
)
async def metrics() -> Response:
    """Show this process's metrics."""
    return Response(telemetry.render_metrics(), media_type=telemetry.METRICS_CONTENT_TYPE)
