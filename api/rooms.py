"""Every room of the API, in the order in which its description lists them."""

from fastapi import APIRouter
from starlette.routing import BaseRoute

from api import (
    agent_flows,
    callbacks,
    challenge,
    checks,
    consents,
    conversations,
    docs,
    events,
    health,
    integrations,
    media,
    messages,
    numbers,
    oauth,
    onboarding_answers,
    onboarding_stream,
    onboardings,
    proactive,
    profile,
    templates,
)

ROOMS = (
    challenge,
    messages,
    media,
    proactive,
    conversations,
    consents,
    templates,
    onboardings,
    onboarding_answers,
    onboarding_stream,
    oauth,
    integrations,
    profile,
    checks,
    agent_flows,
    events,
    numbers,
    callbacks,
    health,
    docs,
)


def _included() -> tuple[BaseRoute, ...]:
    router = APIRouter()
    for room in ROOMS:
        router.include_router(room.router)
    return tuple(router.routes)


ROUTES = _included()
"""Their routes, for any number of apps: what FastAPI learns of each (10 ms a route) it learns once in a process."""
