"""What the API does while Postgres stands still or is gone, and what it writes down about it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from cli import postgres
from cli.ports import free_port
from cli.processes import Supervisor
from store import migrate
from store.engine import Database
from tests.api.edge import VERIFY_TOKEN, WEBHOOK, Edge, Tenant, edge, settings_for, stored_bodies, tenant
from tests.rows import rows, value
from tests.waiting import until


class OwnPostgres:
    """A server of this test's own, which it may freeze and kill."""

    def __init__(self, supervisor: Supervisor, url: str) -> None:
        self._supervisor = supervisor
        self.url = url

    def _processes(self) -> list[psutil.Process]:
        server = psutil.Process(self._supervisor.pid("postgres"))
        return [server, *server.children(recursive=True)]

    def freeze(self) -> None:
        for process in self._processes():
            process.suspend()

    def thaw(self) -> None:
        for process in self._processes():
            process.resume()

    async def restart(self) -> None:
        self._supervisor.kill("postgres")
        await self._supervisor.restart("postgres")


@asynccontextmanager
async def _own_postgres(folder: Path) -> AsyncIterator[OwnPostgres]:
    cluster = postgres.prepare(folder, port=free_port(), durable=True)
    with Supervisor(folder) as supervisor:
        await supervisor.run(cluster.part())
        url = await cluster.ensure_database("holdfast")
        await migrate.upgrade(url)
        yield OwnPostgres(supervisor, url)
        await supervisor.stop_all()


@pytest.fixture
async def server(run_folder: Path) -> AsyncIterator[OwnPostgres]:
    async with _own_postgres(run_folder) as running:
        yield running


@pytest.fixture
async def own(server: OwnPostgres) -> AsyncIterator[Edge]:
    database = Database.connect(server.url)
    async with edge(database, settings_for(server.url)) as serving:
        yield serving
    await database.close()


@pytest.fixture
async def own_bakery(own: Edge) -> AsyncIterator[Tenant]:
    async with tenant(own) as made:
        yield made


async def _gaps(database: Database) -> list[str]:
    return [gap.reason for gap in await rows(database, "SELECT reason FROM webhook_gaps ORDER BY id")]


async def test_a_frozen_postgres_is_answered_503_within_two_seconds_and_the_gap_is_recorded_afterwards(
    server: OwnPostgres, own: Edge
) -> None:
    assert (await own.deliver(b"before")).status_code == 200
    server.freeze()
    try:
        began = time.monotonic()
        answers = await asyncio.gather(*(own.deliver(b"during %d" % number) for number in range(20)))
        took = time.monotonic() - began
        unsigned = await own.client.post(WEBHOOK, content=b"unsigned")
        challenge = {"hub.mode": "subscribe", "hub.challenge": "1", "hub.verify_token": "whose?"}
        asked = await own.client.get(WEBHOOK, params=challenge)
        own_token = await own.client.get(WEBHOOK, params=challenge | {"hub.verify_token": VERIFY_TOKEN})
    finally:
        server.thaw()
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.json()["code"] for answer in answers} == {"not_stored"}
    assert took < 2
    assert unsigned.status_code == 401
    assert (asked.status_code, own_token.status_code) == (503, 200)

    assert (await own.deliver(b"after")).status_code == 200
    # What was under way when it froze may have come through late, and nothing is there twice.
    bodies = await stored_bodies(own.database)
    assert len(bodies) == len(set(bodies))
    assert {b"before", b"after"} <= set(bodies)

    async def recorded() -> bool:
        return "refused" in await _gaps(own.database)

    await until(recorded, seconds=5)


async def test_webhooks_go_on_by_themselves_after_postgres_was_killed_and_started_again(
    server: OwnPostgres, own: Edge
) -> None:
    assert (await own.deliver(b"before")).status_code == 200
    await server.restart()
    assert (await own.deliver(b"after")).status_code == 200
    await own.database.close()  # its connections are those to the server before
    assert await stored_bodies(own.database) == [b"before", b"after"]


async def test_the_management_api_says_that_the_database_is_away_and_no_more(
    server: OwnPostgres, own: Edge, own_bakery: Tenant
) -> None:
    await own_bakery.client.get("/api/v1/whatsapp/contacts")
    server._supervisor.kill("postgres")
    answers = [
        await own_bakery.client.get("/api/v1/whatsapp/contacts"),
        await own_bakery.client.post(
            "/api/v1/whatsapp/send-message", json={"to": own_bakery.wa_id, "text": {"body": "hello"}}
        ),
        await own.client.get("/ready"),
    ]
    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert [answer.json()["code"] for answer in answers] == ["unavailable", "unavailable", "not_ready"]
    assert "database" in answers[2].json()["missing"]
    await server._supervisor.restart("postgres")


async def test_readiness_names_a_missing_temporal_and_webhooks_are_taken_all_the_same(api: Edge) -> None:
    answer = await api.client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["missing"] == ["temporal"]
    assert "127.0.0.1:1" in answer.json()["detail"]
    assert (await api.client.get("/health")).json() == {"status": "ok"}
    assert (await api.deliver()).status_code == 200


async def test_readiness_is_well_when_everything_answers(
    database: Database, database_url: str, temporal_address: str
) -> None:
    async with edge(database, settings_for(database_url, temporal_address=temporal_address)) as api:
        answer = await api.client.get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"database": "ok", "temporal": "ok"})


async def test_the_process_shows_that_it_listens_and_that_it_has_stopped(database: Database, database_url: str) -> None:
    async with edge(database, settings_for(database_url)), database.engine.connect() as connection:
        beating = await connection.exec_driver_sql("SELECT stopped_at FROM api_processes")
        assert beating.scalars().all() == [None]
    assert await value(database, "SELECT stopped_at IS NOT NULL FROM api_processes") is True


async def test_what_runs_beside_the_requests_is_stopped_with_them_and_begun_again_when_it_fails(
    database: Database, database_url: str
) -> None:
    runs: list[str] = []

    async def part(stop: asyncio.Event) -> None:
        runs.append("began")
        if len(runs) == 1:
            raise RuntimeError("canary-in-an-error")
        await stop.wait()
        runs.append("stopped")

    async def began_again() -> bool:
        return len(runs) > 1

    async with edge(database, settings_for(database_url), background=[part]) as api:
        await until(began_again, seconds=5)
        assert (await api.deliver()).status_code == 200
    assert runs == ["began", "began", "stopped"]
    said = await value(database, "SELECT type || array_to_string(trace, ' ') FROM error_reports")
    assert "RuntimeError" in said
    assert "canary" not in said
