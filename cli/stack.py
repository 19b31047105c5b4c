"""All parts of Holdfast on one machine, each a process of its own: what dev, demo, bench and the tests start."""

import asyncio
import json
import secrets
import ssl
import sys
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

import httpx
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, ListTaskQueuePartitionsRequest
from temporalio.client import Client
from temporalio.service import RPCError

from cli import postgres
from cli.ports import free_port
from cli.processes import Part, Supervisor
from cli.temporal_server import TemporalServer
from store import migrate
from workflows.contracts import CONTROL_QUEUE, CONVERSATIONS_QUEUE

_ALL = ("postgres", "temporal", "simulator", "api", "worker")
_ALONE = ("postgres", "temporal", "simulator")
"""Parts that need no other to start."""
_PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""To read the machine's certificates, of which plain HTTP needs none, would take half a core from what is starting."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the parts listen on 127.0.0.1; a part that is restarted keeps its port."""

    postgres: int = field(default_factory=free_port)
    temporal: int = field(default_factory=free_port)
    temporal_ui: int = field(default_factory=free_port)
    simulator: int = field(default_factory=free_port)
    api: int = field(default_factory=free_port)
    worker_metrics: int = field(default_factory=free_port)


def _key() -> str:
    return b64encode(secrets.token_bytes(32)).decode()


@dataclass(frozen=True, slots=True)
class Secrets:
    """Made-up secrets of a local stack; they are passed by environment, never on a command line."""

    app_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    verify_token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    sealing_key: str = field(default_factory=_key)
    hash_key: str = field(default_factory=_key)

    @classmethod
    def kept_in(cls, file: Path) -> Self:
        """Those of an earlier run, so that what it sealed can be opened; made now if there was none."""
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(json.dumps(asdict(cls())))
        return cls(**json.loads(file.read_text()))


