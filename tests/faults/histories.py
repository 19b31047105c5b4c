"""What Temporal's histories tell of the tasks of a line's runs."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

from temporalio.api.enums.v1 import EventType, TimeoutType

from tests.faults.house import House

_TIMED_OUT = EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT
_SCHEDULED = EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED
_NOT_ENDED = TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE


async def task_time_outs(house: House, *, after: datetime) -> int:
    """Workflow tasks that a worker took after that instant and did not end in time."""
    return sum([_time_outs(events, after) async for events in _histories(house)])


async def _histories(house: House) -> AsyncIterator[Sequence[Any]]:
    client = await house.temporal()
    async for run in client.list_workflows(f"WaOrganization = '{house.line.organization_id}'"):
        yield (await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()).events


def _time_outs(events: Sequence[Any], after: datetime) -> int:
    counted = 0
    for event in events:
        if event.event_type == _TIMED_OUT:
            ended = event.workflow_task_timed_out_event_attributes
            # A task that waits in a dead worker's own queue times out too, and is nobody's fault who lives.
            taken = ended.timeout_type == _NOT_ENDED and _at(events[ended.started_event_id - 1]) > after
            counted += taken
        elif event.event_type == _SCHEDULED and _at(event) > after:
            # Only the first time-out of a task is written down; the further ones stand in its attempts.
            counted += max(0, event.workflow_task_scheduled_event_attributes.attempt - 2)
    return counted


def _at(event: Any) -> datetime:
    at: datetime = event.event_time.ToDatetime(UTC)
    return at
