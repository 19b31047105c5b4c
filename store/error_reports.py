"""Unexpected errors: only an id leaves an activity or a handler, what happened is read here."""

from uuid import UUID

import structlog
from sqlalchemy import func, insert

import telemetry
from store.engine import DATABASE_ERRORS, Database
from store.ids import new_id
from store.tables import error_reports

log = structlog.get_logger(__name__)


async def record(database: Database, *, where: str, error: BaseException) -> UUID:
    """Keep an error's types and places in the code, without its messages, which may carry content; answers its id.

    Never raises for Postgres being away: then the log alone has it.
    """
    report_id = new_id()
    trace = telemetry.places(error)
    telemetry.error_reports.labels(where=where).inc()
    log.error("error.reported", error_id=report_id, where=where, trace=trace)
    try:
        async with database.transaction() as connection:
            await connection.execute(
                insert(error_reports).values(
                    id=report_id, at=func.clock_timestamp(), where=where, type=trace[0], trace=trace
                )
            )
    except DATABASE_ERRORS:
        log.warning("error.not_stored", error_id=report_id)
    return report_id
