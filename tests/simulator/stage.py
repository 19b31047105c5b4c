"""What tests of the simulator play with: the app's side of the webhook, and a running simulator with one number."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp

from simulator.app import create_app
from simulator.client import SimulatorClient
from simulator.config import SimulatorConfig
from simulator.control_call import PLAIN
from simulator.world import World
from tests.serving import serving

APP_ID = "100000000000001"
APP_TOKEN = "100000000000001|the-app's-secret"
APP_SECRET = "the-app's-secret"
NUMBER = "106540352242922"
WABA = "419561257915477"
TOKEN = "EAAnumber"
CUSTOMER = "16505551234"


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """An app over real HTTP, on a free port, in this event loop."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=1)
    async with serving(uvicorn.Server(config)) as url:
        yield url


@dataclass
class Webhook:
    """The app's side: keeps each signed body and answers as a test says."""

    base_url: str = ""
    test: int = 0
    """What was still on its way when a test ended comes to another address than that of the next."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0
    answer: Callable[[int], int] = lambda _: 200
    requests: int = 0
    most_at_once: int = 0
    _at_once: int = 0

    @property
    def url(self) -> str:
        """The address of this test."""
        return f"{self.base_url}/{self.test}"

    def forget(self) -> None:
        """Be as new, at another address."""
        vars(self).update(vars(Webhook(self.base_url, self.test + 1)))

    async def post(self, request: Request) -> Response:
        test = request.path_params["test"]
        if test != self.test:
            return Response()
        self.requests += 1
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        body = await request.body()
        await asyncio.sleep(0.005)
        if test != self.test:
            return Response()
        self._at_once -= 1
        expected = "sha256=" + hmac.new(APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
        if request.headers.get("x-hub-signature-256") != expected:
            self.refused += 1
            return Response(status_code=403)
        status = self.answer(self.requests)
        if status == 200:
            self.bodies.append(json.loads(body))
        return Response(status_code=status)

    async def get(self, request: Request) -> Response:
        if request.query_params.get("hub.verify_token") != "verify-me":
            return Response(status_code=403)
        return PlainTextResponse(request.query_params["hub.challenge"])

    @property
    def values(self) -> list[dict[str, Any]]:
        """The value of each change, in the order they came."""
        return [change["value"] for body in self.bodies for entry in body["entry"] for change in entry["changes"]]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [message for value in self.values for message in value.get("messages", [])]

    @property
    def statuses(self) -> list[dict[str, Any]]:
        return [status for value in self.values for status in value.get("statuses", [])]


@dataclass
class Simulated:
    """A running simulator with one number."""

    client: SimulatorClient
    graph: httpx.AsyncClient
    world: World
    """Its inside, for what would take hundreds of calls to arrange."""

    async def send(self, body: str = "hello", *, to: str | None = f"+{CUSTOMER}", **fields: Any) -> httpx.Response:
        payload = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": body}} | fields
        return await self.post({name: value for name, value in payload.items() if value is not None})

    async def call(self, method: str, path: str, *, token: str = TOKEN, **request: Any) -> httpx.Response:
        """Any call of the Graph API, by its path after the version; or of an address that it named."""
        headers = {"Authorization": f"Bearer {token}"}
        address = path if path.startswith("http") else f"/v26.0/{path}"
        return await self.graph.request(method, address, headers=headers, **request)

    async def exchange(self, code: str, **query: str) -> httpx.Response:
        """Exchange a code, as the app's server does."""
        params = {"client_id": APP_ID, "client_secret": APP_SECRET, "code": code} | query
        return await self.graph.get("/v26.0/oauth/access_token", params=params)

    async def token_of(self, waba_id: str, **code: Any) -> str:
        """A token that came by a code."""
        answer = await self.exchange(await self.client.issue_code(waba_id, **code))
        return str(answer.json()["access_token"])

    async def post(self, payload: Any, *, number: str = NUMBER, token: str = TOKEN, **query: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return await self.graph.post(f"/v26.0/{number}/messages", json=payload, headers=headers, params=query)


@asynccontextmanager
async def simulated(config: SimulatorConfig) -> AsyncIterator[Simulated]:
    app = create_app(config)
    async with (
        served(app) as url,
        SimulatorClient(url) as client,
        httpx.AsyncClient(base_url=url, trust_env=False, verify=PLAIN) as graph,
    ):
        await client.add_number(NUMBER, WABA, display_phone_number="+15550783881", token=TOKEN, status_interval=0.005)
        yield Simulated(client, graph, app.state.world)
