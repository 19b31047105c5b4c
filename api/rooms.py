"""Every room of the API, in the order in which its description lists them."""

from api import (
    agent_flows,
    callbacks,
    challenge,
    checks,
    conversations,
    docs,
    events,
    health,
    integrations,
    messages,
    numbers,
    oauth,
    onboarding_answers,
    onboarding_stream,
    onboardings,
)

ROOMS = (
    challenge,
    messages,
    conversations,
    onboardings,
    onboarding_answers,
    onboarding_stream,
    oauth,
    integrations,
    checks,
    agent_flows,
    events,
    numbers,
    callbacks,
    health,
    docs,
)
ROUTERS = tuple(room.router for room in ROOMS)
