"""What leaves an activity that failed: words of ours, never those of an exception, which may be content."""

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.failures import FailureGuard
from store.engine import Database
from store.errors import HoldfastError
from tests.rows import rows

CONTENT = "what the customer wrote"


class _Raises(ActivityInboundInterceptor):
    """An activity that fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ARG002 - Temporal's names
        raise self._error


async def _failure_of(database: Database, error: Exception) -> ApplicationError:
    guarded = FailureGuard(database).intercept_activity(_Raises(error))
    nothing = ExecuteActivityInput(fn=print, args=[], executor=None, headers={})
    with pytest.raises(ApplicationError) as raised:
        await ActivityEnvironment().run(guarded.execute_activity, nothing)
    return raised.value


async def test_a_defect_leaves_as_an_id_under_which_postgres_keeps_its_place(database: Database) -> None:
    failure = await _failure_of(database, KeyError(CONTENT))
    (report,) = await rows(database, "SELECT id, type, trace FROM error_reports")
    assert failure.message == f"A defect of ours, error id {report.id}: see error_reports."
    assert (failure.type, failure.__cause__) == ("defect", None)
    assert report.type == "builtins.KeyError"
    assert CONTENT not in str(report.trace)


async def test_an_error_of_postgres_leaves_as_its_kind_alone(database: Database) -> None:
    failure = await _failure_of(database, IntegrityError(f"INSERT {CONTENT}", {"x": CONTENT}, Exception(CONTENT)))
    assert failure.message == "Postgres does not answer as it should (IntegrityError)."
    assert (failure.type, failure.__cause__, failure.non_retryable) == ("unavailable", None, False)


async def test_our_own_errors_leave_with_their_words(database: Database) -> None:
    failure = await _failure_of(database, HoldfastError("The agent answered with HTTP 500."))
    assert failure.message == "The agent answered with HTTP 500."
