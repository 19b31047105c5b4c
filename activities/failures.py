"""What leaves an activity: our own family in words, anything else as an error id with its details in Postgres.

Temporal writes failures to its history, so an exception's message may carry no content and no secret. The original is
cut off (`from None`) and its trace stays in `error_reports`.
"""

from typing import Any

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from store import error_reports
from store.engine import DATABASE_ERRORS, Database
from store.errors import HoldfastError

log = structlog.get_logger()


class FailureGuard(Interceptor):
    """Put around every activity of a worker."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  # Temporal's name
        """Temporal's hook."""
        return _Guarded(next, self._database)


class _Guarded(ActivityInboundInterceptor):
    def __init__(self, following: ActivityInboundInterceptor, database: Database) -> None:
        super().__init__(following)
        self._database = database

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  # Temporal's name
        try:
            return await super().execute_activity(input)
        except FailureError:
            raise
        except HoldfastError as error:
            final = getattr(error, "final", False)
            wait = getattr(error, "retry_in", None)
            raise ApplicationError(error.detail, type=error.code, non_retryable=final, next_retry_delay=wait) from None
        except DATABASE_ERRORS as error:
            kind = type(error).__name__
            log.warning("activity.database_away", activity=activity.info().activity_type, error=kind)
            raise ApplicationError(f"Postgres does not answer as it should ({kind}).", type="unavailable") from None
        except Exception as error:
            if is_cancelled_exception(error):
                raise
            raise await self._defect(error) from None

    async def _defect(self, error: Exception) -> ApplicationError:
        where = f"activity {activity.info().activity_type}"
        report = await error_reports.record(self._database, where=where, error=error)
        return ApplicationError(f"A defect of ours, error id {report}: see error_reports.", type="defect")
