"""The embedded Postgres: only its binaries are used, and the user's folders stay as they are."""

import os
import shutil
from pathlib import Path

import asyncpg
import psutil
import pytest

from cli import postgres
from cli.ports import free_port
from cli.processes import Account, Supervisor


def _modes(path: Path) -> list[tuple[Path, int]]:
    return [(parent, parent.stat().st_mode) for parent in (path, *path.parents)]


async def test_postgres_runs_unprivileged_and_no_folder_of_the_user_changes_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    before = _modes(folder) + _modes(postgres.locate())
    cluster = postgres.prepare(folder, port=free_port(), durable=False)
    try:
        with Supervisor(folder) as supervisor:
            await supervisor.run(cluster.part())
            assert psutil.Process(supervisor.pid("postgres")).uids().real != 0
            await supervisor.stop("postgres")
    finally:
        postgres.delete(folder)
    assert _modes(folder) + _modes(postgres.locate()) == before
    assert not cluster.data.exists()


async def test_postgres_keeps_its_data_and_listens_on_the_loopback_only(run_folder: Path) -> None:
    port = free_port()
    with Supervisor(run_folder) as supervisor:
        cluster = postgres.prepare(run_folder, port=port, durable=True)
        await supervisor.run(cluster.part())
        url = await cluster.ensure_database("kept")
        listening = psutil.Process(supervisor.pid("postgres")).net_connections()
        assert {connection.laddr.ip for connection in listening if connection.status == "LISTEN"} == {"127.0.0.1"}
        supervisor.kill("postgres")

        again = postgres.prepare(run_folder, port=port, durable=True)
        await supervisor.run(again.part())
        assert await again.ensure_database("kept") == url
        await supervisor.stop("postgres")


async def test_postgres_wants_the_password(run_folder: Path) -> None:
    cluster = postgres.prepare(run_folder, port=free_port(), durable=False)
    with Supervisor(run_folder) as supervisor:
        await supervisor.run(cluster.part())
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(f"postgresql://holdfast:guess@127.0.0.1:{cluster.port}/postgres")
        await supervisor.stop("postgres")


def test_data_of_another_major_version_is_named_with_a_remedy_and_kept(run_folder: Path) -> None:
    cluster = postgres.prepare(run_folder, port=1, durable=False)
    (cluster.data / "PG_VERSION").write_text("12\n")
    with pytest.raises(postgres.EmbeddedPostgresError, match=r"made by Postgres 12.*Delete that folder"):
        postgres.prepare(run_folder, port=1, durable=False)
    assert (cluster.data / "base").exists()


def test_an_interrupted_initdb_leaves_nothing_that_looks_like_a_cluster(run_folder: Path) -> None:
    half = run_folder / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    cluster = postgres.prepare(run_folder, port=1, durable=False)
    assert (cluster.data / "base").exists()
    assert not half.exists()


def test_binaries_that_the_account_cannot_reach_are_copied_where_it_can(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, shared = tmp_path / "site-packages", run_folder / "shared"
    shutil.copytree(postgres.locate(), closed / "pginstall" / "bin")
    closed.chmod(0o700)
    monkeypatch.setattr(postgres, "locate", lambda: closed / "pginstall" / "bin")
    monkeypatch.setattr(postgres, "_SHARED", shared)
    binaries = postgres._binaries(Account(os.getuid(), os.getgid()))
    assert binaries.is_relative_to(shared)
    assert (binaries / "initdb").exists()
    assert postgres._is_open(binaries)
