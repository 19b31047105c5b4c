"""Starts the delivery of an event to the business's software, where no run is at it already."""

import asyncio
from dataclasses import replace

from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy

from workflows.client.connection import TROUBLE, LaterError, Starter, reason
from workflows.contracts import CONTROL_QUEUE, WA_ORGANIZATION
from workflows.event_contracts import DeliveryInput, event_workflow_id


class DeliveryStarter(Starter[DeliveryInput]):
    """Wakes deliveries: a run that is there goes on as it is, its retries are Temporal's."""

    async def wake(self, delivery_id: str, organization_id: str) -> None:
        """Make sure that a run is at this delivery. Harmless when it comes twice.

        Raises:
            LaterError: there may be none; the row's due mark suffices: intake repeats it.
        """
        try:
            async with asyncio.timeout(self._rpc_timeout.total_seconds()):
                await self._client.start_workflow(
                    "EventDeliveryWorkflow",
                    replace(self._limits, delivery_id=delivery_id),
                    id=event_workflow_id(delivery_id),
                    task_queue=CONTROL_QUEUE,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    task_timeout=self._task_timeout,
                    rpc_timeout=self._rpc_timeout,
                    search_attributes=TypedSearchAttributes([SearchAttributePair(WA_ORGANIZATION, organization_id)]),
                    static_summary=f"Event delivery {delivery_id} of organization {organization_id}",
                )
        except TROUBLE as error:
            raise LaterError(reason(error)) from error
