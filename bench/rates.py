"""Four workers, two numbers of 80 a second: what one with far too much to send uses of it, what the other waits."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from bench.figures import Figure
from bench.house import House
from cli.errors import CommandError
from cli.tenant import keyed_hash
from store import nudges
from store.integrations import connect_number
from store.sealing import KeyRing

WORKERS = 4
PER_SECOND = 50
INBOUND = 20
"""Messages a second that customers of the busy number write; a person is in charge, nobody answers them."""
FEW = 20
_TOKEN = "EAAratestoken0000000"  # noqa: S105 - the simulator's own
_USUALLY_LAST = 0.95
"""Of the sends: while these leave, others wait. Between the last ones are gaps."""
_PATIENCE = 180.0

# A conversation each, in its window, with a person in charge; and, if asked for, a message of the API that may leave.
_OPEN = text("""
    WITH customer AS MATERIALIZED (
      SELECT n, gen_random_uuid() AS contact_id, gen_random_uuid() AS conversation_id
      FROM generate_series(CAST(:first AS bigint), CAST(:first AS bigint) + :many - 1) AS n
    ), contact AS (
      INSERT INTO contacts (id, organization_id) SELECT contact_id, :organization_id FROM customer
    ), identity AS (
      INSERT INTO contact_identities (id, organization_id, contact_id, kind, value)
      SELECT gen_random_uuid(), :organization_id, contact_id, 'wa_id', n::text FROM customer
    ), conversation AS (
      INSERT INTO conversations (id, organization_id, integration_id, contact_id, window_opened_at, in_charge)
      SELECT conversation_id, :organization_id, :integration_id, contact_id, now(), 'person' FROM customer
    ), message AS (
      INSERT INTO messages (id, organization_id, integration_id, conversation_id, direction, author, type, content,
                            state, queue_no)
      SELECT gen_random_uuid(), :organization_id, :integration_id, conversation_id, 'out', 'api', 'text',
             '{"text": {"body": "Bench"}}', 'queued', nextval('message_queue_no_seq')
      FROM customer WHERE CAST(:to_send AS boolean)
    )
    SELECT conversation_id FROM customer
""")

_WAITS = text("""
    SELECT extract(epoch FROM accepted_at - created_at) AS seconds FROM messages
    WHERE integration_id = :integration_id AND direction = 'out' ORDER BY seconds NULLS LAST
""")

_STUCK = text("""
    SELECT concat_ws(' ', count(*), state, hold, reason) FROM messages
    WHERE integration_id = :integration_id AND direction = 'out' AND state <> 'accepted' GROUP BY state, hold, reason
