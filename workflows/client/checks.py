"""The Schedules of the numbers' checks: one per integration, which ops see, run and pause."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode

from workflows.check_contracts import CheckInput, check_schedule_id
from workflows.client.connection import RPC_TIMEOUT, TROUBLE, LaterError, reason
from workflows.contracts import CONTROL_QUEUE, WA_INTEGRATION, WA_ORGANIZATION

_JITTER = 0.05
"""Of the interval: numbers that were connected together are not checked together."""


class CheckSchedules:
    """Makes, changes, runs and removes the Schedules of checks. Every call may be repeated.

    Args:
        client: see `connect`.
        task_timeout: of a check's workflow tasks: how long what a killed worker held stands still.
        rpc_timeout: of one call, the SDK's own repetitions included.

    All of its methods raise `LaterError` when Temporal is away.
    """

    def __init__(
        self,
        client: Client,
        *,
        task_timeout: timedelta = timedelta(seconds=4),
        rpc_timeout: timedelta = RPC_TIMEOUT,
    ) -> None:
        self._client = client
        self._task_timeout = task_timeout
        self._rpc_timeout = rpc_timeout

    async def ensure(self, integration_id: str, organization_id: str, *, every: timedelta) -> None:
        """Have the number checked this often: makes its Schedule, or changes the interval of the one there is.

        One that ops have paused stays paused.
        """
        schedule = self._schedule(integration_id, organization_id, every)
        async with self._in_time():
            try:
                await self._client.create_schedule(
                    check_schedule_id(integration_id),
                    schedule,
                    search_attributes=_search_attributes(integration_id, organization_id),
                    rpc_timeout=self._rpc_timeout,
                )
            except ScheduleAlreadyRunningError:
                await self._change_interval(integration_id, schedule.spec)

    async def remove(self, integration_id: str) -> None:
        """End the checks of a number. That there is no Schedule is no error."""
        handle = self._client.get_schedule_handle(check_schedule_id(integration_id))
        async with self._in_time():
            try:
                await handle.delete(rpc_timeout=self._rpc_timeout)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise

    async def trigger(self, integration_id: str) -> bool:
        """Check now, unless a check is running. False: there is no Schedule."""
        handle = self._client.get_schedule_handle(check_schedule_id(integration_id))
        async with self._in_time():
            try:
                await handle.trigger(overlap=ScheduleOverlapPolicy.SKIP, rpc_timeout=self._rpc_timeout)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                return False
        return True

    async def missing(self, integration_ids: Collection[str]) -> set[str]:
        """Which of these have no Schedule. One made a moment ago may count as missing: ensure it, that is harmless."""
        there = set()
        try:
            async for listed in await self._client.list_schedules(rpc_timeout=self._rpc_timeout):
                there.add(listed.id)
        except TROUBLE as error:
            raise LaterError(reason(error)) from error
        return {integration for integration in integration_ids if check_schedule_id(integration) not in there}

    async def _change_interval(self, integration_id: str, spec: ScheduleSpec) -> None:
        def change(found: ScheduleUpdateInput) -> ScheduleUpdate | None:
            schedule = found.description.schedule
            if schedule.spec.intervals == spec.intervals:
                return None
            schedule.spec = spec
            return ScheduleUpdate(schedule)

        handle = self._client.get_schedule_handle(check_schedule_id(integration_id))
        await handle.update(change, rpc_timeout=self._rpc_timeout)

    def _schedule(self, integration_id: str, organization_id: str, every: timedelta) -> Schedule:
        action = ScheduleActionStartWorkflow(
            "NumberCheckWorkflow",
            CheckInput(integration_id),
            id=check_schedule_id(integration_id),  # Temporal adds `-<time>`
            task_queue=CONTROL_QUEUE,
            task_timeout=self._task_timeout,
            typed_search_attributes=_search_attributes(integration_id, organization_id),
            static_summary=f"Check of number {integration_id}",
        )
        return Schedule(
            action=action,
            spec=_spec(integration_id, every),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=10)),
        )

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(2 * self._rpc_timeout.total_seconds()):
                yield
        except TROUBLE as error:
            raise LaterError(reason(error)) from error


class CheckStarter:
    """Has numbers checked now by their Schedules; one that is gone is made first, with the interval of held numbers.

    `ScheduleCare` gives it the right one later. Both methods raise `LaterError` when Temporal is away.
    """

    def __init__(self, schedules: CheckSchedules, *, every: timedelta) -> None:
        self._schedules = schedules
        self._every = every

    async def wake(self, integration_id: str, organization_id: str) -> None:
        """Check the number, unless a check is running."""
        if await self._schedules.trigger(integration_id):
            return
        await self._schedules.ensure(integration_id, organization_id, every=self._every)
        await self._schedules.trigger(integration_id)

    async def end(self, integration_id: str) -> None:
        """Remove the Schedule of a number that was disconnected."""
        await self._schedules.remove(integration_id)


def _spec(integration_id: str, every: timedelta) -> ScheduleSpec:
    """Intervals count from 1970, so that each number gets its own place within them: else all are due at midnight."""
    seconds = max(1, int(every.total_seconds()))
    offset = timedelta(seconds=UUID(integration_id).int % seconds)
    return ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every, offset=offset)], jitter=every * _JITTER)


def _search_attributes(integration_id: str, organization_id: str) -> TypedSearchAttributes:
    return TypedSearchAttributes(
        [SearchAttributePair(WA_ORGANIZATION, organization_id), SearchAttributePair(WA_INTEGRATION, integration_id)]
    )
