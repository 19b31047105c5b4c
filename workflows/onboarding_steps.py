"""What belongs to each step of an onboarding: its activity, how that is repeated, and what it is called."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import Priority, RetryPolicy

# Data without a decision in it: in the sandbox it is not loaded anew for each run.
with workflow.unsafe.imports_passed_through():
    from workflows.contracts import CONTROL_QUEUE
    from workflows.onboarding_contracts import (
        Ended,
        EndOnboarding,
        OnboardingActivities,
        OnboardingInput,
        Standing,
        Step,
        StepOutcome,
        TakeStep,
        Wait,
    )

HEARTBEAT = timedelta(seconds=5)
_LONGEST = timedelta(hours=1)
"""For all attempts at a step; then it begins anew, in a new run if this one has grown long by what came meanwhile."""

_ACTIVITIES: dict[Step, Callable[[Any, TakeStep], Awaitable[StepOutcome]]] = {
    "exchange": OnboardingActivities.exchange_code,
    "inspect": OnboardingActivities.inspect_token,
    "find": OnboardingActivities.find_number,
    "connect": OnboardingActivities.connect_integration,
    "subscribe": OnboardingActivities.subscribe_app,
    "register": OnboardingActivities.register_number,
    "check": OnboardingActivities.check_number,
    "activate": OnboardingActivities.activate_integration,
    "prove": OnboardingActivities.await_proof,
}

_FIRST = Priority(priority_key=1)
"""Before checks and deliveries (3): a code lives 30 s, and a person looks on."""

DOES: dict[Step, str] = {
    "exchange": "exchange the code for a token",
    "inspect": "inspect the token",
    "find": "find the number",
    "connect": "connect the integration",
    "subscribe": "subscribe the app",
    "register": "register the number",
    "check": "check the number",
    "activate": "activate the integration",
    "prove": "look for the proof",
}

WAITS_FOR: dict[Wait, str] = {
    "code": "a person, who has to sign in again",
    "number": "a person's choice of the number",
    "pin": "a person, who knows the number's PIN",
    "retry": "a person's repair, and their word to try again",
    "proof": "a first message to the number",
}


def take(command: TakeStep, start: OnboardingInput) -> workflow.ActivityHandle[StepOutcome]:
    """Begin a step. Cancelled, it ends when its attempt has ended, so that what was asked of Meta is recorded."""
    return workflow.start_activity_method(
        _ACTIVITIES[command.step],
        command,
        task_queue=CONTROL_QUEUE,
        start_to_close_timeout=start.step_timeout,
        schedule_to_close_timeout=start.exchange_within if command.step == "exchange" else _LONGEST,
        heartbeat_timeout=HEARTBEAT,
        # A number is locked for 72 h after 10 register calls: only the step itself knows whether it may be repeated.
        retry_policy=_repeated(start, attempts=1 if command.step == "register" else 0),
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=DOES[command.step],
        priority=_FIRST,
    )


async def read(start: OnboardingInput) -> Standing:
    """Read where the onboarding stands by its rows."""
    return await workflow.execute_activity_method(
        OnboardingActivities.where_it_stands,
        start.onboarding_id,
        task_queue=CONTROL_QUEUE,
        start_to_close_timeout=start.step_timeout,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=_repeated(start),
        summary="read where it stands",
        priority=_FIRST,
    )


async def end(command: EndOnboarding, start: OnboardingInput) -> Ended:
    """Take back what was done and record the end."""
    return await workflow.execute_activity_method(
        OnboardingActivities.end_onboarding,
        command,
        task_queue=CONTROL_QUEUE,
        start_to_close_timeout=start.step_timeout,
        heartbeat_timeout=HEARTBEAT,
        retry_policy=_repeated(start),
        summary=f"take back what was done: {command.code or command.state}",
        priority=_FIRST,
    )


def _repeated(start: OnboardingInput, *, attempts: int = 0) -> RetryPolicy:
    """Without end when `attempts` is 0. Temporal refuses a first wait that is longer than the longest."""
    longest = max(start.first_retry, start.longest_retry)
    return RetryPolicy(initial_interval=start.first_retry, maximum_interval=longest, maximum_attempts=attempts)
