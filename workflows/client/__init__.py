"""The way to Temporal: connects, starts, signals, updates, schedules. The only package that does."""

from workflows.client.checks import CheckSchedules, CheckStarter
from workflows.client.connection import Address, LaterError, connect
from workflows.client.conversations import ConversationStarter, DueConversation
from workflows.client.deliveries import DeliveryStarter
from workflows.client.onboardings import OnboardingStarter

__all__ = [
    "Address",
    "CheckSchedules",
    "CheckStarter",
    "ConversationStarter",
    "DeliveryStarter",
    "DueConversation",
    "LaterError",
    "OnboardingStarter",
    "connect",
]
