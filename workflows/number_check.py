"""One check of one number: a single activity, repeated while Meta does not answer. Started by the number's Schedule."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError, is_cancelled_exception

# Data without a decision in it: in the sandbox it is not loaded anew for each run.
with workflow.unsafe.imports_passed_through():
    from workflows.check_contracts import CheckActivities, Checked, CheckInput, CheckNumber

_HEARTBEAT = timedelta(seconds=5)
_ATTEMPT = timedelta(minutes=2)
"""For one attempt: ten calls of 12 s at most each."""
_ATTEMPTS = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


@workflow.defn(name="NumberCheckWorkflow")
class NumberCheckWorkflow:
    """Reads and decides nothing itself: what was found stands in Postgres."""

    @workflow.run
    async def run(self, start: CheckInput) -> Checked:
        """Check once. Never fails: that Meta is away is no defect, and the next check comes by itself."""
        try:
            checked = await workflow.execute_activity_method(
                CheckActivities.check_integration,
                CheckNumber(start.integration_id),
                start_to_close_timeout=min(_ATTEMPT, start.timeout),
                schedule_to_close_timeout=start.timeout,
                heartbeat_timeout=_HEARTBEAT,
                retry_policy=_ATTEMPTS,
                summary=f"check number {start.integration_id}",
            )
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            checked = Checked(start.integration_id, says=f"Not checked this time: {_reason(error)}")
        workflow.set_current_details(_in_words(checked))
        return checked


def _in_words(checked: Checked) -> str:
    parts = [f"Number {checked.integration_id}" + (f" is {checked.state}." if checked.state else ".")]
    for name, codes in (("Found", checked.found), ("Repaired", checked.repaired), ("Gone", checked.cleared)):
        parts += [f"{name}: {', '.join(codes)}."] if codes else []
    return " ".join([*parts, checked.says]).strip()


def _reason(error: FailureError) -> str:
    innermost = error
    while isinstance(innermost.cause, FailureError):
        innermost = innermost.cause
    return innermost.message
