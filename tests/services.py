"""What all tests of one run share: a Postgres with a migrated template, and a Temporal dev server.

They live in the process that was started by hand (xdist's controller), each from the first test that asks for it; the
workers ask through files in the run's folder.
"""

import asyncio
import contextlib
import json
import shutil
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import asyncpg
from sqlalchemy.engine import make_url

from cli import postgres, temporal_cli
from cli.ports import free_port
from cli.processes import Supervisor
from cli.runfile import AlreadyRunningError
from cli.temporal_server import TemporalServer
from store import migrate

_POLL = 0.02
_START_LIMIT = 900.0
"""Seconds a test waits for a service: a Temporal CLI may be built first."""


class Services:
    """Starts what is asked for, in a thread of its own, until `stop`."""

    def __init__(self, folder: Path, *, postgres_url: str | None, namespaces: list[str]) -> None:
        self._folder = folder
        self._postgres_url = postgres_url
        self._namespaces = namespaces
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="test services")
        self._makers: dict[str, Callable[[Supervisor], Awaitable[str]]] = {
            "postgres": self._start_postgres,
            "temporal": self._start_temporal,
        }
        self._cleanups: list[Callable[[], Awaitable[None]]] = []

    def start(self) -> None:
        """Take the folder and wait for requests."""
        _sweep(self._folder.parent)
        self._folder.mkdir(parents=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop what was started and remove the folder."""
        self._stopping.set()
        self._thread.join()
        _remove(self._folder)

    def _serve(self) -> None:
        # One thread forks and lives as long as the services do: Linux ends children with the *thread* that made them.
        try:
            with Supervisor(self._folder) as supervisor:
                asyncio.run(self._answer(supervisor))
        except BaseException as error:
            for name in self._makers:
                self._tell(name, {"error": f"{type(error).__name__}: {error}"})
            raise

    async def _answer(self, supervisor: Supervisor) -> None:
        while not self._stopping.is_set():
            for name in list(self._makers):
                if (self._folder / f"{name}.wanted").exists():
                    await self._make(name, supervisor)
            await asyncio.sleep(_POLL)
        for cleanup in self._cleanups:
            await cleanup()
        await supervisor.stop_all()

    async def _make(self, name: str, supervisor: Supervisor) -> None:
        make = self._makers.pop(name)
        try:
            answer = {"address": await make(supervisor)}
        except Exception as error:  # noqa: BLE001 - told to every test that waits for it
            answer = {"error": f"{type(error).__name__}: {error}"}
        self._tell(name, answer)

    def _tell(self, name: str, answer: dict[str, str]) -> None:
        draft = self._folder / f"{name}.draft"
        draft.write_text(json.dumps(answer))
        draft.rename(self._folder / f"{name}.answer")

    async def _start_postgres(self, supervisor: Supervisor) -> str:
        """Returns the address of the migrated template database."""
        template = f"holdfast_template_{uuid4().hex[:8]}"
        if self._postgres_url is None:
            cluster = postgres.prepare(self._folder, port=free_port(), durable=False)
            await supervisor.run(cluster.part())
            server = cluster.url()
        else:
            server = self._postgres_url
            self._cleanups.append(lambda: drop_database(server, template))
        await _administer(server, f'CREATE DATABASE "{template}"')
        url = database_url(server, template)
        await migrate.upgrade(url)
        return url

    async def _start_temporal(self, supervisor: Supervisor) -> str:
        cli = await asyncio.to_thread(temporal_cli.find, None, say=print)
        server = TemporalServer(cli, self._folder / "temporal.db", free_port(), free_port(), self._namespaces)
        await supervisor.run(server.part())
        return server.address


def ask(folder: Path, name: str) -> str:
    """The address of a service, started now if this is the first test that wants it."""
    (folder / f"{name}.wanted").touch()
    answer = folder / f"{name}.answer"
    deadline = time.monotonic() + _START_LIMIT
    while not answer.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} did not start within {_START_LIMIT:.0f} s")
        time.sleep(_POLL)
    said: dict[str, str] = json.loads(answer.read_text())
    if "error" in said:
        raise RuntimeError(f"{name} could not be started: {said['error']}")
    return said["address"]


async def clone_database(template: str, name: str) -> str:
    """A fresh copy of the template; returns its address."""
    source = make_url(template).database
    await _administer(
        database_url(template, "postgres"), f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY FILE_COPY'
    )
    return database_url(template, name)


async def drop_database(server: str, name: str) -> None:
    """Remove a copy, whoever is still connected."""
    await _administer(database_url(server, "postgres"), f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def database_url(url: str, database: str) -> str:
    """The same server's address with another database."""
    return make_url(url).set(database=database).render_as_string(hide_password=False)


async def _administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _sweep(parent: Path) -> None:
    """Remove the folders of runs that were killed, after ending what they left running."""
    for folder in parent.glob("*/"):
        with contextlib.suppress(AlreadyRunningError), Supervisor(folder):
            for owned in folder.glob("*/children.json"):
                with Supervisor(owned.parent):
                    postgres.delete(owned.parent)
            _remove(folder)


def _remove(folder: Path) -> None:
    postgres.delete(folder)
    shutil.rmtree(folder, ignore_errors=True)  # a run that begins just now may sweep it too
