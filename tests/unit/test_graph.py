import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from aiohttp import web

import egress
from tests.unit.servers import OnConnection, http_server, raw_server
from whatsapp.app_secrets import AppSecrets
from whatsapp.errors import classify
from whatsapp.graph import Accepted, Answer, Graph, Lost, NotWritten, Refused
from whatsapp.messages import Recipient, text
from whatsapp.signature import appsecret_proof

TOKEN, SECRET, NUMBER = "EAABtoken", "app secret", "106540352242922"
PAYLOAD = text(Recipient("1", None), "hello", reply_to=None, callback_data="m.1")
ACCEPTED = {"contacts": [{"input": "+1", "wa_id": "1"}], "messages": [{"id": "wamid.A"}]}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with egress.graph_client(max_connections=10) as client:
        yield client


def graph(client: httpx.AsyncClient, base_url: str, *, deadline: float = 5) -> Graph:
    return Graph(client, base_url, "v26.0", AppSecrets.of(SECRET), timedelta(seconds=deadline))


async def answered(client: httpx.AsyncClient, body: Any, *, status: int = 200) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def handle(_: web.BaseRequest) -> web.Response:
        return web.Response(body=raw, status=status, content_type="application/json")

    async with http_server(handle) as base_url:
        return await graph(client, base_url).send(NUMBER, TOKEN, PAYLOAD)


async def broken(client: httpx.AsyncClient, on_connection: OnConnection, *, deadline: float = 5) -> Answer:
    async with raw_server(on_connection) as base_url:
        return await graph(client, base_url, deadline=deadline).send(NUMBER, TOKEN, PAYLOAD)


async def test_a_message_is_posted_with_the_token_in_its_header_only(client: httpx.AsyncClient) -> None:
    seen: list[tuple[str, dict[str, str], Any]] = []

    async def handle(request: web.BaseRequest) -> web.Response:
        seen.append((str(request.rel_url), dict(request.headers), await request.json()))
        return web.json_response(ACCEPTED)

    async with http_server(handle) as base_url:
        answer = await graph(client, base_url + "/").send(NUMBER, TOKEN, PAYLOAD)
    assert answer == Accepted("wamid.A", wa_id="1")
    ((url, headers, posted),) = seen
    assert url == f"/v26.0/{NUMBER}/messages?appsecret_proof={appsecret_proof(TOKEN, SECRET)}"
    assert TOKEN not in url
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert posted == PAYLOAD


async def test_an_answer_to_a_user_id_and_a_paced_template_is_read(client: httpx.AsyncClient) -> None:
    body = {
        "contacts": [{"input": "DE.1", "user_id": "DE.1"}],
        "messages": [{"id": "wamid.A", "message_status": "held_for_quality_assessment"}],
    }
    held = "held_for_quality_assessment"
    assert await answered(client, body) == Accepted("wamid.A", user_id="DE.1", message_status=held)


async def test_an_accepted_message_without_contacts_is_accepted(client: httpx.AsyncClient) -> None:
    assert await answered(client, {"messages": [{"id": "wamid.A"}]}) == Accepted("wamid.A")


async def test_a_refusal_is_read_with_all_that_meta_says(client: httpx.AsyncClient) -> None:
    error = {
        "message": "(#131056) Pair rate limit hit",
        "code": 131056,
        "error_subcode": 2494055,
        "is_transient": True,
        "error_data": {"messaging_product": "whatsapp", "details": "Too many"},
        "fbtrace_id": "Az8",
    }
    answer = await answered(client, {"error": error}, status=400)
    assert isinstance(answer, Refused)
    assert (answer.http_status, answer.code, answer.subcode) == (400, 131056, 2494055)
    assert answer.detail == "(#131056) Pair rate limit hit: Too many"
    assert (answer.is_transient, answer.fbtrace_id) == (True, "Az8")