""")


class NotSentError(CommandError):
    """Not everything left in time: the figures would be of a house that does not work."""


@dataclass(frozen=True, slots=True)
class _Line:
    organization_id: UUID
    integration_id: UUID
    phone_number_id: str


async def measure(house: House, *, sends: int, workers: int = WORKERS) -> list[Figure]:
    """The figures, of `sends` queued at once on one number and a few on another while those leave.

    Raises:
        NotSentError: not everything left.
    """
    async with house.workers(workers):
        busy, other = await _connect(house, "1"), await _connect(house, "2")
        wa_ids = await _customers(house, busy)
        writing = asyncio.create_task(_write(house, busy, wa_ids))
        await asyncio.sleep(2)
        await _queue(house, busy, sends)
        await asyncio.sleep(sends / PER_SECOND / 4)
        await _queue(house, other, FEW)
        others = await _left(house, other)
        await _left(house, busy)
        writing.cancel()
        said_per_s = (await asyncio.gather(writing, return_exceptions=True))[0]
    return await _figures(house, busy, others, said_per_s, note=f"{workers} workers, {sends} and {FEW} sends")


async def _connect(house: House, digit: str) -> _Line:
    environment = house.stack.environment()
    phone_number, phone_number_id, waba_id = f"+1555000222{digit}", f"20654035224292{digit}", f"20229012934039{digit}"
    async with house.database.transaction() as connection:
        query = text("SELECT agent_flow_id FROM integrations WHERE id = :id")
        flow: UUID = (await connection.execute(query, {"id": house.integration_id})).scalar_one()
    integration = await connect_number(
        house.database,
        KeyRing.parse(environment["SEALING_KEYS"].split(",")),
        keyed_hash(environment),
        organization_id=house.organization_id,
        agent_flow_id=flow,
        waba_id=waba_id,
        phone_number=phone_number,
        phone_number_id=phone_number_id,
        access_token=_TOKEN + digit,
        verify_token=f"rates-{digit}",
        per_second=PER_SECOND,
    )
    await house.simulator.add_number(
        phone_number_id,
        waba_id,
        display_phone_number=phone_number,
        token=_TOKEN + digit,
        throughput=PER_SECOND,
        # Nobody of them has written to Meta: it takes each message and tells later that the window is closed.
        hold_statuses=True,
    )
    return _Line(house.organization_id, integration, phone_number_id)


async def _open(house: House, line: _Line, *, first: int, many: int, to_send: bool) -> list[UUID]:
    values = {
        "organization_id": line.organization_id,
        "integration_id": line.integration_id,
        "first": first,
        "many": many,
        "to_send": to_send,
    }
    async with house.database.transaction() as connection:
        conversations = list((await connection.execute(_OPEN, values)).scalars())
        if to_send:
            await nudges.mark_due(connection, conversations)
    return conversations


async def _customers(house: House, line: _Line) -> list[str]:
    first = 4917770000000
    await _open(house, line, first=first, many=INBOUND, to_send=False)
    return [str(first + n) for n in range(INBOUND)]


async def _queue(house: House, line: _Line, many: int) -> None:
    first = 4917780000000 + int(line.phone_number_id[-1]) * 10_000_000
    await _open(house, line, first=first, many=many, to_send=True)


async def _write(house: House, line: _Line, wa_ids: list[str]) -> float:
    """Steadily until cancelled; how many messages a second it came to."""
    began, said = time.monotonic(), 0
    try:
        while True:
            await house.simulator.customer_says(line.phone_number_id, wa_ids[said % len(wa_ids)], "Bench")
            said += 1
            await asyncio.sleep(max(0.0, began + said / INBOUND - time.monotonic()))
    except asyncio.CancelledError:
        return said / (time.monotonic() - began)


async def _left(house: House, line: _Line) -> list[float]:
    """The seconds that each message of a number waited, once all are accepted."""
    ends = time.monotonic() + _PATIENCE
    while True:
        async with house.database.transaction() as connection:
            waits = list((await connection.execute(_WAITS, {"integration_id": line.integration_id})).scalars())
        if None not in waits:
            return [float(wait) for wait in waits]
        if time.monotonic() > ends:
            raise NotSentError(await _what_is_left(house, line, of=len(waits)))
        await asyncio.sleep(0.5)


async def _what_is_left(house: House, line: _Line, *, of: int) -> str:
    async with house.database.transaction() as connection:
        stuck = (await connection.execute(_STUCK, {"integration_id": line.integration_id})).scalars()
        return f"of {of} messages not all have left within {_PATIENCE:g} s: {'; '.join(stuck)}"


async def _figures(house: House, busy: _Line, others: list[float], said_per_s: Any, *, note: str) -> list[Figure]:
    account = await house.simulator.account(busy.phone_number_id, lists=True)
    left = sorted(message["arrived_at"] for message in account["accepted_messages"])
    left = left[: max(2, round(len(left) * _USUALLY_LAST))]
    sent_per_s = (len(left) - 1) / (left[-1] - left[0])
    peak = (await house.simulator.account())["peak_per_second"][busy.phone_number_id]
    note = f"{note}, {said_per_s:.1f} messages a second coming in, limit {PER_SECOND}/s"
    return [
        Figure("rates.share", (sent_per_s + said_per_s) / PER_SECOND, "of the limit", note),
        Figure("rates.sent_per_s", sent_per_s, "1/s", note),
        Figure("rates.peak_per_s", peak, "1/s", note),
        Figure("rates.refused", account["refused"].get("130429", 0), "sends", note),
        Figure("rates.other_p99_ms", others[-1] * 1000, "ms", note),
    ]
