"""Events: kept for ever, delivered to whoever wants their type."""

import re
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

from sqlalchemy import insert, text

from store import events
from store.engine import Database
from store.event_types import EVENT_TYPES, EventType
from store.ids import new_id
from store.tables import event_endpoints
from tests.rows import Number, connected_number, rows

_DOCS = Path(__file__).parents[2] / "docs" / "events.md"


async def _endpoint(database: Database, organization_id: UUID, **columns: Any) -> UUID:
    endpoint_id = new_id()
    row = {"id": endpoint_id, "organization_id": organization_id, "url": "https://example.com", "secret_sealed": b"-"}
    async with database.transaction() as connection:
        await connection.execute(insert(event_endpoints).values(row | columns))
    return endpoint_id


async def _held(database: Database, number: Number) -> UUID:
    async with database.transaction() as connection:
        return await events.emit(
            connection,
            organization_id=number.organization_id,
            type="integration.held",
            integration_id=number.integration_id,
            data={"reason": "The token is gone."},
        )


async def _deliveries(database: Database, event_id: UUID) -> list[Any]:
    query = (
        "SELECT endpoint_id, state, due_at, attempts FROM event_deliveries WHERE event_id = :id ORDER BY endpoint_id"
    )
    return await rows(database, query, id=event_id)


def test_every_type_has_a_meaning_and_a_heading() -> None:
    headings = re.findall(r"^### (\S+)$", _DOCS.read_text(), re.MULTILINE)
    assert tuple(headings) == tuple(EVENT_TYPES) == get_args(EventType)


async def test_an_event_is_due_at_once_at_each_endpoint_that_wants_its_type(database: Database) -> None:
    number = await connected_number(database)
    every = await _endpoint(database, number.organization_id)
    some = await _endpoint(database, number.organization_id, types=["integration.held", "test"])
    await _endpoint(database, number.organization_id, types=["onboarding.live"])
    event_id = await _held(database, number)
    deliveries = await _deliveries(database, event_id)
    assert [delivery.endpoint_id for delivery in deliveries] == sorted([every, some])
    assert all(delivery.due_at and delivery.state == "pending" and delivery.attempts == 0 for delivery in deliveries)


async def test_endpoints_that_are_off_deleted_or_of_others_are_not_told(database: Database) -> None:
    number = await connected_number(database)
    other = await connected_number(database, digits="15550002")
    await _endpoint(database, number.organization_id, enabled=False)
    await _endpoint(database, number.organization_id, deleted_at=text("now()"))
    await _endpoint(database, other.organization_id)
    assert await _deliveries(database, await _held(database, number)) == []


async def test_an_event_whose_transaction_is_rolled_back_never_happened(database: Database) -> None:
    number = await connected_number(database)
    await _endpoint(database, number.organization_id)
    async with database.engine.connect() as connection:  # which rolls back what nobody commits
        await events.emit(connection, organization_id=number.organization_id, type="test", data={})
    async with database.transaction() as connection:
        count = "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM event_deliveries)"
        assert (await connection.execute(text(count))).scalar_one() == 0
