"""Meta's door over real HTTP: every answer it gives, and that a 200 means the bytes are in Postgres."""

import asyncio
from dataclasses import replace

import pytest
from pydantic import SecretStr

from api.app import create_app
from store.engine import Database
from store.errors import SettingsError
from store.integrations import set_enabled
from tests.api.edge import (
    BODY,
    PREVIOUS_SECRET,
    VERIFY_TOKEN,
    WEBHOOK,
    Edge,
    Tenant,
    edge,
    raw_exchange,
    settings_for,
    signed,
    stored_bodies,
)
from tests.rows import connected_number, value

PATHS = [WEBHOOK, "/webhooks/whatsapp", "/api/whatsapp/webhook", "/api/v1/whatsapp/webhook"]
LIMIT = 3 * 1024 * 1024


def _challenge(token: str, **more: str) -> dict[str, str]:
    return {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token} | more


@pytest.mark.parametrize("path", PATHS)
async def test_a_signed_body_is_answered_200_and_stored_byte_for_byte(api: Edge, path: str) -> None:
    body = '{"text": "caf\\u00e9 é", "odd":  1 }'.encode()
    answer = await api.deliver(body, path=path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert await stored_bodies(api.database) == [body]


async def test_a_body_signed_with_the_previous_secret_is_taken_while_it_is_rotated(api: Edge) -> None:
    assert (await api.deliver(secret=PREVIOUS_SECRET)).status_code == 200


@pytest.mark.parametrize("path", PATHS)
async def test_an_unsigned_body_is_answered_401_and_not_stored(api: Edge, path: str) -> None:
    answer = await api.client.post(path, content=BODY)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert await stored_bodies(api.database) == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=" + "0" * 64, "sha1=abc", "é" * 10])
async def test_a_wrongly_signed_body_is_answered_403_and_not_stored(api: Edge, path: str, signature: str) -> None:
    headers = [(b"x-hub-signature-256", signature.encode())]
    answer = await api.client.post(path, content=BODY, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_signature")
    assert await stored_bodies(api.database) == []


async def test_a_signature_of_another_body_is_wrong(api: Edge) -> None:
    answer = await api.client.post(WEBHOOK, content=BODY + b" ", headers=signed(BODY))
    assert answer.status_code == 403


async def test_a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(api: Edge) -> None:
    assert (await api.deliver(b"x" * LIMIT)).status_code == 200
    assert (await api.deliver(b"x" * (LIMIT + 1))).status_code == 413
    assert [len(body) for body in await stored_bodies(api.database)] == [LIMIT]


async def test_a_body_that_announces_too_much_is_answered_413_before_it_is_sent(api: Edge) -> None:
    head = f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: a\r\nContent-Length: {LIMIT + 1}\r\n\r\n"
    answer = await raw_exchange(api.port, head.encode())
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_chunked_body_is_answered_413_as_soon_as_it_passes_the_limit(api: Edge) -> None:
    head = f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    # The body never ends: the answer cannot have waited for it.
    answer = await raw_exchange(api.port, head.encode() + chunk * (LIMIT // 0x10000 + 1))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert await stored_bodies(api.database) == []


async def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing_behind(api: Edge) -> None:
    headers = "".join(f"{name}: {value}\r\n" for name, value in signed(BODY).items())
    head = f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {len(BODY)}\r\n\r\n"
    await raw_exchange(api.port, head.encode() + BODY[:-1], patience=0.1)
    assert (await api.deliver(b"after")).status_code == 200
    assert await stored_bodies(api.database) == [b"after"]


async def test_whoever_posts_unsigned_is_throttled_and_a_correctly_signed_body_never_is(api: Edge) -> None:
    unsigned = [(await api.client.post(WEBHOOK, content=BODY)).status_code for _ in range(70)]
    assert unsigned == [401] * 60 + [429] * 10
    wrong = await api.client.post(WEBHOOK, content=BODY, headers=signed(b"another"))
    assert (wrong.status_code, wrong.json()["code"]) == (429, "throttled")
    assert (await api.deliver()).status_code == 200


async def test_the_throttle_counts_each_address_behind_a_trusted_proxy_apart(
    database: Database, database_url: str
) -> None:
    async with edge(database, settings_for(database_url, webhook_refusals_per_minute=2)) as api:
        for address in ("192.0.2.1", "192.0.2.2"):
            headers = {"X-Forwarded-For": address}
            answers = [await api.client.post(WEBHOOK, content=BODY, headers=headers) for _ in range(3)]
            assert [answer.status_code for answer in answers] == [401, 401, 429]


async def test_other_methods_are_answered_405(api: Edge) -> None:
    answer = await api.client.put(WEBHOOK, content=BODY, headers=signed(BODY))
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("path", PATHS)
async def test_the_challenge_comes_back_as_plain_text_for_the_apps_own_token(api: Edge, path: str) -> None:
    answer = await api.client.get(path, params=_challenge(VERIFY_TOKEN))
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_the_challenge_is_not_html_whatever_it_says(api: Edge) -> None:
    answer = await api.client.get(WEBHOOK, params=_challenge(VERIFY_TOKEN, **{"hub.challenge": "<script>"}))
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_challenge_takes_the_token_of_an_enabled_or_connecting_number_only(api: Edge, bakery: Tenant) -> None:
    await connected_number(api.database, digits="15550003", state="connecting")
    number = bakery.number
    for token in ("verify-15550001", "verify-15550003"):
        assert (await api.client.get(WEBHOOK, params=_challenge(token))).status_code == 200
    await set_enabled(
        api.database,
        organization_id=number.organization_id,
        integration_id=number.integration_id,
        enabled=False,
    )
    assert (await api.client.get(WEBHOOK, params=_challenge("verify-15550001"))).status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        {},
        _challenge("guessed"),
        _challenge(""),
        _challenge(VERIFY_TOKEN, **{"hub.mode": "unsubscribe"}),
        {"hub.verify_token": VERIFY_TOKEN, "hub.challenge": "1"},
        _challenge("\x00\ud7ff"),
    ],
)
async def test_anything_else_in_a_challenge_is_answered_403(api: Edge, query: dict[str, str]) -> None:
    answer = await api.client.get(WEBHOOK, params=query)
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_verify_token")


async def test_requests_that_come_together_share_commits_and_each_body_is_stored_once(api: Edge) -> None:
    bodies = [f'{{"n": {number}}}'.encode() for number in range(300)]
    answers = await asyncio.gather(*(api.deliver(body) for body in bodies))
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(await stored_bodies(api.database)) == sorted(bodies)
    assert await value(api.database, "SELECT count(DISTINCT xmin::text) FROM webhook_events") < 200


async def test_the_api_does_not_start_without_an_app_secret(database: Database, database_url: str) -> None:
    settings = settings_for(database_url)
    no_secret = settings.meta.model_copy(update={"app_secret": SecretStr("")})
    with pytest.raises(SettingsError, match="META_APP_SECRET") as refused:
        create_app(replace(settings, meta=no_secret), database=database)
    assert "dashboard" in refused.value.next_step
