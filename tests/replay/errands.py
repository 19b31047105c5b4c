"""The short runs to be recorded: checks of numbers and deliveries of events."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from workflows.check_contracts import CheckActivities, Checked, CheckInput, CheckNumber
from workflows.event_contracts import Deliver, Delivered, DeliveryInput, EventActivities, GiveUpDelivery
from workflows.event_delivery import EventDeliveryWorkflow
from workflows.number_check import NumberCheckWorkflow

_SECOND = timedelta(seconds=1)


class Scripted(CheckActivities, EventActivities):
    """Fails as often as a test says, then answers."""

    def __init__(self, failures: int) -> None:
        self._failures = failures

    @activity.defn(name="check_integration")
    async def check_integration(self, command: CheckNumber) -> Checked:
        self._fail("Meta gave no answer: no connection to Graph.")
        return Checked(command.integration_id, "held", ["token_invalid"], ["subscription_missing"], ["quality_low"])

    @activity.defn(name="deliver_event")
    async def deliver_event(self, command: Deliver) -> Delivered:
        assert command.delivery_id
        self._fail("The endpoint answered with HTTP 503.")
        return Delivered("delivered", "The endpoint answered 200.")

    @activity.defn(name="give_up_delivery")
    async def give_up_delivery(self, command: GiveUpDelivery) -> Delivered:
        return Delivered("failed", command.detail)

    def _fail(self, words: str) -> None:
        if activity.info().attempt <= self._failures:
            raise ApplicationError(words, type="unavailable", next_retry_delay=_SECOND)


@dataclass(frozen=True, slots=True)
class Errand:
    """A run by script, played to its end."""

    workflow: str
    start: Callable[[str], CheckInput | DeliveryInput]
    failures: int = 0

    @asynccontextmanager
    async def played(self, client: Client) -> AsyncIterator[WorkflowHandle[Any, Any]]:
        queue, script, id_ = f"test-{uuid4()}", Scripted(self.failures), str(uuid4())
        async with Worker(
            client,
            task_queue=queue,
            workflows=[NumberCheckWorkflow, EventDeliveryWorkflow],
            activities=[script.check_integration, script.deliver_event, script.give_up_delivery],
        ):
            run = await client.start_workflow(self.workflow, self.start(id_), id=id_, task_queue=queue)
            await run.result()
            yield run


def checks() -> dict[str, Errand]:
    """Checks by their names."""
    name = "NumberCheckWorkflow"
    return {
        "done": Errand(name, CheckInput),
        "repeated": Errand(name, CheckInput, failures=2),
        "unanswered": Errand(name, lambda number: CheckInput(number, timeout=2 * _SECOND), failures=99),
    }


def deliveries() -> dict[str, Errand]:
    """Deliveries by their names."""
    name = "EventDeliveryWorkflow"
    return {
        "delivered": Errand(name, DeliveryInput),
        "repeated": Errand(name, DeliveryInput, failures=2),
        "given-up": Errand(name, lambda delivery: DeliveryInput(delivery, patience=2 * _SECOND), failures=99),
    }
