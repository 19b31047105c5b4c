"""The same exchanges while many conversations are open and the worker, just started, has none of them in its cache."""

import asyncio
import time
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from bench.exchanges import EACH, FAST, drive, many
from bench.figures import Figure
from bench.house import House
from store import nudges
from store.ids import new_id

_PORTION = 250
_FIRST_WA_ID = 4916660000000
_PATIENCE = timedelta(minutes=4.5)
"""As many runs as are open by then are enough: the whole bench is to take 10 minutes at most."""

# As if each customer had written an hour ago; a mark lets intake start a run for each.
_OPEN = text("""
    WITH customer AS (
      SELECT * FROM unnest(CAST(:contacts AS uuid[]), CAST(:identities AS uuid[]), CAST(:conversations AS uuid[]),
                           CAST(:wa_ids AS text[])) AS c (contact_id, identity_id, conversation_id, wa_id)
    ), contact AS (
      INSERT INTO contacts (id, organization_id) SELECT contact_id, :organization_id FROM customer
    ), identity AS (
      INSERT INTO contact_identities (id, organization_id, contact_id, kind, value)
      SELECT identity_id, :organization_id, contact_id, 'wa_id', wa_id FROM customer
    )
    INSERT INTO conversations (id, organization_id, integration_id, contact_id, window_opened_at, last_message_at)
    SELECT conversation_id, :organization_id, :integration_id, contact_id, now() - interval '1 hour',
           now() - interval '1 hour'
    FROM customer
""")

_UNSEEN = text("SELECT count(*) FROM conversations WHERE due_at IS NOT NULL AND turn_began_at IS NULL")


async def measure(house: House, duration: timedelta, *, runs: int, crowd: int = 50) -> list[Figure]:
    """At 50 customers: each writing once, so that every exchange finds its run outside the cache; then as always."""
    opened, seconds = await _open(house, runs)
    note = f"{opened} open runs, {crowd} customers, Graph 20 ms"
    await house.stack.supervisor.restart("worker")
    cold = await drive(house, crowd, duration, graph=FAST, first_wa_id=_FIRST_WA_ID, exchanges_each=1)
    await house.stack.supervisor.restart("worker")
    usual = await drive(house, crowd, duration, graph=FAST, first_wa_id=_FIRST_WA_ID, exchanges_each=EACH)
    return [
        Figure("open_runs.opened", opened, "runs", "started and looked at, by signal-with-start"),
        Figure("open_runs.opened_per_s", opened / seconds, "1/s", "started and looked at, by signal-with-start"),
        *many("open_runs", usual, f"{note}, cache cold at the start"),
        *many("open_runs_cold", cold, f"{note}, no run in the cache: each customer writes once"),
    ]


async def _open(house: House, runs: int) -> tuple[int, float]:
    """Open conversations with a run each, `runs` or as many as patience allows; how many, and in how many seconds."""
    began = time.perf_counter()
    opened = 0
    while opened < runs and time.perf_counter() - began < _PATIENCE.total_seconds():
        # A few at a time: what stands in Temporal's queue when patience ends would be in the way of what is measured.
        portion = min(_PORTION, runs - opened)
        await _open_some(house, first=opened, count=portion)
        opened += portion
    return opened, time.perf_counter() - began


async def _open_some(house: House, *, first: int, count: int) -> None:
    values: dict[str, Any] = {
        "organization_id": house.organization_id,
        "integration_id": house.integration_id,
        "contacts": [new_id() for _ in range(count)],
        "identities": [new_id() for _ in range(count)],
        "conversations": [new_id() for _ in range(count)],
        "wa_ids": [str(_FIRST_WA_ID + first + number) for number in range(count)],
    }
    async with house.database.transaction() as connection:
        await connection.execute(_OPEN, values)
        await nudges.mark_due(connection, values["conversations"])
    while await _unseen(house):  # noqa: ASYNC110 - the worker is another process
        await asyncio.sleep(0.05)


async def _unseen(house: House) -> int:
    async with house.database.statement() as connection:
        count: int = (await connection.execute(_UNSEEN)).scalar_one()
        return count
