"""Every room of the API, in the order in which its description lists them."""

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


ROUTES: tuple[BaseRoute, ...] = tuple(route for room in ROOMS for route in room.router.routes)
"""Their routes, for any number of apps: what FastAPI learns of each (10 ms a route) it learns once in a process.

As they are, not through a router that includes them: of what that includes FastAPI learns everything a second time, at
the first request.
"""
