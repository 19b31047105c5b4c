"""Meta's media calls against a small server in its place."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from aiohttp import web

import egress
from whatsapp.app_secrets import AppSecrets
from whatsapp.media import Media

TOKEN = "EAA-the-token"
DATA = bytes(range(256)) * 1000
HOSTS = ["fbsbx.com"]


@asynccontextmanager
async def media(
    base_url: str, *, secrets: AppSecrets | None = None, most: timedelta = timedelta(seconds=5)
) -> AsyncIterator[Media]:
    """The calls, at this address."""
    async with (
        egress.graph_client(max_connections=4) as graph,
        egress.agent_client(private_addresses=False) as world,
    ):
        yield Media(
            graph,
            world,
            base_url=base_url,
            version="v26.0",
            secrets=secrets or AppSecrets.of("secret"),
            hosts=HOSTS,
            deadline=timedelta(seconds=2),
            timeout=most,
        )


@dataclass
class Host:
    """A server that answers each path as told and keeps what it was shown."""

    answers: dict[str, Callable[[], web.Response]] = field(default_factory=dict)
    shown: list[tuple[str, str | None]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        self.shown.append((request.path, request.headers.get("Authorization")))
        self.bodies.append(await request.read())
        return self.answers[request.path]()