async def test_error_data_may_be_a_text(client: httpx.AsyncClient) -> None:
    answer = await answered(client, {"error": {"code": 132000, "error_data": "in words"}}, status=400)
    assert isinstance(answer, Refused)
    assert answer.detail == "in words"


async def test_a_wrong_proof_is_recognised_by_its_words(client: httpx.AsyncClient) -> None:
    error = {"message": "Invalid appsecret_proof provided in the API argument", "code": 100}
    answer = await answered(client, {"error": error}, status=400)
    assert isinstance(answer, Refused)
    assert classify(answer.code, detail=answer.detail or "").hold == "app"


async def test_a_code_that_leaves_the_outcome_open_stays_a_refusal_for_the_table_to_judge(
    client: httpx.AsyncClient,
) -> None:
    answer = await answered(client, {"error": {"code": 131000, "message": "Something went wrong"}}, status=500)
    assert isinstance(answer, Refused)
    assert classify(answer.code, http_status=answer.http_status).kind == "unknown"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", {"messages": []}, {"messages": [{"id": ""}]}, {"messages": [1]}]
)
async def test_a_success_without_a_message_id_is_lost_not_accepted(client: httpx.AsyncClient, body: Any) -> None:
    assert await answered(client, body) == Lost("HTTP 200 without a message id")


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
async def test_an_intermediarys_server_error_is_lost(client: httpx.AsyncClient, status: int) -> None:
    assert await answered(client, b"<html>", status=status) == Lost(f"HTTP {status} without an error of Graph's")


@pytest.mark.parametrize("status", [302, 404, 429])
async def test_an_intermediarys_refusal_is_a_refusal_and_no_redirect_is_followed(
    client: httpx.AsyncClient, status: int
) -> None:
    answer = await answered(client, b"<html>", status=status)
    assert isinstance(answer, Refused)
    assert (answer.http_status, answer.code) == (status, None)


async def test_what_postgres_refuses_does_not_come_out_of_an_error(client: httpx.AsyncClient) -> None:
    answer = await answered(client, b'{"error":{"code":99999999999999999999,"message":"a\\u0000\\ud800"}}', status=400)
    assert isinstance(answer, Refused)
    assert (answer.code, answer.detail) == (None, "a\ufffd\ufffd")


async def test_no_server_means_that_nothing_was_written(client: httpx.AsyncClient) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = await graph(client, f"http://127.0.0.1:{unused.getsockname()[1]}").send(NUMBER, TOKEN, PAYLOAD)
    assert isinstance(answer, NotWritten)


async def test_an_unknown_host_means_that_nothing_was_written(client: httpx.AsyncClient) -> None:
    assert isinstance(await graph(client, "http://graph.invalid").send(NUMBER, TOKEN, PAYLOAD), NotWritten)


async def test_a_post_that_waits_in_vain_for_a_connection_was_not_written() -> None:
    async def never(*_: Any) -> None:
        await asyncio.sleep(0.7)

    async with egress.graph_client(max_connections=1) as client, raw_server(never) as base_url:
        calls = [graph(client, base_url, deadline=0.5).send(NUMBER, TOKEN, PAYLOAD) for _ in range(2)]
        answers = await asyncio.gather(*calls)
    assert {type(answer) for answer in answers} == {Lost, NotWritten}


async def test_a_server_that_closes_without_a_word_leaves_the_outcome_unknown(client: httpx.AsyncClient) -> None:
    async def close(*_: Any) -> None:
        return

    assert isinstance(await broken(client, close), Lost)


async def test_a_reset_leaves_the_outcome_unknown(client: httpx.AsyncClient) -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    assert isinstance(await broken(client, reset), Lost)


async def test_a_used_connection_that_the_server_closes_leaves_the_outcome_unknown(client: httpx.AsyncClient) -> None:
    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = json.dumps(ACCEPTED).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        await reader.readuntil(b"POST")

    async with raw_server(answer_once) as base_url:
        calls = graph(client, base_url)
        assert isinstance(await calls.send(NUMBER, TOKEN, PAYLOAD), Accepted)
        assert isinstance(await calls.send(NUMBER, TOKEN, PAYLOAD), Lost)


