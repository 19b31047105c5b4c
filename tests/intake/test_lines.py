"""One number's backlog and the others: who is nudged while nobody, or somebody slowly, looks."""

import asyncio
from collections import Counter
from uuid import UUID

from store import nudges
from store.engine import Database
from tests.intake.running import Listening, running
from tests.rows import Number, change, connected_number, conversation, rows
from tests.waiting import until


async def _due(database: Database, number: Number, many: int) -> list[UUID]:
    ids = [await conversation(database, number, wa_id=f"4917{n:08}") for n in range(many)]
    async with database.transaction() as connection:
        await nudges.mark_due(connection, ids)
    return ids


async def _nudged(database: Database) -> Counter[UUID]:
    found = await rows(database, "SELECT integration_id FROM conversations WHERE nudged_at IS NOT NULL")
    return Counter(row.integration_id for row in found)


async def _look(database: Database, number: Number, many: int) -> None:
    """As workers do: look at the conversations that were nudged first."""
    await change(
        database,
        "UPDATE conversations SET turn_began_at = clock_timestamp(), due_at = NULL WHERE id IN ("
        "SELECT id FROM conversations WHERE integration_id = :id AND turn_began_at IS NULL AND nudged_at IS NOT NULL "
        "ORDER BY nudged_at LIMIT :many)",
        id=number.integration_id,
        many=many,
    )


async def test_a_backlog_of_one_number_keeps_no_other_waiting_and_goes_on_as_it_is_looked_at(
    database: Database,
) -> None:
    busy, other = await connected_number(database), await connected_number(database, digits="15550002")
    await _due(database, busy, 25)
    async with running(database, Listening(), nudge_ahead=10):

        async def nudged(many: int) -> bool:
            return (await _nudged(database))[busy.integration_id] == many

        await until(lambda: nudged(10))
        late = await _due(database, other, 5)

        async def others() -> bool:
            return (await _nudged(database))[other.integration_id] == len(late)

        await until(others, seconds=5)
        assert await nudged(10)
        await _look(database, busy, 4)
        await until(lambda: nudged(14))
        await _look(database, busy, 10)
        await until(lambda: nudged(24))
        await _look(database, busy, 10)
        await until(lambda: nudged(25))


async def test_a_number_whose_next_free_slot_is_far_is_nudged_again_when_it_is_near(database: Database) -> None:
    number = await connected_number(database)
    await change(database, "UPDATE rate_slots SET queue_until = now() + interval '1 hour'")
    await _due(database, number, 8)
    async with running(database, Listening(), nudge_ahead=8):

        async def nudged(many: int) -> bool:
            return (await _nudged(database)).total() == many

        await until(lambda: nudged(4))
        await asyncio.sleep(0.5)
        assert await nudged(4)
        await change(database, "UPDATE rate_slots SET queue_until = now()")
        await until(lambda: nudged(8))


async def test_what_nobody_has_looked_at_for_long_makes_room(database: Database) -> None:
    number = await connected_number(database)
    await _due(database, number, 6)
    heard = Listening()
    async with running(database, heard, nudge_ahead=2, nudge_repeat=0.5):
        await until(lambda: len(heard.looked) == 6)
