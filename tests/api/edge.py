"""The API over real HTTP, in this event loop, and organizations that call it."""

import asyncio
import atexit
import base64
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from pydantic import SecretStr

from api.app import Application, create_app
from api.background import Part
from api.server import server
from settings import Settings, load
from simulator.control_call import PLAIN
from store.engine import Database
from store.onboardings import start_onboarding
from store.organizations import create_api_key
from tests.rows import (
    HASH_KEY,
    KEYED_HASH,
    RING,
    SEALING_KEY,
    Number,
    change,
    connected_number,
    conversation,
    received,
    row,
)
from tests.serving import serving
from whatsapp.signature import sign

SECRET = "the app's secret"
PREVIOUS_SECRET = "the secret before"
APP_ID = "1234567890"
VERIFY_TOKEN = "the app's own verify token"
WEBHOOK = "/api/v1/webhooks/whatsapp"
BODY = b'{"object":"whatsapp_business_account","entry":[]}'
_FILES = Path(tempfile.mkdtemp(prefix="holdfast-test-files-"))
atexit.register(shutil.rmtree, _FILES, ignore_errors=True)


def settings_for(url: str, *, temporal_address: str = "127.0.0.1:1", files: Path = _FILES, **api: Any) -> Settings:
    """Settings of an API over this database that keeps its files in a folder; `api` changes the group of that name."""
    given = _given()
    meta = {
        "app_id": APP_ID,
        "config_id": "our config",
        "app_secret": SecretStr(SECRET),
        "app_secret_previous": SecretStr(PREVIOUS_SECRET),
        "verify_token": SecretStr(VERIFY_TOKEN),
    }
    keys = {"keys": [SecretStr(SEALING_KEY)], "hash_key": SecretStr(base64.b64encode(HASH_KEY).decode())}
    return replace(
        given,
        meta=given.meta.model_copy(update=meta),
        database=given.database.model_copy(update={"url": SecretStr(url)}),
        sealing=given.sealing.model_copy(update=keys),
        temporal=given.temporal.model_copy(update={"address": temporal_address}),
        api=given.api.model_copy(update=api),
        media=given.media.model_copy(update={"url": str(files)}),
    )


@cache
def _given() -> Settings:
    """Settings are values: read once, as a process does."""
    return load()


@dataclass(frozen=True, slots=True)
class Edge:
    """A running API and a client of it without a key."""

    url: str
    client: httpx.AsyncClient
    database: Database
    app: Application

    @property
    def openapi(self) -> dict[str, Any]:
        """What the API says of itself; it takes a second to make."""
        return self.app.openapi()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def deliver(self, body: bytes = BODY, *, path: str = WEBHOOK, secret: str = SECRET) -> httpx.Response:
        """Post a body as Meta does."""
        return await self.client.post(path, content=body, headers=signed(body, secret=secret))


def signed(body: bytes, *, secret: str = SECRET) -> dict[str, str]:
    """The headers of a webhook of Meta's."""
    return {"Content-Type": "application/json", "X-Hub-Signature-256": sign(body, secret.encode())}


@asynccontextmanager
async def edge(
    database: Database, settings: Settings, *, background: Sequence[Part] = (), port: int = 0, **outside: Any
) -> AsyncIterator[Edge]:
    """Serve the API over this database while the block runs; `outside` are its ways to Temporal and Meta."""
    app = create_app(settings, database=database, background=background, **outside)
    trusted = settings.api.trusted_proxies
    made = server(app, host="127.0.0.1", port=port, trusted_proxies=trusted, on_stop=app.stop_streams)
    limits = httpx.Limits(max_connections=None)
    async with (
        serving(made, port=port) as url,
        httpx.AsyncClient(base_url=url, timeout=10, limits=limits, verify=PLAIN) as client,
    ):
        yield Edge(url, client, database, app)


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization with a number, a contact, a conversation with a message in it, and a client with its key."""

    number: Number
    conversation_id: UUID
    contact_id: UUID
    message_id: UUID
    onboarding_id: UUID
    wa_id: str
    key: str
    client: httpx.AsyncClient

    @property
    def organization_id(self) -> UUID:
        return self.number.organization_id


@asynccontextmanager
async def tenant(edge: Edge, *, digits: str = "15550001", wa_id: str = "491700000001") -> AsyncIterator[Tenant]:
    """An organization of its own."""
    number = await connected_number(edge.database, digits=digits)
    key = await create_api_key(edge.database, KEYED_HASH, organization_id=number.organization_id, name="test")
    conversation_id = await talk(edge.database, number, wa_id=wa_id)
    contact_id = (await row(edge.database, "conversations", conversation_id)).contact_id
    message_id = await received(edge.database, number, conversation_id, f"secret of {digits}")
    onboarding_id = await start_onboarding(
        edge.database,
        RING,
        organization_id=number.organization_id,
        agent_flow_id=number.agent_flow_id,
        way="frontend",
        code=f"code of {digits}",
    )
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=edge.url, headers=headers, timeout=10, verify=PLAIN) as client:
        yield Tenant(number, conversation_id, contact_id, message_id, onboarding_id, wa_id, key, client)


async def talk(
    database: Database,
    number: Number,
    *,
    wa_id: str,
    opened: timedelta | None = timedelta(0),
    latest: datetime | None = None,
) -> UUID:
    """A conversation that is listed: one that has had a message."""
    conversation_id = await conversation(database, number, wa_id=wa_id, opened=opened)
    await change(
        database,
        "UPDATE conversations SET last_message_at = :latest WHERE id = :id",
        id=conversation_id,
        latest=latest or datetime.now(UTC),
    )
    return conversation_id


async def stored_bodies(database: Database) -> list[bytes]:
    """The bodies of the log, in the order they were stored."""
    async with database.engine.connect() as connection:
        found = await connection.exec_driver_sql("SELECT body FROM webhook_events ORDER BY id")
        return [bytes(body) for (body,) in found]


async def raw_exchange(port: int, request: bytes, *, patience: float = 5.0) -> bytes:
    """Write bytes to the API and read what comes until it closes or nothing comes any more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        writer.write(request)
        async with asyncio.timeout(patience):
            while not complete(answer):
                part = await reader.read(65536)
                if not part:
                    break
                answer += part
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return answer


def complete(answer: bytes) -> bool:
    """Whether an HTTP answer is there in full."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return bool(end) and len(body) >= int(length or 0)
