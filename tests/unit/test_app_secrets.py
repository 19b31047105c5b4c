"""Two secrets of the app while one is being replaced: what Meta refuses for its proof is asked again with the other."""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

import egress
from tests.unit.servers import http_server
from whatsapp.accounts import Accounts, Token
from whatsapp.app_secrets import AppSecrets
from whatsapp.calls import Refused
from whatsapp.graph import Accepted, Graph
from whatsapp.messages import Recipient, text
from whatsapp.signature import appsecret_proof

Ask = Callable[[Accounts], Awaitable[Any]]

TOKEN, APP, NUMBER = "EAABtoken0", "1111", "106540352242922"
NEW, OLD = "the new secret", "the old secret"
PAYLOAD = text(Recipient("1", None), "hello", reply_to=None, callback_data="m.1")
WRONG_PROOF = {"message": "Invalid appsecret_proof provided in the API argument", "code": 100}
WRONG_SECRET = {"message": "Error validating client secret.", "code": 1}
WRONG_TOKEN = {"message": "Invalid OAuth access token signature.", "code": 190}


@dataclass
class House:
    """A Graph that knows one secret, and our calls."""

    graph: Graph
    accounts: Accounts
    secrets: AppSecrets
    asked: list[str] = field(default_factory=list)
    told: list[tuple[str, bool]] = field(default_factory=list)


@asynccontextmanager
async def house(known: str, *ours: str, then: Any = None) -> AsyncIterator[House]:
    """`known` is Meta's secret, `ours` are those of the settings; `then` is what every proven call is answered with."""
    asked: list[str] = []
    told: list[tuple[str, bool]] = []

    async def handle(request: web.BaseRequest) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        asked.append(request.path)
        if request.path.endswith("/oauth/access_token"):
            ok, error = request.query.get("client_secret") == known, WRONG_SECRET
        elif token.startswith(f"{APP}|"):
            ok, error = token == f"{APP}|{known}", WRONG_TOKEN
        else:
            proof = request.query.get("appsecret_proof", "")
            ok, error = hmac.compare_digest(proof, appsecret_proof(token, known)), WRONG_PROOF
        if not ok:
            return web.json_response({"error": error}, status=400)
        return web.json_response(then or {"success": True, "data": [], "messages": [{"id": "wamid.A"}]})

    names = ("META_APP_SECRET", "META_APP_SECRET_PREVIOUS")
    secrets = AppSecrets(list(zip(names, ours, strict=False)), tell=lambda name, another: told.append((name, another)))
    async with egress.graph_client(max_connections=4) as client, http_server(handle) as url:
        seconds = timedelta(seconds=5)
        graph = Graph(client, url, "v26.0", secrets, seconds)
        accounts = Accounts(client, base_url=url, version="v26.0", app_id=APP, secrets=secrets, deadline=seconds)
        yield House(graph, accounts, secrets, asked, told)


async def test_a_send_refused_for_its_proof_is_made_with_the_other_secret_from_then_on() -> None:
    async with house(OLD, NEW, OLD) as at:
        for _ in range(3):
            assert await at.graph.send(NUMBER, TOKEN, PAYLOAD) == Accepted("wamid.A")
        assert len(at.asked) == 4
        assert at.told == [("META_APP_SECRET", True)]


async def test_what_one_kind_of_call_learns_the_other_knows() -> None:
    async with house(OLD, NEW, OLD) as at:
        assert await at.accounts.app_subscriptions() == []
        assert await at.accounts.subscriptions("77", TOKEN) == []
        assert isinstance(await at.graph.send(NUMBER, TOKEN, PAYLOAD), Accepted)
        assert len(at.asked) == 4, "only the first was asked twice"
        assert await at.graph.mark_read(NUMBER, TOKEN, "wamid.B", typing=False)


async def test_a_management_call_refused_for_its_proof_is_asked_again_with_the_other_secret() -> None:
    async with house(OLD, NEW, OLD) as at:
        assert await at.accounts.subscriptions("77", TOKEN) == []
        assert at.told == [("META_APP_SECRET", True)]


@pytest.mark.parametrize("call", [lambda at: at.exchange_code("a code"), lambda at: at.renew_token(TOKEN)])
async def test_a_token_refused_for_the_apps_secret_is_asked_for_with_the_other(call: Ask) -> None:
    async with house(OLD, NEW, OLD, then={"access_token": "EAABmade"}) as at:
        assert await call(at.accounts) == Token("EAABmade")
        assert (len(at.asked), at.told, at.secrets.in_use) == (2, [("META_APP_SECRET", True)], OLD)


@pytest.mark.parametrize("call", [lambda at: at.exchange_code("a code"), lambda at: at.renew_token(TOKEN)])
async def test_a_token_refused_for_another_reason_is_not_asked_for_twice(call: Ask) -> None:
    spent = {"error": {"message": "This authorization code has been used.", "code": 100, "error_subcode": 36009}}
    async with house(NEW, NEW, OLD, then=spent) as at:
        answer = await call(at.accounts)
        assert isinstance(answer, Refused)
        assert (answer.subcode, len(at.asked), at.told) == (36009, 1, [])


@pytest.mark.parametrize("call", [lambda at: at.exchange_code("a code"), lambda at: at.renew_token(TOKEN)])
async def test_where_meta_takes_neither_secret_for_a_token_its_refusal_shows_none(call: Ask) -> None:
    async with house("a third one", NEW, OLD) as at:
        answer = await call(at.accounts)
        assert isinstance(answer, Refused)
        assert (len(at.asked), at.told) == (2, [("META_APP_SECRET", False)])
        assert not [secret for secret in (NEW, OLD) if secret in repr((answer, at.accounts))]


async def test_when_meta_comes_round_to_the_new_secret_it_is_used_again() -> None:
    async with house(NEW, OLD, NEW) as at:
        at.secrets.works(OLD, instead_of=NEW)
        assert isinstance(await at.graph.send(NUMBER, TOKEN, PAYLOAD), Accepted)
        assert at.secrets.in_use == NEW


async def test_where_no_secret_works_the_refusal_is_metas_and_shows_neither() -> None:
    async with house("a third one", NEW, OLD) as at:
        sent, asked = await at.graph.send(NUMBER, TOKEN, PAYLOAD), await at.accounts.subscriptions("77", TOKEN)
        for answer in (sent, asked):
            assert isinstance(answer, Refused)
            assert answer.code == 100
        assert at.told == [("META_APP_SECRET", False)] * 2
        shown = repr((sent, asked, at.secrets, at.graph))
        for secret in (NEW, OLD):
            assert secret not in shown
            assert appsecret_proof(TOKEN, secret) not in shown


async def test_another_refusal_is_not_repeated() -> None:
    dead = {"error": {"message": "Session has expired", "code": 190}}
    async with house(OLD, OLD, NEW, then=dead) as at:
        answer = await at.graph.send(NUMBER, TOKEN, PAYLOAD)
        assert isinstance(answer, Refused)
        await at.accounts.subscriptions("77", TOKEN)
        assert len(at.asked) == 2
        assert at.told == []


async def test_without_a_secret_calls_carry_no_proof_and_nothing_else_is_tried() -> None:
    async with house(OLD) as at:
        assert isinstance(await at.graph.send(NUMBER, TOKEN, PAYLOAD), Refused)
        assert len(at.asked) == 1
