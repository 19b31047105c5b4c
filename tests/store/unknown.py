"""Messages whose outcome nobody knows, and what makes Meta's silence about them worth something."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from store import api_processes
from store.engine import Database
from store.ids import new_id
from store.tables import message_attempts, message_statuses
from tests.rows import Number, change, queued

_OVER = timedelta(seconds=121)


async def posted(
    database: Database, number: Number, conversation_id: UUID, *, ago: timedelta, attempt: int = 1, **columns: Any
) -> UUID:
    """A row that was claimed `ago`, with its attempts."""
    claimed_at = datetime.now(UTC) - ago
    values: dict[str, Any] = {"state": "sending", "attempt": attempt, "claimed_at": claimed_at}
    message_id = await queued(database, number, conversation_id, **values | columns)
    for tried in range(1, attempt + 1):
        state = "posting" if tried == attempt else "unknown"
        when = {"state": state, "claimed_at": claimed_at}
        await attempted(database, number.organization_id, message_id, attempt=tried, **when)
    return message_id


async def attempted(database: Database, organization_id: UUID, message_id: UUID, **columns: Any) -> None:
    """An attempt at sending it."""
    values = {"message_id": message_id, "organization_id": organization_id}
    async with database.transaction() as connection:
        await connection.execute(insert(message_attempts).values(values | columns))


async def unknown(
    database: Database, number: Number, conversation_id: UUID, *, wait_over: bool = True, **columns: Any
) -> UUID:
    """A row of unknown outcome; its wait for a status is over, or goes on for a minute."""
    until = datetime.now(UTC) + timedelta(seconds=-1 if wait_over else 60)
    values: dict[str, Any] = {"state": "unknown", "unknown_until": until} | columns
    message_id = await posted(database, number, conversation_id, ago=_OVER, **values)
    await change(database, "UPDATE message_attempts SET state = 'unknown' WHERE message_id = :id", id=message_id)
    return message_id


async def asked(database: Database, number: Number, conversation_id: UUID, **columns: Any) -> UUID:
    """A row of unknown outcome about which a person is asked."""
    return await unknown(database, number, conversation_id, **{"unknown_until": None} | columns)


async def silence_is_proof(database: Database, number: Number, conversation_id: UUID) -> None:
    """Somebody has listened all the time, and three messages sent later have been heard of."""
    process_id = new_id()
    await api_processes.start(database, process_id)
    await change(database, "DELETE FROM webhook_gaps")
    await change(database, "UPDATE api_processes SET started_at = now() - interval '5 minutes'")
    for place in range(3):
        later = await posted(
            database, number, conversation_id, ago=timedelta(seconds=10), queue_no=1000 + place, state="accepted"
        )
        async with database.transaction() as connection:
            await connection.execute(
                insert(message_statuses).values(
                    organization_id=number.organization_id,
                    integration_id=number.integration_id,
                    message_id=later,
                    attempt=1,
                    wamid=f"wamid.{later}",
                    status="sent",
                    meta_timestamp=datetime.now(UTC),
                    raw={},
                    webhook_event_id=1,
                    place=place,
                )
            )
