"""The care for Schedules, on a real Temporal and a real Postgres."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from temporalio.client import Client
from temporalio.service import RPCError

from settings import CheckSettings
from store.engine import Database
from tests.rows import change, connected_number, row
from tests.waiting import until
from workers import schedules as workers_schedules
from workers.schedules import ScheduleCare
from workflows.client import CheckSchedules, CheckStarter, LaterError

SETTINGS = CheckSettings(every=timedelta(hours=24), every_stopped=timedelta(minutes=15))


async def _interval(client: Client, integration_id: UUID) -> timedelta | None:
    try:
        described = await client.get_schedule_handle(f"check/{integration_id}").describe()
    except RPCError:
        return None
    return described.schedule.spec.intervals[0].every


async def test_missing_schedules_are_made_with_the_interval_that_the_state_asks_for(
    database: Database, temporal_client: Client
) -> None:
    live = (await connected_number(database)).integration_id
    stopped = (await connected_number(database, digits="15550002", state="stopped")).integration_id
    connecting = (await connected_number(database, digits="15550003", state="connecting")).integration_id
    gone = (await connected_number(database, digits="15550004", state="disconnected")).integration_id
    schedules = CheckSchedules(temporal_client)
    await ScheduleCare(database, schedules, SETTINGS).round()
    assert await _interval(temporal_client, live) == SETTINGS.every
    assert await _interval(temporal_client, stopped) == SETTINGS.every_stopped
    assert await _interval(temporal_client, connecting) is None
    assert await _interval(temporal_client, gone) is None
    for integration_id in (live, stopped):
        await schedules.remove(str(integration_id))


async def test_an_emptied_temporal_gets_its_schedules_back_at_the_next_start(
    database: Database, temporal_client: Client
) -> None:
    number, schedules = (await connected_number(database)).integration_id, CheckSchedules(temporal_client)
    await ScheduleCare(database, schedules, SETTINGS).round()
    await schedules.remove(str(number))
    await until(lambda: schedules.missing([str(number)]), seconds=10)
    await ScheduleCare(database, schedules, SETTINGS).round()
    assert await _interval(temporal_client, number) == SETTINGS.every
    await schedules.remove(str(number))


async def test_a_number_that_is_held_in_between_is_soon_checked_often(
    database: Database, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers_schedules, "_CHANGED_EVERY", timedelta(seconds=0.1))
    number, schedules = (await connected_number(database)).integration_id, CheckSchedules(temporal_client)
    stop = asyncio.Event()
    caring = asyncio.create_task(ScheduleCare(database, schedules, SETTINGS).run(stop))

    async def has(every: timedelta) -> bool:
        return await _interval(temporal_client, number) == every

    await until(lambda: has(SETTINGS.every), seconds=10)
    await change(database, "UPDATE integrations SET state = 'held', state_reason = 'token'")
    await until(lambda: has(SETTINGS.every_stopped), seconds=10)
    await change(database, "UPDATE integrations SET state = 'live', state_reason = NULL")
    await until(lambda: has(SETTINGS.every), seconds=10)
    handle = temporal_client.get_schedule_handle(f"check/{number}")

    async def was_triggered() -> bool:
        return (await handle.describe()).info.num_actions == 1

    await until(was_triggered, seconds=10)  # a number that is released is checked at once: what was wrong may be gone
    stop.set()
    await asyncio.wait_for(caring, timeout=5)
    await schedules.remove(str(number))


async def test_while_temporal_is_away_the_care_goes_on_and_ensures_when_it_is_back(
    database: Database, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers_schedules, "_CHANGED_EVERY", timedelta(seconds=0.1))
    number, schedules, calls = (await connected_number(database)).integration_id, CheckSchedules(temporal_client), 0
    ensure = schedules.ensure

    async def away_at_first(*ids: str, every: timedelta) -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise LaterError("unavailable")
        await ensure(*ids, every=every)

    monkeypatch.setattr(schedules, "ensure", away_at_first)
    stop = asyncio.Event()
    caring = asyncio.create_task(ScheduleCare(database, schedules, SETTINGS).run(stop))
    await until(lambda: _interval(temporal_client, number), seconds=10)
    stop.set()
    await asyncio.wait_for(caring, timeout=5)
    await schedules.remove(str(number))


async def test_a_check_that_is_asked_for_is_made_now_also_where_its_schedule_is_gone(
    database: Database, temporal_client: Client
) -> None:
    number, schedules = await connected_number(database), CheckSchedules(temporal_client)
    starter = CheckStarter(schedules, every=SETTINGS.every_stopped)
    ids = (str(number.integration_id), str(number.organization_id))
    await starter.wake(*ids)
    handle = temporal_client.get_schedule_handle(f"check/{number.integration_id}")

    async def was_made() -> bool:
        return (await handle.describe()).info.num_actions >= 1

    await until(was_made, seconds=10)
    assert await _interval(temporal_client, number.integration_id) == SETTINGS.every_stopped
    await starter.wake(*ids)
    await schedules.remove(str(number.integration_id))


async def test_a_new_start_asks_for_a_check_of_what_waits_for_the_apps_secret_once(
    database: Database, temporal_client: Client
) -> None:
    held = (await connected_number(database)).integration_id
    other = (await connected_number(database, digits="15550002")).integration_id
    await change(database, "UPDATE integrations SET state = 'held', state_reason = 'app' WHERE id = :id", id=held)
    await change(database, "UPDATE integrations SET state = 'held', state_reason = 'token' WHERE id = :id", id=other)
    schedules = CheckSchedules(temporal_client)
    care = ScheduleCare(database, schedules, SETTINGS)
    await care.round()
    assert (await row(database, "integrations", held)).check_due_at is not None
    assert (await row(database, "integrations", other)).check_due_at is None
    await change(database, "UPDATE integrations SET check_due_at = NULL")
    await care.round()
    assert (await row(database, "integrations", held)).check_due_at is None
    for integration_id in (held, other):
        await schedules.remove(str(integration_id))


async def test_the_schedule_of_a_number_that_is_gone_is_removed_also_where_there_is_none(
    database: Database, temporal_client: Client
) -> None:
    number, schedules = await connected_number(database), CheckSchedules(temporal_client)
    starter = CheckStarter(schedules, every=SETTINGS.every_stopped)
    await schedules.ensure(str(number.integration_id), str(number.organization_id), every=SETTINGS.every)
    for _ in range(2):
        await starter.end(str(number.integration_id))
        assert await _interval(temporal_client, number.integration_id) is None
