"""What all workers of the process share: the record, the keys, the ways to Meta and to businesses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

import egress
from settings import Settings
from store.engine import Database
from store.hashing import KeyedHash
from store.objects import ObjectStore
from store.sealing import KeyRing
from whatsapp.accounts import Accounts
from whatsapp.app_secrets import AppSecrets
from whatsapp.graph import Graph
from whatsapp.media import Media
from workers.app_secrets import watched_secrets
from workers.limits import watched_pacing


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that is opened once and closed at the end."""

    settings: Settings
    database: Database
    ring: KeyRing
    keyed_hash: KeyedHash
    graph: Graph
    """Sends messages."""
    accounts: Accounts
    """Manages numbers and accounts."""
    agents: httpx.AsyncClient
    endpoints: httpx.AsyncClient
    """For event endpoints: apart from the agents', whose addresses have a switch of their own."""
    media: Media
    """Files at Meta: by clients of its own, so that a large file takes no message's connection."""
    objects: ObjectStore
    """Files here."""

    @property
    def runner(self) -> WorkflowRunner:
        """Runs workflows as the settings say."""
        return SandboxedWorkflowRunner() if self.settings.worker.sandbox else UnsandboxedWorkflowRunner()


@asynccontextmanager
async def open_parts(settings: Settings) -> AsyncIterator[Parts]:
    """Open them all, and close them at the end.

    Raises:
        SettingsError: a key is missing or is none, or files cannot be kept where they are to be.
    """
    ring = KeyRing.parse([key.get_secret_value() for key in settings.sealing.keys])
    keyed_hash = KeyedHash.parse(settings.sealing.hash_key.get_secret_value())
    url, size = settings.database.url.get_secret_value(), settings.database.pool_size
    database = Database.connect(url, pool_size=size, application="holdfast worker")
    secrets = watched_secrets(settings.meta)
    objects = ObjectStore.open(settings.media.url)
    async with (
        egress.graph_client(max_connections=settings.meta.graph_connections) as meta,
        egress.agent_client(private_addresses=settings.agent.private_addresses) as agents,
        egress.agent_client(private_addresses=settings.events.private_addresses) as endpoints,
        egress.graph_client(max_connections=2 * settings.media.moves) as graph_files,
        egress.agent_client(private_addresses=False) as files,
    ):
        yield Parts(
            settings=settings,
            database=database,
            ring=ring,
            keyed_hash=keyed_hash,
            graph=_graph(settings, meta, secrets),
            accounts=_accounts(settings, meta, secrets),
            agents=agents,
            endpoints=endpoints,
            media=_media(settings, graph_files, files, secrets),
            objects=objects,
        )
    await database.close()


def _graph(settings: Settings, client: httpx.AsyncClient, secrets: AppSecrets) -> Graph:
    meta = settings.meta
    return Graph(
        client,
        base_url=meta.graph_url,
        version=meta.graph_version,
        secrets=secrets,
        deadline=meta.graph_deadline,
    )


def _accounts(settings: Settings, client: httpx.AsyncClient, secrets: AppSecrets) -> Accounts:
    meta = settings.meta
    return Accounts(
        client,
        base_url=meta.graph_url,
        version=meta.graph_version,
        app_id=meta.app_id,
        secrets=secrets,
        deadline=meta.graph_deadline,
        pacing=watched_pacing(),
    )


def _media(settings: Settings, graph: httpx.AsyncClient, world: httpx.AsyncClient, secrets: AppSecrets) -> Media:
    meta = settings.meta
    return Media(
        graph,
        world,
        base_url=meta.graph_url,
        version=meta.graph_version,
        secrets=secrets,
        hosts=[host.strip().lower() for host in settings.media.hosts.split(",") if host.strip()],
        deadline=meta.graph_deadline,
        timeout=settings.media.timeout,
    )
