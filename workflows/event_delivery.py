"""One event to one endpoint of the business: offered until it is taken, for a day, then given up with notice."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError, is_cancelled_exception

# Data without a decision in it: in the sandbox it is not loaded anew for each run.
with workflow.unsafe.imports_passed_through():
    from workflows.event_contracts import Deliver, Delivered, DeliveryInput, EventActivities, GiveUpDelivery

_HEARTBEAT = timedelta(seconds=5)
_GIVE_UP = timedelta(seconds=30)


@workflow.defn(name="EventDeliveryWorkflow")
class EventDeliveryWorkflow:
    """Postgres holds the event and what became of each attempt; Temporal holds that there is another one."""

    @workflow.run
    async def run(self, start: DeliveryInput) -> Delivered:
        """Deliver, or give up. Never fails: that an endpoint is down is no defect."""
        workflow.set_current_details(f"Event delivery {start.delivery_id} is being offered.")
        try:
            delivered = await self._deliver(start)
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            delivered = await self._give_up(start, _reason(error))
        workflow.set_current_details(f"Event delivery {start.delivery_id}: {delivered.state}. {delivered.says}")
        return delivered

    async def _deliver(self, start: DeliveryInput) -> Delivered:
        """One activity, repeated by Temporal: ops see attempt, reason and next attempt in the Web UI."""
        return await workflow.execute_activity_method(
            EventActivities.deliver_event,
            Deliver(start.delivery_id, start.first_retry, start.longest_retry),
            start_to_close_timeout=start.attempt_timeout,
            schedule_to_close_timeout=start.patience,
            heartbeat_timeout=_HEARTBEAT,
            # The attempt says itself when the next one is due; this is for those that cannot say anything.
            retry_policy=RetryPolicy(initial_interval=start.first_retry, maximum_interval=start.longest_retry),
            summary=f"deliver {start.delivery_id}",
        )

    async def _give_up(self, start: DeliveryInput, reason: str) -> Delivered:
        return await workflow.execute_activity_method(
            EventActivities.give_up_delivery,
            GiveUpDelivery(start.delivery_id, reason),
            start_to_close_timeout=_GIVE_UP,
            heartbeat_timeout=_HEARTBEAT,
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)),
            summary="give up and switch the endpoint off",
        )


def _reason(error: FailureError) -> str:
    """The words of the last attempt; a time-out of the whole carries them as its cause."""
    innermost = error
    while isinstance(innermost.cause, FailureError):
        innermost = innermost.cause
    return innermost.message
