"""Every room of the API, in the order in which its description lists them."""

from api import (
    agent_flows,
    callbacks,
    challenge,
    conversations,
    docs,
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
    agent_flows,
    numbers,
    callbacks,
    health,
    docs,
)
ROUTERS = tuple(room.router for room in ROOMS)
