"""Fixtures of every room: real Postgres, real Temporal. What a test needs and is not there leaves it out, by name."""

import asyncio
import gc
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Generator
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from cli import temporal_cli
from cli.processes import Supervisor
from cli.stack import Stack
from store.engine import Database
from tests.databases import Databases
from tests.figures import write_figures
from tests.services import Services, ask, clone_database, drop_database
from tests.services import database_url as at_database
from tests.sharing import ByHouse

_ROOT = Path(__file__).parents[1]
_BROWSER_TESTS = _ROOT / "tests" / "console"
_FOLDER = pytest.StashKey[Path]()
_SERVICES = pytest.StashKey[Services]()
_numbers = count()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("holdfast")
    group.addoption(
        "--postgres", metavar="URL", help="use this Postgres server, as a superuser, instead of an embedded one"
    )
    group.addoption("--chaos", action="store_true", help="longer and larger fault runs (make chaos)")
    group.addoption("--seed", type=int, help="of the random choices in fault tests (default: another in each run)")
    group.addoption(
        "--payloads",
        metavar="DIR",
        default=str(_ROOT.parent / "shared" / "payloads"),
        help="a folder of webhook bodies to replay (default: %(default)s, where it exists)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Only the process that was started by hand owns services; workers are told its folder."""
    given = getattr(config, "workerinput", None)
    if given is not None:
        config.stash[_FOLDER] = Path(given["holdfast_folder"])
        config.option.seed = given["holdfast_seed"]
        return
    if config.option.seed is None:
        config.option.seed = secrets.randbelow(1_000_000)
    folder = _ROOT / ".data" / "tests" / str(os.getpid())
    workers = [f"gw{number}" for number in range(len(getattr(config.option, "tx", None) or []))]
    # Beside each worker's own: for stacks that stay while other tests of the same worker start theirs.
    namespaces = [f"{worker}{kind}" for worker in ("main", *workers) for kind in ("", "-house", "-console")]
    services = Services(folder, postgres_url=config.getoption("--postgres"), namespaces=namespaces)
    config.stash[_FOLDER] = folder
    config.stash[_SERVICES] = services
    services.start()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Called by xdist for each worker it starts."""
    node.workerinput |= {  # type: ignore[attr-defined]
        "holdfast_folder": str(node.config.stash[_FOLDER]),  # type: ignore[attr-defined]
        "holdfast_seed": node.config.option.seed,  # type: ignore[attr-defined]
    }


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByHouse | None:
    """How `--dist loadgroup` shares the tests out."""
    return ByHouse(config, log) if config.getoption("dist") == "loadgroup" else None


def pytest_sessionfinish() -> None:
    """What was set aside by `pytest_collection` ends as it would have."""
    gc.unfreeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    services = config.stash.get(_SERVICES, None)
    if services is None:
        return
    services.stop()
    for line in left_out(config):
        print(f"left out: {line}")  # noqa: T201 - the run's last line; the terminal reporter is gone by now


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    write_figures(terminalreporter, seed=config.option.seed, everything=config.getoption("--chaos"))


def left_out(config: pytest.Config) -> list[str]:
    """What this run does not collect, and why."""
    lines = []
    payloads = Path(config.getoption("--payloads"))
    if not payloads.is_dir():
        lines.append(f"replay of collected webhook bodies: there is no folder {payloads} (--payloads DIR names one)")
    if find_chromium() is None:
        lines.append("pages in a browser: there is no Chromium (apt install chromium, or HOLDFAST_CHROMIUM=path)")
    return lines


def find_chromium() -> str | None:
    """The browser's program: the one that HOLDFAST_CHROMIUM names, else one on PATH; never one of Playwright's own."""
    if named := os.environ.get("HOLDFAST_CHROMIUM"):
        return shutil.which(named)
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return next((path for path in found if path), None)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is loaded and collected stays to the end: looking for garbage in it took a quarter of a run's own time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A test that needs what is not there is not collected: a skip would hide in a list of dots."""
    if collection_path.name == "test_payloads.py" and not Path(config.getoption("--payloads")).is_dir():
        return True
    if collection_path.is_relative_to(_BROWSER_TESTS) and find_chromium() is None:
        return True
    return None


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program."""
    found = find_chromium()
    assert found is not None
    return found


@pytest.fixture(scope="session")
def chaos(pytestconfig: pytest.Config) -> bool:
    """Whether fault tests take their long figures: 30 s instead of 12, 10,000 bodies instead of 2,000."""
    return bool(pytestconfig.getoption("--chaos"))


@pytest.fixture
def seed(pytestconfig: pytest.Config, record_property: Callable[[str, object], None]) -> int:
    """The seed of a test's random choices; the run's end names it if the test fails."""
    seed = int(pytestconfig.getoption("--seed"))
    record_property("seed", seed)
    return seed


@pytest.fixture(scope="session")
def payloads(pytestconfig: pytest.Config) -> Path:
    """The folder of collected webhook bodies."""
    return Path(pytestconfig.getoption("--payloads"))


@pytest.fixture(scope="session")
def postgres_template(pytestconfig: pytest.Config) -> str:
    """The address of a migrated, empty database to clone; nobody connects to it."""
    return ask(pytestconfig.stash[_FOLDER], "postgres")


@pytest.fixture(scope="session")
async def _databases(postgres_template: str, worker_id: str) -> AsyncIterator[Databases]:
    databases = Databases(postgres_template, f"test_{worker_id}_{os.getpid()}")
    yield databases
    await databases.close()


@pytest.fixture
async def database_url(_databases: Databases) -> AsyncIterator[str]:
    """The address of a migrated database of this test's own."""
    url = await _databases.take()
    yield url
    await _databases.give_back(url)


@pytest.fixture
async def empty_url(postgres_template: str, worker_id: str) -> AsyncIterator[str]:
    """The address of a database of this test's own without a single table."""
    name = f"empty_{worker_id}_{os.getpid()}_{next(_numbers)}"
    yield await clone_database(at_database(postgres_template, "template0"), name)
    await drop_database(postgres_template, name)


@pytest.fixture
async def database(database_url: str, _databases: Databases) -> AsyncIterator[Database]:
    """A migrated database of this test's own, connected."""
    database = _databases.connect(database_url)
    yield database
    await database.close()


@pytest.fixture
def run_folder(pytestconfig: pytest.Config) -> Path:
    """A folder for the servers that one test owns: what is left there is ended and removed by the next run."""
    folder = pytestconfig.stash[_FOLDER] / f"own-{uuid4().hex[:8]}"
    folder.mkdir()
    return folder


@pytest.fixture
async def stack(run_folder: Path) -> AsyncIterator[Stack]:
    """Parts of this test's own, to be killed at will; none runs until `await stack.start(...)`."""
    cli = await asyncio.to_thread(temporal_cli.find, None, say=print)
    with Supervisor(run_folder) as supervisor:
        yield Stack(supervisor, cli, environment={"WORKER_SANDBOX": "true"})
        await supervisor.stop_all()


@pytest.fixture(scope="session")
def temporal_address(pytestconfig: pytest.Config) -> str:
    """The run's Temporal dev server."""
    return ask(pytestconfig.stash[_FOLDER], "temporal")


@pytest.fixture(scope="session")
def temporal_namespace(worker_id: str) -> str:
    """This worker's own namespace, with our search attributes."""
    return "main" if worker_id == "master" else worker_id


@pytest.fixture(scope="session")
async def temporal_client(temporal_address: str, temporal_namespace: str) -> Client:
    """A client of this worker's own namespace."""
    return await Client.connect(temporal_address, namespace=temporal_namespace, data_converter=pydantic_data_converter)
