"""A stand-in for Graph's management calls that remembers what it was asked and answers as told."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from aiohttp import web

import egress
from tests.unit.servers import http_server
from whatsapp.accounts import Accounts
from whatsapp.app_secrets import AppSecrets
from whatsapp.usage import Usage

TOKEN, SECRET, APP = "EAABtoken0", "app secret & more", "1111"
WABA, NUMBER = "102290129340398", "106540352242922"


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Meta:
    """What was asked, and what the calls are made with."""

    accounts: Accounts
    asked: list[Asked] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)

    @property
    def only(self) -> Asked:
        """The one request there was."""
        (one,) = self.asked
        return one


@asynccontextmanager
async def meta(*answers: Any, status: int = 200, headers: dict[str, str] | None = None) -> AsyncIterator[Meta]:
    """Graph answering with these bodies in turn, the last one again and again."""
    left = [answer if isinstance(answer, bytes) else json.dumps(answer).encode() for answer in answers]

    async def handle(request: web.BaseRequest) -> web.Response:
        body = await request.read()
        asked = Asked(
            request.method, request.path, dict(request.query), dict(request.headers), json.loads(body) if body else None
        )
        stage.asked.append(asked)
        raw = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(body=raw, status=status, content_type="application/json", headers=headers)

    async with egress.graph_client(max_connections=10) as client, http_server(handle) as base_url:
        usages: list[Usage] = []
        stage = Meta(accounts(client, base_url, usages), usages=usages)
        yield stage


def accounts(client: httpx.AsyncClient, base_url: str, usages: list[Usage] | None = None) -> Accounts:
    """The calls against an address."""
    return Accounts(
        client,
        base_url=base_url,
        version="v26.0",
        app_id=APP,
        secrets=AppSecrets.of(SECRET),
        deadline=timedelta(seconds=5),
        on_usage=None if usages is None else usages.append,
    )
