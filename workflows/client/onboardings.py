"""Wakes onboardings, tells their run what a person did, and knows whether a code can be taken just now."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from workflows.client.connection import TROUBLE, LaterError, Starter, reason
from workflows.contracts import CONTROL_QUEUE, WA_ORGANIZATION, WA_STATE
from workflows.onboarding_contracts import Act, Acted, OnboardingInput, Step, onboarding_workflow_id

_READY_WITHIN = timedelta(seconds=1)
_POLLED_WITHIN = timedelta(seconds=75)
"""Temporal remembers who asked for work for five minutes; one who lives asks again within 70 s at most."""
_WAITED_FOR = timedelta(seconds=5)
"""Work that waits for longer is taken by nobody, whoever has asked lately."""


class OnboardingStarter(Starter[OnboardingInput]):
    """Wakes onboardings: signals their run, and starts one where there is none."""

    async def wake(self, onboarding_id: str, organization_id: str, *, step: Step = "exchange") -> None:
        """Tell an onboarding's run that there is something to do. Harmless when it comes twice.

        Args:
            onboarding_id: whose run it is.
            organization_id: whose onboarding it is.
            step: what a run that has to be started shows until it has read where it stands.

        Raises:
            LaterError: it did not arrive, or nobody knows. The row's due mark suffices: intake repeats it.
        """
        attributes = [SearchAttributePair(WA_ORGANIZATION, organization_id), SearchAttributePair(WA_STATE, step)]
        try:
            async with asyncio.timeout(self._rpc_timeout.total_seconds()):
                await self._client.start_workflow(
                    "OnboardingWorkflow",
                    replace(self._limits, onboarding_id=onboarding_id),
                    id=onboarding_workflow_id(onboarding_id),
                    task_queue=CONTROL_QUEUE,
                    start_signal="look",
                    task_timeout=self._task_timeout,
                    rpc_timeout=self._rpc_timeout,
                    search_attributes=TypedSearchAttributes(attributes),
                    static_summary=f"Onboarding {onboarding_id} of organization {organization_id}",
                )
        except TROUBLE as error:
            raise LaterError(reason(error)) from error

    async def act(self, onboarding_id: str, act: Act) -> bool:
        """Tell the run what a person did, once the row holds it.

        Returns False when it was refused, there is no run, or Temporal is away: the row and its due mark suffice.
        """
        handle = self._client.get_workflow_handle(onboarding_workflow_id(onboarding_id))
        try:
            async with asyncio.timeout(self._rpc_timeout.total_seconds()):
                await handle.execute_update("act", Acted(act), rpc_timeout=self._rpc_timeout)
        except (WorkflowUpdateFailedError, *TROUBLE):
            return False
        return True

    async def can_take_a_code(self) -> bool:
        """Whether a code that comes now would be exchanged in time: Temporal answers and a worker asks for work.

        Answers within a second. A worker that was killed counts for up to 75 s, unless work waits already.
        """
        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=CONTROL_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            report_stats=True,
        )
        try:
            async with asyncio.timeout(_READY_WITHIN.total_seconds()):
                queue = await self._client.workflow_service.describe_task_queue(request)
        except TROUBLE:
            return False
        if queue.stats.approximate_backlog_age.ToTimedelta() > _WAITED_FOR:
            return False
        recent = datetime.now(UTC) - _POLLED_WITHIN
        return any(poller.last_access_time.ToDatetime(tzinfo=UTC) > recent for poller in queue.pollers)
