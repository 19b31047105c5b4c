"""The parts as processes: how they are started, reached and told their secrets."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from cli import ports, postgres, temporal_cli, tenant
from cli.dev import PortTakenError, check_ports
from cli.processes import Supervisor
from cli.stack import Secrets, Stack
from simulator.client import SimulatorClient
from store.engine import Database
from store.organizations import organization_of_key


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Postgres and a simulator, for the tests that look at them and the one that kills the latter."""
    with Supervisor(tmp_path_factory.mktemp("running")) as supervisor:
        stack = Stack(supervisor, None)
        await stack.start("postgres", "simulator")
        yield stack
        await supervisor.stop_all()
        postgres.delete(supervisor.folder)


async def test_no_secret_is_on_a_command_line(running: Stack) -> None:
    keys = running.keys
    assert running.cluster
    secrets = [keys.app_secret, keys.sealing_key, keys.hash_key, keys.verify_token, running.cluster.password]
    for name in ("postgres", "simulator"):
        line = " ".join(psutil.Process(running.supervisor.pid(name)).cmdline())
        assert not [secret for secret in secrets if secret in line]


async def test_a_killed_simulator_comes_back_at_its_port(running: Stack) -> None:
    async with SimulatorClient(running.simulator_url) as simulator:
        await tenant.introduce(simulator)
        await simulator.customer_says(tenant.PHONE_NUMBER_ID, "491510000001", "Hello")
        assert (await simulator.account())["inbound"] == 1
        running.supervisor.kill("simulator")
        await running.supervisor.restart("simulator")
        assert (await simulator.account())["inbound"] == 0


async def test_temporal_started_anew_without_its_file_is_empty_and_ready(run_folder: Path) -> None:
    cli = temporal_cli.find(None, say=print)
    with Supervisor(run_folder) as supervisor:
        stack = Stack(supervisor, cli, database_url="unused")
        await stack.start("temporal")
        supervisor.kill("temporal")
        assert stack.temporal
        stack.temporal.delete_file()
        await supervisor.restart("temporal")
        await supervisor.stop_all()


def test_what_a_first_run_made_up_the_next_one_uses_again(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    assert Secrets.kept_in(file) == Secrets.kept_in(file)
    assert file.stat().st_mode & 0o077 == 0
    assert Secrets() != Secrets()


async def test_a_tenant_is_kept_as_long_as_the_database_knows_it(
    run_folder: Path, tmp_path: Path, database: Database
) -> None:
    with Supervisor(run_folder) as supervisor:
        environment = Stack(supervisor, None, database_url="unused").environment()
    file = tmp_path / "tenant.json"
    made = await tenant.kept_in(file, database, environment)
    assert await tenant.kept_in(file, database, environment) == made
    assert (
        str(await organization_of_key(database, tenant.keyed_hash(environment), made.api_key)) == made.organization_id
    )


def test_a_taken_port_is_named_with_its_setting(temporal_address: str) -> None:
    port = int(temporal_address.rpartition(":")[2])
    with pytest.raises(PortTakenError, match=f"^port {port} is taken: set DEV_TEMPORAL_PORT to another$"):
        check_ports({"DEV_TEMPORAL_PORT": port})


async def test_a_second_worker_is_ready_when_it_polls_itself_and_both_are_killed_apart(
    run_folder: Path, database_url: str
) -> None:
    cli = temporal_cli.find(None, say=print)
    with Supervisor(run_folder) as supervisor:
        stack = Stack(supervisor, cli, database_url=database_url)
        await stack.start("temporal", "worker")
        second = stack.part("worker", name="worker-2", environment={"WORKER_METRICS_PORT": "0"})
        supervisor.start(second)
        assert not await second.is_ready()
        await supervisor.ready("worker-2")
        supervisor.kill("worker")
        assert supervisor.is_running("worker-2")


def test_two_runs_at_once_are_never_given_the_same_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_RANGE", range(19_990, 20_000))
    given = [ports.free_port() for _ in range(5)]
    other_run = (
        "from cli import ports; ports._RANGE = range(19_990, 20_000); print([ports.free_port() for _ in '12345'])"
    )
    printed = subprocess.run([sys.executable, "-c", other_run], capture_output=True, text=True, check=True).stdout
    assert not set(given) & set(json.loads(printed))
