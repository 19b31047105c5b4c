import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from store import nudges
from store.engine import Database
from tests.rows import change, connected_number, conversation, rows

QUIET, REPEAT = timedelta(seconds=2), timedelta(seconds=10)


async def _claim(database: Database) -> list[UUID]:
    return [due.id for due in await nudges.claim_due(database, limit=64, quiet=QUIET, repeat=REPEAT)]


@pytest.mark.parametrize(
    ("due", "nudged", "began", "signalled"),
    [
        (None, None, None, False),
        (-0.1, None, None, True),  # never nudged
        (60, None, None, False),  # not yet
        (-1, -5, -6, True),  # a new mark, the last nudge is old
        (-0.5, -1, -3, False),  # a new mark, but the run was nudged just now and has not looked since
        (-0.5, -1, -0.8, True),  # a new mark after the look that the nudge brought about
        (-5, -3, None, False),  # no new mark, the nudge may still be acted on
        (-12, -11, None, True),  # nobody acted on it
        (-12, -11, -12, True),
        (-0.5, -11, None, True),
    ],
)
async def test_a_mark_is_signalled_once_and_again_only_by_the_rule(
    database: Database,
    due: float | None,
    nudged: float | None,
    began: float | None,
    signalled: bool,  # noqa: FBT001
) -> None:
    conversation_id = await conversation(database, await connected_number(database))
    await change(
        database,
        "UPDATE conversations SET due_at = now() + :due, nudged_at = now() + :nudged, turn_began_at = now() + :began",
        due=None if due is None else timedelta(seconds=due),
        nudged=None if nudged is None else timedelta(seconds=nudged),
        began=None if began is None else timedelta(seconds=began),
    )
    assert await _claim(database) == ([conversation_id] if signalled else [])
    assert await _claim(database) == []


async def test_what_was_given_back_is_claimed_again_at_once(database: Database) -> None:
    conversation_id = await conversation(database, await connected_number(database))
    async with database.transaction() as connection:
        await nudges.mark_due(connection, [conversation_id])
    assert await _claim(database) == [conversation_id]
    assert await _claim(database) == []
    await nudges.give_back(database, [conversation_id])
    assert await _claim(database) == [conversation_id]


async def test_an_intake_that_begins_signals_at_once_what_a_dead_one_had_claimed_and_not_what_was_looked_at(
    database: Database,
) -> None:
    number = await connected_number(database)
    ids = [await conversation(database, number, wa_id=f"4917{n:08}") for n in range(3)]
    async with database.transaction() as connection:
        await nudges.mark_due(connection, ids)
    assert len(await _claim(database)) == len(ids)
    looked_at = "UPDATE conversations SET turn_began_at = clock_timestamp() WHERE id = :id"
    await change(database, looked_at, id=ids[0])
    await nudges.give_back_all(database)
    assert sorted(await _claim(database)) == sorted(ids[1:])


async def test_two_intakes_never_claim_the_same_mark_and_do_not_wait_for_a_locked_one(database: Database) -> None:
    number = await connected_number(database)
    ids = [await conversation(database, number, wa_id=f"4917{n:08}") for n in range(40)]
    async with database.transaction() as connection:
        await nudges.mark_due(connection, ids)
    async with database.transaction() as connection:
        await nudges.lock(connection, ids[:1])
        both = await asyncio.wait_for(asyncio.gather(_claim(database), _claim(database)), timeout=2)
    assert sorted([*both[0], *both[1]]) == sorted(ids[1:])


async def test_a_mark_for_later_neither_delays_an_earlier_one_nor_is_it_claimed_now(database: Database) -> None:
    conversation_id = await conversation(database, await connected_number(database))
    async with database.transaction() as connection:
        await nudges.mark_due_within(connection, [conversation_id], timedelta(seconds=30))
    assert await _claim(database) == []
    async with database.transaction() as connection:
        await nudges.mark_due(connection, [conversation_id])
        await nudges.mark_due_within(connection, [conversation_id], timedelta(seconds=30))
    assert await _claim(database) == [conversation_id]


async def test_claiming_reads_only_the_marks_that_are_due(database: Database) -> None:
    number = await connected_number(database)
    await conversation(database, number)
    async with database.transaction() as connection:
        await connection.execute(
            text("""
                WITH made AS (INSERT INTO contacts (id, organization_id)
                  SELECT gen_random_uuid(), :organization FROM generate_series(1, 5000) RETURNING id)
                INSERT INTO conversations (id, organization_id, integration_id, contact_id, due_at)
                SELECT gen_random_uuid(), :organization, :integration, id, now() + interval '1 day' FROM made
            """),
            {"organization": number.organization_id, "integration": number.integration_id},
        )
    await change(database, "ANALYZE conversations")
    # What the planner makes of the bound matters, not the whole statement: a volatile clock would read all 5,000.
    plan = await rows(
        database, "EXPLAIN SELECT id FROM conversations WHERE due_at <= statement_timestamp() ORDER BY due_at"
    )
    assert any("Index Cond" in line[0] and "due_at" in line[0] for line in plan)
    assert nudges._CLAIM.text.count("due_at <= statement_timestamp()") == 1


async def test_the_age_of_what_is_due_is_that_of_the_oldest_mark_that_nobody_has_acted_on(database: Database) -> None:
    number = await connected_number(database)
    first, second = [await conversation(database, number, wa_id=f"49170000000{n}") for n in (1, 2)]
    assert await nudges.due_age(database) == timedelta(0)
    mark = "UPDATE conversations SET due_at = clock_timestamp() + CAST(:by AS interval) WHERE id = :id"
    await change(database, mark, id=first, by=timedelta(minutes=1))
    assert await nudges.due_age(database) == timedelta(0), "what is due later waits for nobody"
    await change(database, mark, id=first, by=-timedelta(seconds=3))
    await change(database, mark, id=second, by=-timedelta(seconds=9))
    assert timedelta(seconds=9) <= await nudges.due_age(database) < timedelta(seconds=20)
