"""There may be no container engine where this runs: what compose would start is started as processes instead."""

import asyncio
import dataclasses
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from sqlalchemy import text
from sqlalchemy.engine import make_url
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client

import settings
from cli import postgres, temporal_cli
from cli.ports import free_port
from cli.temporal_server import DYNAMIC
from store.engine import Database
from store.sealing import new_key
from tests.deploy.compose import ROOT, Role, UnsetError, demanded, load
from tests.services import drop_database
from workflows.contracts import SEARCH_ATTRIBUTES

FILLED = {
    "META_APP_SECRET": "0123456789abcdef",
    "SEALING_KEYS": f"k1:{new_key()}",
    "SEALING_HASH_KEY": new_key(),
    "POSTGRES_PASSWORD": "secret1",
    "TEMPORAL_POSTGRES_PASSWORD": "secret2",
}
OURS = ("api", "worker", "intake", "migrate")


@pytest.fixture
def compose() -> dict[str, Any]:
    return load(FILLED)


def setting_names() -> set[str]:
    groups = [group.type for group in dataclasses.fields(settings.Settings)]
    return {
        f"{group.model_config['env_prefix']}{name}".upper()
        for group in groups
        if not isinstance(group, str)
        for name in group.model_fields
    }


def env_example() -> tuple[set[str], set[str]]:
    """The variables that .env.example asks to fill in, and those that it leaves at their defaults."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    found = [match for line in lines if (match := re.match(r"(#?)([A-Z_]+)=", line))]
    return {match[2] for match in found if not match[1]}, {match[2] for match in found if match[1]}


def test_images_have_the_versions_that_are_built_and_tested_here(compose: dict[str, Any]) -> None:
    modules = (ROOT / "tools" / "temporal" / "go.mod").read_text()
    [server] = re.findall(r"go\.temporal\.io/server v(\S+)", modules)
    [ui] = re.findall(r"temporalio/ui-server/v2 v(\S+)", modules)
    images = {name: service["image"] for name, service in compose["services"].items() if "temporal" in name}
    assert images == {
        "temporal": f"temporalio/server:{server}",
        "temporal-schema": f"temporalio/admin-tools:{server}",
        "temporal-namespace": f"temporalio/admin-tools:{server}",
        "temporal-ui": f"temporalio/ui:{ui}",
    }


def test_temporal_runs_with_the_figures_that_are_tested_here(compose: dict[str, Any]) -> None:
    given = yaml.safe_load(compose["configs"]["temporal-dynamic"]["content"])
    assert {name: values[0]["value"] for name, values in given.items()} == DYNAMIC


def test_every_variable_that_a_role_is_given_is_a_setting(compose: dict[str, Any]) -> None:
    for name in OURS:
        assert compose["services"][name]["environment"].keys() <= setting_names()


def test_what_compose_demands_the_example_asks_for_and_what_it_takes_the_example_lists() -> None:
    needed, taken = demanded()
    asked, offered = env_example()
    assert needed <= asked
    assert taken <= offered | asked


@pytest.mark.parametrize("name", FILLED)
def test_nothing_starts_without_a_secret(name: str) -> None:
    with pytest.raises(UnsetError, match=name):
        load({**FILLED, name: ""})


def test_what_is_waited_for_is_there_and_can_become_what_is_waited_for(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for service in services.values():
        for name, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[name]
            else:
                assert how["condition"] == "service_completed_successfully"
                assert services[name]["restart"] == "no"


def test_only_the_api_and_the_ui_are_reachable_and_only_from_this_host(compose: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:8080:8080"], "temporal-ui": ["127.0.0.1:8233:8233"]}
    assert compose["services"]["api"]["environment"]["API_PORT"] == 8080


def test_the_api_and_the_workers_keep_files_in_one_place_that_outlives_them(compose: dict[str, Any]) -> None:
    kept = {compose["services"][name]["environment"]["MEDIA_URL"] for name in ("api", "worker")}
    assert kept == {"/var/lib/holdfast/media"}
    for name in ("api", "worker"):
        assert compose["services"][name]["volumes"] == ["media:/var/lib/holdfast/media"]
    assert "media" in compose["volumes"]
    assert "-o holdfast -g holdfast /var/lib/holdfast/media" in (ROOT / "Dockerfile").read_text()


def environment_of(role: Role, database_url: str, temporal_address: str, namespace: str) -> dict[str, str]:
    """The role's settings, with the services' addresses replaced by those of this test."""
    assert make_url(role.environment["DATABASE_URL"]).host == "postgres"
    assert role.environment["TEMPORAL_ADDRESS"] == "temporal:7233"
    here = {"DATABASE_URL": database_url, "TEMPORAL_ADDRESS": temporal_address, "TEMPORAL_NAMESPACE": namespace}
    here["MEDIA_URL"] = "media"  # within the folder that the role runs in
    return {**os.environ, **role.environment, **here, "PYTHONPATH": str(ROOT)}


async def is_healthy(role: Role, folder: Path) -> bool:
    check = await asyncio.create_subprocess_exec(*role.health, cwd=folder, stderr=subprocess.DEVNULL)
    return await check.wait() == 0


@pytest.mark.parametrize("name", ["api", "worker", "intake"])
async def test_a_role_becomes_healthy_and_ends_in_time(
    name: str,
    compose: dict[str, Any],
    database_url: str,
    temporal_address: str,
    temporal_namespace: str,
    tmp_path: Path,
) -> None:
    role = Role.of(compose, name).at_port(free_port())
    environment = environment_of(role, database_url, temporal_address, temporal_namespace)
    assert not await is_healthy(role, tmp_path), "a check that nobody answers must not succeed"
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *role.command, cwd=tmp_path, env=environment, stdout=log, stderr=log
        )
    try:
        async with asyncio.timeout(30):
            while not await is_healthy(role, tmp_path):
                assert process.returncode is None, (tmp_path / "log").read_text()
                await asyncio.sleep(0.2)
        stopping = time.monotonic()
        process.send_signal(signal.SIGTERM)
        # uvicorn ends by the signal it was sent, after an orderly shutdown.
        ended = await asyncio.wait_for(process.wait(), role.grace)
        assert ended in {0, -signal.SIGTERM}, (tmp_path / "log").read_text()
        assert time.monotonic() - stopping < 10, "with nothing in flight"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_the_migrations_of_the_image_run_from_the_built_package_alone(
    compose: dict[str, Any], empty_url: str, tmp_path: Path
) -> None:
    package = build_package(tmp_path)
    role = Role.of(compose, "migrate")
    environment = environment_of(role, empty_url, "127.0.0.1:1", "none") | {"PYTHONPATH": str(package)}
    for _ in range(2):
        migrate = await asyncio.create_subprocess_exec(*role.command, cwd=tmp_path, env=environment)
        assert await migrate.wait() == 0
    database = Database.connect(empty_url)
    async with database.transaction() as connection:
        version = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one()
    await database.close()
    assert version


def build_package(folder: Path) -> Path:
    """What the image's build would install, from what its build would see, unpacked."""
    seen = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    source, package = folder / "source", folder / "package"
    source.mkdir()
    subprocess.run(["cp", "-r", *seen, source], cwd=ROOT, check=True)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    [wheel] = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "zipfile", "-e", wheel, package], check=True)
    return package