async def test_an_answer_cut_off_in_its_body_leaves_the_outcome_unknown(client: httpx.AsyncClient) -> None:
    async def half(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"messages":')
        await writer.drain()

    assert isinstance(await broken(client, half), Lost)


async def test_a_reset_within_the_body_leaves_the_outcome_unknown(client: httpx.AsyncClient) -> None:
    async def half(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"messages":')
        await writer.drain()
        await asyncio.sleep(0.1)
        reset = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        writer.transport.abort()

    assert isinstance(await broken(client, half), Lost)


async def test_an_answer_that_is_no_http_leaves_the_outcome_unknown(client: httpx.AsyncClient) -> None:
    async def noise(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\x01\x02 noise\r\n\r\n")
        await writer.drain()

    assert isinstance(await broken(client, noise), Lost)


async def test_one_deadline_covers_an_answer_that_trickles(client: httpx.AsyncClient) -> None:
    async def trickle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        for _number in range(20):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.1)

    started = asyncio.get_running_loop().time()
    answer = await broken(client, trickle, deadline=0.4)
    assert answer == Lost("no answer within 0.4 s")
    assert asyncio.get_running_loop().time() - started < 4


@pytest.mark.parametrize("token", ["", "EAAB\n", "EAAB\r\nX: y", "EÄB"])
async def test_a_token_that_no_header_can_carry_holds_the_number_and_is_not_posted(
    client: httpx.AsyncClient, token: str
) -> None:
    answer = await graph(client, "http://graph.invalid").send(NUMBER, token, PAYLOAD)
    assert isinstance(answer, Refused)
    assert classify(answer.code).hold == "token"


async def test_no_reason_shows_the_proof_or_the_token(client: httpx.AsyncClient) -> None:
    async def close(*_: Any) -> None:
        return

    answers = [await broken(client, close), await graph(client, "http://graph.invalid").send(NUMBER, TOKEN, PAYLOAD)]
    shown = repr(answers) + repr(graph(client, "http://graph.invalid"))
    assert not any(secret in shown for secret in (TOKEN, SECRET, appsecret_proof(TOKEN, SECRET), "hello"))


@pytest.mark.parametrize(("body", "done"), [({"success": True}, True), ({"error": {"code": 1}}, False), ([], False)])
async def test_marking_as_read_tells_whether_meta_did_it(client: httpx.AsyncClient, body: Any, *, done: bool) -> None:
    async def handle(request: web.BaseRequest) -> web.Response:
        assert (await request.json())["status"] == "read"
        return web.json_response(body)

    async with http_server(handle) as base_url:
        assert await graph(client, base_url).mark_read(NUMBER, TOKEN, "wamid.A", typing=True) is done


async def test_marking_as_read_never_raises_for_the_net(client: httpx.AsyncClient) -> None:
    assert await graph(client, "http://graph.invalid").mark_read(NUMBER, TOKEN, "wamid.A", typing=False) is False


async def test_300_sends_in_flight_do_not_wait_for_each_other() -> None:
    async def slowly(_: web.BaseRequest) -> web.Response:
        await asyncio.sleep(0.2)
        return web.json_response(ACCEPTED)

    async with egress.graph_client(max_connections=400) as client, http_server(slowly) as base_url:
        calls = graph(client, base_url)
        await asyncio.gather(*(calls.send(NUMBER, TOKEN, PAYLOAD) for _ in range(300)))
        started = asyncio.get_running_loop().time()
        answers = await asyncio.gather(*(calls.send(NUMBER, TOKEN, PAYLOAD) for _ in range(300)))
        took = asyncio.get_running_loop().time() - started
    assert all(isinstance(answer, Accepted) for answer in answers)
    assert took < 4, "one at a time they would take 60 s, through a pool that collapses 5"
