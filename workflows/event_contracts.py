"""What crosses between the delivery of an event to the business's software, its activities and its starters."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity


def event_workflow_id(delivery_id: str) -> str:
    """The one id of a delivery's runs."""
    return f"event/{delivery_id}"


@dataclass(frozen=True, slots=True)
class DeliveryInput:
    """What a delivery's run starts with: one event to one endpoint."""

    delivery_id: str
    patience: timedelta = timedelta(days=1)
    """How long it is tried before the endpoint is given up."""
    first_retry: timedelta = timedelta(seconds=5)
    longest_retry: timedelta = timedelta(hours=2)
    attempt_timeout: timedelta = timedelta(seconds=40)
    """For one attempt; longer than the post's own limit (EVENTS_TIMEOUT)."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Post the event once. The waits say how long until the next attempt, should this one come to nothing."""

    delivery_id: str
    first_retry: timedelta = timedelta(seconds=5)
    longest_retry: timedelta = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The endpoint took it, or nobody wants it any more. Anything else is raised, and Temporal repeats it."""

    state: str
    """delivered or failed (the endpoint is gone or switched off)."""
    says: str = ""


@dataclass(frozen=True, slots=True)
class GiveUpDelivery:
    """Record that the endpoint did not take it in time, and switch the endpoint off with notice."""

    delivery_id: str
    detail: str


class EventActivities(ABC):
    """Typed stubs of a delivery's activities."""

    @activity.defn(name="deliver_event")
    @abstractmethod
    async def deliver_event(self, command: Deliver) -> Delivered:
        """Post the event, signed; recorded with status and reason. Raises what is to be tried again."""

    @activity.defn(name="give_up_delivery")
    @abstractmethod
    async def give_up_delivery(self, command: GiveUpDelivery) -> Delivered:
        """Record the end and switch the endpoint off. Safe to repeat."""
