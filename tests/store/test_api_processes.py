import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from store import api_processes
from store.engine import Database
from store.ids import new_id
from tests.rows import value

SECOND = timedelta(seconds=1)


async def move(database: Database, process_id: UUID, *, by: timedelta) -> None:
    """Let it look as if a process had begun, beaten and stopped that much earlier."""
    statement = text("""
        UPDATE api_processes SET started_at = started_at - CAST(:by AS interval),
            beat_at = beat_at - CAST(:by AS interval), stopped_at = stopped_at - CAST(:by AS interval) WHERE id = :id
    """)
    async with database.transaction() as connection:
        await connection.execute(statement, {"id": process_id, "by": by})


async def started(database: Database, *, ago: timedelta) -> UUID:
    """A process that has listened for so long, without interruption."""
    process_id = new_id()
    await api_processes.start(database, process_id)
    statement = text("UPDATE api_processes SET started_at = started_at - CAST(:by AS interval) WHERE id = :id")
    async with database.transaction() as connection:
        await connection.execute(statement, {"id": process_id, "by": ago})
    return process_id


async def gaps(database: Database) -> list[tuple[str, float]]:
    """The reason and length in seconds of each recorded gap."""
    async with database.transaction() as connection:
        rows = await connection.execute(text("SELECT reason, ended_at - began_at FROM webhook_gaps ORDER BY id"))
        return [(reason, length.total_seconds()) for reason, length in rows]


async def missed(database: Database, *, ago: timedelta) -> bool:
    async with database.transaction() as connection:
        return await api_processes.missed_between(connection, datetime.now(UTC) - ago)


async def test_nothing_is_missed_while_a_process_listens_and_beats(database: Database) -> None:
    process_id = await started(database, ago=60 * SECOND)
    await api_processes.beat(database, process_id)
    assert await gaps(database) == []
    assert not await missed(database, ago=30 * SECOND)


async def test_what_was_before_anybody_listened_may_have_been_missed(database: Database) -> None:
    assert await missed(database, ago=SECOND)
    await started(database, ago=10 * SECOND)
    assert await missed(database, ago=20 * SECOND)


async def test_a_restart_of_the_only_process_leaves_a_gap(database: Database) -> None:
    first = await started(database, ago=60 * SECOND)
    await api_processes.stop(database, first)
    assert await missed(database, ago=30 * SECOND)
    await move(database, first, by=3 * SECOND)
    second = await started(database, ago=timedelta(0))
    [(reason, length)] = await gaps(database)
    assert reason == "nobody_listened"
    assert 3 <= length < 4
    await api_processes.beat(database, second)
    assert await missed(database, ago=30 * SECOND)


async def test_a_rolling_restart_misses_nothing(database: Database) -> None:
    first = await started(database, ago=60 * SECOND)
    second = await started(database, ago=20 * SECOND)
    await api_processes.stop(database, first)
    await api_processes.beat(database, second)
    assert await gaps(database) == []
    assert not await missed(database, ago=40 * SECOND)


async def test_a_process_that_stood_still_records_it_itself(database: Database) -> None:
    process_id = await started(database, ago=60 * SECOND)
    await move(database, process_id, by=6 * SECOND)
    assert await missed(database, ago=30 * SECOND)
    await api_processes.beat(database, process_id)
    [(reason, length)] = await gaps(database)
    assert reason == "late_beat"
    assert 6 <= length < 7
    assert await missed(database, ago=2 * SECOND)


async def test_a_beat_late_by_less_than_five_seconds_is_no_gap(database: Database) -> None:
    process_id = await started(database, ago=60 * SECOND)
    await move(database, process_id, by=4 * SECOND)
    await api_processes.beat(database, process_id)
    assert await gaps(database) == []


async def test_a_dead_process_is_noticed_once_by_those_who_live(database: Database) -> None:
    dead = await started(database, ago=60 * SECOND)
    living = [await started(database, ago=60 * SECOND) for _ in range(3)]
    await move(database, dead, by=7 * SECOND)
    assert await missed(database, ago=30 * SECOND), "a death is a gap before anybody has written it down"
    await asyncio.gather(*(api_processes.beat(database, process_id) for process_id in living))
    [(reason, length)] = await gaps(database)
    assert reason == "process_died"
    assert 7 <= length < 8


async def test_a_process_taken_for_dead_is_back_with_its_next_beat(database: Database) -> None:
    paused = await started(database, ago=60 * SECOND)
    living = await started(database, ago=60 * SECOND)
    await move(database, paused, by=7 * SECOND)
    await api_processes.beat(database, living)
    await api_processes.beat(database, paused)
    await api_processes.stop(database, living)
    recorded = await gaps(database)
    assert [reason for reason, _ in recorded] == ["process_died", "late_beat"]
    async with database.transaction() as connection:
        running = (await connection.execute(text("SELECT id FROM api_processes WHERE stopped_at IS NULL"))).scalars()
        assert list(running) == [paused]


async def test_a_refused_webhook_is_a_gap_for_what_was_sent_before_it(database: Database) -> None:
    await started(database, ago=60 * SECOND)
    now = datetime.now(UTC)
    await api_processes.record_gap(
        database, began_at=now - 20 * SECOND, ended_at=now - 19 * SECOND, reason="commit_timeout"
    )
    assert await missed(database, ago=30 * SECOND)
    assert not await missed(database, ago=10 * SECOND)


async def test_the_heartbeat_goes_on_after_postgres_cut_its_connections(database: Database) -> None:
    cut = text("""
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
    """)
    beaten = text("SELECT beat_at FROM api_processes WHERE id = :id")
    async with api_processes.listening(database) as process_id:
        async with database.transaction() as connection:
            await connection.execute(cut)
            before = (await connection.execute(beaten, {"id": process_id})).scalar_one()
        await asyncio.sleep(3)
        async with database.transaction() as connection:
            assert (await connection.execute(beaten, {"id": process_id})).scalar_one() > before
    stopped = await value(database, "SELECT stopped_at IS NOT NULL FROM api_processes")
    assert stopped
    assert await gaps(database) == []