def test_the_image_installs_only_what_is_pinned_and_does_not_run_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text()
    assert "pip install --require-hashes -r requirements.txt" in lines
    assert "pip install --no-deps --no-build-isolation ." in lines
    assert re.findall(r"^USER (.+)$", lines, flags=re.MULTILINE) == ["10001"]
    assert 'ENTRYPOINT ["holdfast"]' in lines
    pinned = (ROOT / "requirements.txt").read_text()
    assert "hatchling==" in pinned
    for requirement in re.split(r"\n(?=\S)", pinned.strip()):
        assert requirement.startswith("#") or "--hash=sha256:" in requirement


async def test_the_namespace_job_makes_our_namespace_with_its_search_attributes_and_may_run_again(
    compose: dict[str, Any], temporal_address: str, tmp_path: Path
) -> None:
    namespace = f"deploy-{time.time_ns()}"
    (tmp_path / "temporal").symlink_to(await asyncio.to_thread(temporal_cli.find, None, say=print))
    shell, options, script = compose["services"]["temporal-namespace"]["entrypoint"]
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TEMPORAL_ADDRESS": temporal_address,
        "TEMPORAL_NAMESPACE": namespace,
    }
    for _ in range(2):
        job = await asyncio.create_subprocess_exec(shell, options, script, env=environment)
        assert await asyncio.wait_for(job.wait(), 40) == 0
    client = await Client.connect(temporal_address, namespace=namespace)
    found = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace=namespace))
    wanted = {key.name: int(key.indexed_value_type) for key in SEARCH_ATTRIBUTES}
    assert {name: int(found.custom_attributes[name]) for name in wanted} == wanted


async def test_temporals_role_may_make_its_own_databases_and_not_read_ours(
    compose: dict[str, Any], database_url: str, tmp_path: Path
) -> None:
    server = make_url(database_url)
    binaries = postgres.locate()
    environment = {
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PGHOST": str(server.host),
        "PGPORT": str(server.port),
        "PGPASSWORD": str(server.password or ""),
        "POSTGRES_USER": str(server.username),
        "POSTGRES_DB": str(server.database),
        "TEMPORAL_POSTGRES_PASSWORD": "it's secret",
    }
    script = compose["configs"]["temporal-role"]["content"]
    own = server.set(username="temporal", password="it's secret")
    try:
        subprocess.run(["/bin/sh", "-euc", script], env=environment, check=True)
        maker = Database.connect(own.set(database="postgres").render_as_string(hide_password=False), pool_size=1)
        async with maker.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            await connection.exec_driver_sql("CREATE DATABASE temporal_of_a_test")
        may_connect = text("SELECT has_database_privilege('temporal', :name, 'CONNECT')")
        async with maker.transaction() as connection:
            assert not (await connection.execute(may_connect, {"name": server.database})).scalar_one()
        await maker.close()
    finally:
        await drop_database(database_url, "temporal_of_a_test")
        owner = Database.connect(database_url, pool_size=1)
        async with owner.transaction() as connection:
            await connection.execute(text("DROP ROLE IF EXISTS temporal"))
        await owner.close()
