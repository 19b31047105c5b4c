"""Run an activity locally first, as a regular one with Temporal's retries when that fails.

Local: three server writes for a whole exchange instead of seven. Regular: what Postgres's absence or a defect turns it
into, so that ops see it waiting with attempt and error. The activity must be safe to repeat in both forms at once.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError, is_cancelled_exception

# Data without a decision in it: in the sandbox it is not loaded anew for each run.
with workflow.unsafe.imports_passed_through():
    from workflows.contracts import ACTIVITIES_QUEUE

Command = TypeVar("Command")
Answer = TypeVar("Answer")

LOCAL = timedelta(seconds=3)
"""All local attempts together; a local activity that runs longer holds up a workflow task slot."""
_LOCAL_ATTEMPTS = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=2)
_REGULAR_ATTEMPTS = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))
_REGULAR = timedelta(seconds=30)
_HEARTBEAT = timedelta(seconds=5)


async def local_first(method: Callable[[Any, Command], Awaitable[Answer]], command: Command, *, summary: str) -> Answer:
    """Execute `method`; raises FailureError only when the run is cancelled, since the regular form retries on."""
    try:
        return await workflow.execute_local_activity_method(
            method, command, schedule_to_close_timeout=LOCAL, retry_policy=_LOCAL_ATTEMPTS, summary=summary
        )
    except FailureError as error:
        if is_cancelled_exception(error):
            raise
    return await workflow.execute_activity_method(
        method,
        command,
        task_queue=ACTIVITIES_QUEUE,
        start_to_close_timeout=_REGULAR,
        heartbeat_timeout=_HEARTBEAT,
        retry_policy=_REGULAR_ATTEMPTS,
        summary=summary,
    )
