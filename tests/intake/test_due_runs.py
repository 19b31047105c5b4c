"""Onboardings and deliveries that are due: claimed by the rule, woken at once, never lost while Temporal is away."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, text, update

from intake.due_runs import DueRuns, Wakers
from intake.loop import Intake
from settings import IntakeSettings
from store import due_runs, nudges
from store.disconnecting import delete_integration
from store.engine import Database
from store.ids import new_id
from store.tables import event_deliveries, event_endpoints, events, integrations, onboardings
from tests.rows import RING, Number, change, connected_number, conversation, row, rows
from tests.waiting import until
from workflows.client import DueConversation, LaterError
from workflows.onboarding_contracts import Step

QUIET, REPEAT = timedelta(seconds=2), timedelta(seconds=10)
TABLES = {"onboarding": "onboardings", "delivery": "event_deliveries", "check": "integrations"}
PREFIX = {"check": "check_"}
"""Of the columns of a mark."""
_MANY = ("onboarding", "delivery")
"""A number has one check at a time."""


@dataclass(slots=True)
class Waking:
    """Stands where Temporal would: notes whom it was told to wake, or is away."""

    away: bool = False
    woken: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    steps: set[str] = field(default_factory=set)
    refused: int = 0

    async def wake(self, run_id: str, organization_id: str, *, step: Step = "exchange") -> None:
        assert organization_id
        if self.away:
            self.refused += 1
            raise LaterError("unavailable")
        self.woken[run_id] += 1
        self.steps.add(step)

    async def end(self, integration_id: str) -> None:
        if self.away:
            self.refused += 1
            raise LaterError("unavailable")
        self.ended[integration_id] += 1

    async def look(self, conversation: DueConversation) -> None:
        self.woken[conversation.conversation_id] += 1


async def _due(database: Database, number: Number, kind: str, *, due: bool = True) -> UUID:
    """A row of its kind, marked."""
    row_id, owner = new_id(), {"organization_id": number.organization_id}
    mark = text("clock_timestamp()") if due else None
    async with database.transaction() as connection:
        if kind == "onboarding":
            values = {"id": row_id, "agent_flow_id": number.agent_flow_id, "way": "popup", "step": "register"}
            await connection.execute(insert(onboardings).values(values | owner | {"due_at": mark}))
        elif kind == "check":
            row_id, asked = number.integration_id, update(integrations).values(check_due_at=mark)
            await connection.execute(asked.where(integrations.c.id == row_id))
        else:
            endpoint_id, event_id = new_id(), new_id()
            endpoint = {"id": endpoint_id, "url": "https://shop.example/events", "secret_sealed": b""}
            await connection.execute(insert(event_endpoints).values(endpoint | owner))
            await connection.execute(insert(events).values(id=event_id, type="test", data={}, **owner))
            values = {"id": row_id, "event_id": event_id, "endpoint_id": endpoint_id}
            await connection.execute(insert(event_deliveries).values(values | owner | {"due_at": mark}))
        await connection.exec_driver_sql("NOTIFY due")
    return row_id


async def _claim(database: Database) -> list[UUID]:
    return [run.id for run in await due_runs.claim_due(database, limit=64, quiet=QUIET, repeat=REPEAT)]


@pytest.mark.parametrize("kind", list(TABLES))
@pytest.mark.parametrize(
    ("due", "nudged", "woken"),
    [
        (None, None, False),
        (-0.1, None, True),  # never woken
        (60, None, False),  # not yet
        (-1, -5, True),  # a new mark, the last wake is old
        (-0.5, -1, False),  # a new mark, but the run was woken just now
        (-5, -3, False),  # no new mark, the wake may still be acted on
        (-12, -11, True),  # nobody acted on it
    ],
)
async def test_a_mark_wakes_its_run_once_and_again_only_by_the_rule(
    database: Database,
    kind: str,
    due: float | None,
    nudged: float | None,
    woken: bool,  # noqa: FBT001
) -> None:
    row_id = await _due(database, await connected_number(database), kind, due=False)
    await change(
        database,
        "UPDATE {table} SET {prefix}due_at = now() + :due, {prefix}nudged_at = now() + :nudged".format(  # noqa: S608
            table=TABLES[kind], prefix=PREFIX.get(kind, "")
        ),
        due=None if due is None else timedelta(seconds=due),
        nudged=None if nudged is None else timedelta(seconds=nudged),
    )
    assert await _claim(database) == ([row_id] if woken else [])
    assert await _claim(database) == []


async def test_what_was_given_back_is_claimed_again_at_once(database: Database) -> None:
    number = await connected_number(database)
    ids = {await _due(database, number, kind) for kind in TABLES}
    claimed = await due_runs.claim_due(database, limit=64, quiet=QUIET, repeat=REPEAT)
    assert {run.id for run in claimed} == ids
    assert [(run.kind, run.step) for run in claimed] == [("onboarding", "register"), ("check", ""), ("delivery", "")]
    await due_runs.give_back(database, claimed)
    assert set(await _claim(database)) == ids


async def test_two_intakes_never_claim_the_same_run_and_do_not_wait_for_a_locked_one(database: Database) -> None:
    number = await connected_number(database)
    ids = [await _due(database, number, kind) for kind in _MANY for _ in range(8)]
    async with database.transaction() as connection:
        await connection.execute(text("SELECT 1 FROM onboardings WHERE id = :id FOR UPDATE"), {"id": ids[0]})
        both = await asyncio.wait_for(asyncio.gather(_claim(database), _claim(database)), timeout=2)
    assert sorted([*both[0], *both[1]]) == sorted(ids[1:])


@asynccontextmanager
async def _running(database: Database, waking: Waking, **settings: Any) -> AsyncIterator[None]:
    stop = asyncio.Event()
    intake = Intake(database, waking, IntakeSettings(**settings), wakers=Wakers(waking, waking, waking))
    async with asyncio.TaskGroup() as loops:
        loops.create_task(intake.run(stop))
        try:
            await asyncio.sleep(0.3)
            yield
        finally:
            stop.set()


async def test_a_number_that_is_being_connected_is_never_checked_yet(database: Database) -> None:
    number = await connected_number(database)
    await _due(database, number, "check")
    await change(database, "UPDATE integrations SET state = 'connecting'")
    assert await _claim(database) == []


async def test_the_checks_of_a_disconnected_number_are_ended_however_long_temporal_is_away(database: Database) -> None:
    number, waking = await connected_number(database), Waking(away=True)
    owner = number.organization_id
    await delete_integration(database, RING, organization_id=owner, integration_id=number.integration_id)
    async with _running(database, waking):
        await until(lambda: waking.refused > 1)
        assert (await row(database, "integrations", number.integration_id)).check_due_at is not None
        waking.away = False
        await until(lambda: waking.ended)
    assert (waking.ended, waking.woken) == ({str(number.integration_id): 1}, {})
    assert (await row(database, "integrations", number.integration_id)).check_due_at is None
    assert await _claim(database) == []


async def test_a_number_that_was_connected_again_meanwhile_keeps_its_mark(database: Database) -> None:
    number = await connected_number(database)
    await _due(database, number, "check")
    await due_runs.checks_ended(database, number.integration_id)
    assert await _claim(database) == [number.integration_id]


@pytest.mark.parametrize("kind", list(TABLES))
async def test_a_mark_is_told_to_its_run_at_once_and_only_once(database: Database, kind: str) -> None:
    number, waking = await connected_number(database), Waking()
    async with _running(database, waking):
        began = asyncio.get_running_loop().time()
        row_id = await _due(database, number, kind)
        await until(lambda: waking.woken)
        assert asyncio.get_running_loop().time() - began < 0.8
        await asyncio.sleep(1.5)
    assert waking.woken == {str(row_id): 1}
    assert waking.steps == ({"register"} if kind == "onboarding" else {"exchange"})


async def test_a_mark_that_nobody_rang_for_is_found_within_a_second_or_so(database: Database) -> None:
    number, waking = await connected_number(database), Waking()
    row_id = await _due(database, number, "onboarding", due=False)
    async with _running(database, waking):
        await change(database, "UPDATE onboardings SET due_at = clock_timestamp() + interval '0.3 s'")
        await until(lambda: waking.woken, seconds=2)
    assert waking.woken == {str(row_id): 1}


async def test_while_temporal_is_away_marks_stay_and_are_told_when_it_is_back(database: Database) -> None:
    number, waking = await connected_number(database), Waking(away=True)
    ids = {str(await _due(database, number, kind)) for kind in _MANY for _ in range(5)}
    ids.add(str(await _due(database, number, "check")))
    async with _running(database, waking):
        await asyncio.sleep(2.5)
        assert 0 < waking.refused < 100, "it must not hammer"
        waking.away = False
        await until(lambda: set(waking.woken) == ids, seconds=4)
    assert set(waking.woken.values()) == {1}


async def test_what_could_not_be_told_before_a_stop_is_told_by_the_next_intake(database: Database) -> None:
    number, away, back = await connected_number(database), Waking(away=True), Waking()
    row_id = await _due(database, number, "onboarding")
    async with _running(database, away):
        await until(lambda: away.refused)
    async with _running(database, back):
        await until(lambda: back.woken, seconds=3)
    assert back.woken == {str(row_id): 1}


async def test_a_storm_of_due_conversations_asks_for_due_runs_a_few_times_a_second_only(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = 0
    whole = DueRuns.round

    async def counted(self: DueRuns) -> None:
        nonlocal rounds
        rounds += 1
        await whole(self)

    monkeypatch.setattr(DueRuns, "round", counted)
    conversation_id = await conversation(database, await connected_number(database))
    async with _running(database, Waking()):
        before, began = rounds, asyncio.get_running_loop().time()
        for _ in range(100):
            async with database.transaction() as connection:
                await nudges.mark_due(connection, [conversation_id])
            await asyncio.sleep(0.01)
        took = asyncio.get_running_loop().time() - began
    assert 1 <= rounds - before <= 2 + 5 * took


async def test_claiming_reads_only_the_marks_that_are_due(database: Database) -> None:
    number = await connected_number(database)
    await _due(database, number, "onboarding")
    async with database.transaction() as connection:
        await connection.execute(
            text("""
                INSERT INTO onboardings (id, organization_id, agent_flow_id, way, state, due_at)
                SELECT gen_random_uuid(), :organization, :flow, 'popup', 'live', now() + interval '1 day'
                FROM generate_series(1, 3000)
            """),
            {"organization": number.organization_id, "flow": number.agent_flow_id},
        )
    await change(database, "ANALYZE onboardings")
    plan = await rows(
        database, "EXPLAIN SELECT id FROM onboardings WHERE due_at <= statement_timestamp() ORDER BY due_at"
    )
    assert any("Index Cond" in line[0] and "due_at" in line[0] for line in plan)
    assert due_runs._CLAIM.text.count("due_at <= statement_timestamp()") == 3
