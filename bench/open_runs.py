"""The same exchanges while many conversations are open and the worker, just started, has none of them in its cache."""

import asyncio
from datetime import timedelta

from sqlalchemy import text

from bench.exchanges import EACH, FAST, drive, many
from bench.figures import Figure
from bench.house import House
from cli.errors import CommandError
from store.ids import new_id

_FIRST_WA_ID = 4916660000000
_PATIENCE = timedelta(minutes=4)

# As if each customer had written an hour ago; the mark lets intake start a run for each.
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
    INSERT INTO conversations (id, organization_id, integration_id, contact_id, window_opened_at, last_message_at,
                               due_at)
    SELECT conversation_id, :organization_id, :integration_id, contact_id, now() - interval '1 hour',
           now() - interval '1 hour', now()
    FROM customer
""")

_UNSEEN = text("SELECT count(*) FROM conversations WHERE turn_began_at IS NULL AND due_at <= now()")


class NotOpenedError(CommandError):
    """The conversations were not all looked at in time."""


async def measure(house: House, duration: timedelta, *, runs: int) -> list[Figure]:
    """At 50 customers: each writing once, so that every exchange finds its run outside the cache; then as always."""
    opened_in = await _open(house, runs)
    note = f"{runs} open runs, 50 customers, Graph 20 ms"
    await house.stack.supervisor.restart("worker")
    cold = await drive(house, 50, duration, graph=FAST, first_wa_id=_FIRST_WA_ID, exchanges_each=1)
    await house.stack.supervisor.restart("worker")
    usual = await drive(house, 50, duration, graph=FAST, first_wa_id=_FIRST_WA_ID, exchanges_each=EACH)
    return [
        Figure("open_runs.opened_per_s", runs / opened_in, "1/s", "runs started and looked at, by signal-with-start"),
        *many("open_runs", usual, f"{note}, cache cold at the start"),
        *many("open_runs_cold", cold, f"{note}, no run in the cache: each customer writes once"),
    ]


async def _open(house: House, runs: int) -> float:
    """Open so many conversations with a run each; seconds until all are looked at."""
    began = asyncio.get_running_loop().time()
    values = {
        "organization_id": house.organization_id,
        "integration_id": house.integration_id,
        "contacts": [new_id() for _ in range(runs)],
        "identities": [new_id() for _ in range(runs)],
        "conversations": [new_id() for _ in range(runs)],
        "wa_ids": [str(_FIRST_WA_ID + number) for number in range(runs)],
    }
    async with house.database.transaction() as connection:
        await connection.execute(_OPEN, values)
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            while await _unseen(house):  # noqa: ASYNC110 - the worker is another process
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise NotOpenedError(f"{await _unseen(house)} of {runs} conversations were not looked at") from None
    return asyncio.get_running_loop().time() - began


async def _unseen(house: House) -> int:
    async with house.database.transaction() as connection:
        count: int = (await connection.execute(_UNSEEN)).scalar_one()
        return count