class Stack:
    """The parts, how they reach each other, and the supervisor that runs them.

    Args:
        supervisor: holds the folder that everything is put into.
        temporal_cli: the program of the dev server; see `cli.temporal_cli.find`.
        durable: False turns Postgres' fsync off.
        environment: settings beside those that tie the parts together; they win over these.
        working_folder: where the parts look for a `.env`; by default a folder that has none.
        database_url, temporal_address: use running servers instead of starting these.
    """

    def __init__(  # noqa: PLR0913 - each is something a caller decides by itself
        self,
        supervisor: Supervisor,
        temporal_cli: Path | None,
        *,
        ports: Ports | None = None,
        keys: Secrets | None = None,
        durable: bool = False,
        environment: Mapping[str, str] | None = None,
        working_folder: Path | None = None,
        database_url: str | None = None,
        temporal_address: str | None = None,
    ) -> None:
        self.supervisor = supervisor
        self.folder = supervisor.folder.resolve()
        self.ports = ports or Ports()
        self.keys = keys or Secrets()
        self.database_url = database_url or ""
        self.temporal_address = temporal_address or f"127.0.0.1:{self.ports.temporal}"
        self.cluster: postgres.Cluster | None = None
        self._durable = durable
        self._given = dict(environment or {})
        self._working_folder = working_folder or self.folder
        self.temporal: TemporalServer | None = None
        if temporal_address is None and temporal_cli is not None:
            file = self.folder / "temporal.db"
            self.temporal = TemporalServer(temporal_cli, file, self.ports.temporal, self.ports.temporal_ui)

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return f"http://127.0.0.1:{self.ports.api}"

    @property
    def simulator_url(self) -> str:
        """Where the stand-in for Meta answers: Graph paths, control API, page."""
        return f"http://127.0.0.1:{self.ports.simulator}"

    async def start(self, *names: str) -> None:
        """Start the named parts, all by default, and wait until they are ready; the database gets migrated.

        What needs nothing starts while Postgres is made ready, and what needs that and Temporal starts then at once.
        A part that runs already is left as it is.
        """
        wanted = names or _ALL
        await asyncio.gather(*(self._run(name) for name in wanted if name in _ALONE))
        await asyncio.gather(*(self._run(name) for name in wanted if name not in _ALONE))

    async def _run(self, name: str) -> None:
        if self.supervisor.is_running(name):
            return
        if name == "postgres":
            await self.start_postgres()
        elif name != "temporal":
            await self.supervisor.run(self.part(name))
        elif self.temporal is not None:
            await self.supervisor.run(self.temporal.part())

    async def start_postgres(self) -> None:
        """Start the embedded Postgres, unless another was given, and bring the database to this code's schema."""
        if not self.database_url or self.cluster is not None:
            self.cluster = postgres.prepare(self.folder, port=self.ports.postgres, durable=self._durable)
            await self.supervisor.run(self.cluster.part())
            self.database_url = await self.cluster.ensure_database("holdfast")
        await migrate.upgrade(self.database_url)

    def part(self, kind: str, *, name: str | None = None, environment: Mapping[str, str] | None = None) -> Part:
        """One of our own processes (api, intake, worker, simulator); `name` and `environment` tell two apart."""
        variables = {**self.environment(), **(environment or {})}
        command: tuple[str, ...] = (sys.executable, "-m", "cli.main", kind)
        if kind == "simulator":
            command += (
                "--port",
                str(self.ports.simulator),
                "--webhook-url",
                f"{self.api_url}/api/v1/webhooks/whatsapp",
            )
        name = name or kind
        urls = {
            "api": f"http://127.0.0.1:{variables['API_PORT']}/health",
            "simulator": f"{self.simulator_url}/_control/clock",
        }
        ready = Answers(urls[kind]) if kind in urls else _at_once
        if kind == "worker":
            ready = Polls(self.supervisor, name, variables["TEMPORAL_ADDRESS"], variables["TEMPORAL_NAMESPACE"])
        return Part(name, command, ready, environment=variables, folder=self._working_folder)

    def environment(self) -> dict[str, str]:
        """The settings that tie the parts together, as environment variables."""
        return {
            "DATABASE_URL": self.database_url,
            "TEMPORAL_ADDRESS": self.temporal_address,
            "TEMPORAL_NAMESPACE": "default",
            "META_APP_ID": "100000000000001",
            "META_APP_SECRET": self.keys.app_secret,
            "META_VERIFY_TOKEN": self.keys.verify_token,
            "META_CONFIG_ID": "200000000000001",
            "META_GRAPH_URL": self.simulator_url,
            "META_SDK_URL": f"{self.simulator_url}/sdk.js",
            "META_DIALOG_URL": self.simulator_url,
            "CONSOLE_PUBLIC_URL": self.api_url,
            "SEALING_KEYS": f"local:{self.keys.sealing_key}",
            "SEALING_HASH_KEY": self.keys.hash_key,
            "API_PORT": str(self.ports.api),
            "WORKER_METRICS_PORT": str(self.ports.worker_metrics),
            "AGENT_PRIVATE_ADDRESSES": "true",
            "MEDIA_URL": str(self.folder / "media"),
        } | self._given


@dataclass(frozen=True, slots=True)
class Answers:
    """Ready once this URL answers 200."""

    url: str

    async def __call__(self) -> bool:
        """Ask once."""
        async with httpx.AsyncClient(trust_env=False, timeout=2, verify=_PLAIN) as client:
            try:
                return (await client.get(self.url)).status_code == httpx.codes.OK
            except httpx.HTTPError:
                return False


@dataclass(frozen=True, slots=True)
class Polls:
    """Ready once Temporal sees this very process ask for work of each kind: its identity begins with its process id."""

    supervisor: Supervisor
    name: str
    address: str
    namespace: str

    async def __call__(self) -> bool:
        """Ask once."""
        try:
            client = await Client.connect(self.address, namespace=self.namespace)
            for queue in (CONVERSATIONS_QUEUE, CONTROL_QUEUE):
                if not await self._polls(client, queue):
                    return False
        except (RPCError, RuntimeError):
            return False
        return True

    async def _polls(self, client: Client, queue: str) -> bool:
        """Whether any partition of the queue knows it: each lists only those that ask there, for a minute at a time."""
        service = client.workflow_service
        named = ListTaskQueuePartitionsRequest(namespace=self.namespace, task_queue=TaskQueue(name=queue))
        partitions = (await service.list_task_queue_partitions(named)).workflow_task_queue_partitions
        requests = [
            DescribeTaskQueueRequest(
                namespace=self.namespace,
                task_queue=TaskQueue(name=partition.key),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            )
            for partition in partitions
        ]
        described = await asyncio.gather(*(service.describe_task_queue(request) for request in requests))
        pid = f"{self.supervisor.pid(self.name)}@"
        return any(poller.identity.startswith(pid) for one in described for poller in one.pollers)


async def _at_once() -> bool:
    return True
