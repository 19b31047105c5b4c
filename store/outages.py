"""Whether an error passes by itself: Postgres away, overloaded or being migrated, two transactions in a ring."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from store.errors import UnavailableError

# Connection failures, rolled back (deadlock), out of resources, lock not available, shutting down, system errors.
_PASSING_CLASSES = ("08", "40", "53", "55", "57", "58")
# The schema is not (any more) the one this code was written for: no item is to blame for that.
_SCHEMA = ("42P01", "42703")
_PASSING = (OSError, PoolTimeoutError, UnavailableError, asyncpg.InterfaceError, asyncpg.InvalidCachedStatementError)


def passes(error: BaseException) -> bool:
    """True for what another attempt, later, may overcome; False for what a statement or its values brought about."""
    causes = _causes(error)
    if any(isinstance(cause, ValueError | TypeError) for cause in causes):
        return False  # a value that the driver cannot encode
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    codes = [getattr(cause, "sqlstate", None) or "" for cause in causes]
    return any(isinstance(cause, _PASSING) for cause in causes) or any(
        code.startswith(_PASSING_CLASSES) or code in _SCHEMA for code in codes
    )


def _causes(error: BaseException) -> list[BaseException]:
    """The error, what SQLAlchemy wrapped in it, and the driver's own below that."""
    causes = [error]
    if isinstance(error, DBAPIError) and error.orig is not None:
        causes.append(error.orig)
        if error.orig.__cause__ is not None:
            causes.append(error.orig.__cause__)
    return causes
