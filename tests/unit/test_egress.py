import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from aiohttp import web

import egress
from egress import RefusedAddressError, is_public
from tests.unit.servers import hangs_up_after_each_answer, http_server, raw_server


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - an address to refuse, not to bind
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:0:1::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:808:808::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "example.com",
        "127.1",
        "0x7f000001",
        "",
    ],
)
def test_an_address_that_is_not_of_the_open_internet_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "192.167.1.1",
        "198.17.0.1",
        "198.20.0.1",
        "223.255.255.255",
        "2001:200::1",
        "2606:4700::1111",
        "2a00:1450:4001::1",
    ],
)
def test_an_address_of_the_open_internet_is_allowed(address: str) -> None:
    assert is_public(address)


async def hello(_: web.BaseRequest) -> web.Response:
    return web.Response(text="hello", headers={"Set-Cookie": "who=me"})


async def refused(url: str) -> str:
    async with egress.agent_client(private_addresses=False) as client:
        with pytest.raises(RefusedAddressError) as caught:
            await client.post(url)
    return str(caught.value)


async def test_a_server_at_a_loopback_address_is_reached_only_where_that_is_allowed() -> None:
    async with http_server(hello) as url:
        assert await refused(url) == "127.0.0.1 is not a public address"
        async with egress.agent_client(private_addresses=True) as client:
            assert (await client.get(url)).text == "hello"


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0"])
async def test_no_way_of_writing_a_loopback_address_gets_past_the_check(host: str) -> None:
    async with http_server(hello) as url, egress.agent_client(private_addresses=False) as client:
        # Some spellings are already refused as no URL at all.
        with pytest.raises((RefusedAddressError, httpx.UnsupportedProtocol)):
            await client.get(f"http://{host}:{url.rsplit(':', 1)[1]}/")


@dataclass
class Names:
    """What DNS says of every name, look-up by look-up; the last answer stays."""

    answers: list[str] = field(default_factory=list)
    looked_up: int = 0


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()

    async def getaddrinfo(_loop: Any, _host: Any, port: int, **_: Any) -> list[tuple[Any, ...]]:
        told = names.answers[min(names.looked_up, len(names.answers) - 1)].split()
        names.looked_up += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in told]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return names


async def test_a_name_that_resolves_to_a_private_address_is_refused(names: Names) -> None:
    names.answers = ["10.0.0.7"]
    assert await refused("http://agent.example/") == "10.0.0.7 is not a public address"


async def test_a_name_with_several_private_addresses_is_refused(names: Names) -> None:
    names.answers = ["10.0.0.7 169.254.169.254"]
    assert "is not a public address" in await refused("http://agent.example/")


async def test_the_address_that_was_checked_is_the_one_connected_to_without_a_second_look_up(names: Names) -> None:
    async with http_server(hello) as url:
        names.answers = ["10.0.0.7", "127.0.0.1"]
        assert await refused(f"http://agent.example:{url.rsplit(':', 1)[1]}/") == "10.0.0.7 is not a public address"
    assert names.looked_up == 1


async def test_a_redirect_is_handed_back_not_followed() -> None:
    async def elsewhere(_: web.BaseRequest) -> web.Response:
        raise web.HTTPFound("http://169.254.169.254/latest/meta-data/")

    async with http_server(elsewhere) as url, egress.agent_client(private_addresses=True) as client:
        assert (await client.get(url)).status_code == 302


@pytest.mark.parametrize("which", ["graph", "agent"])
async def test_cookies_are_neither_kept_nor_sent(which: str) -> None:
    sent: list[str | None] = []

    async def note(request: web.BaseRequest) -> web.Response:
        sent.append(request.headers.get("Cookie"))
        return await hello(request)

    graph = which == "graph"
    client = egress.graph_client(max_connections=2) if graph else egress.agent_client(private_addresses=True)
    async with http_server(note) as url, client:
        await client.get(url)
        await client.get(url)
        assert not client.cookies
    assert sent == [None, None]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with http_server(hello) as url, egress.graph_client(max_connections=2) as client:
        assert (await client.get(url)).text == "hello"


async def test_a_refused_address_is_one_of_httpxs_connect_errors() -> None:
    async with egress.agent_client(private_addresses=False) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("http://10.0.0.1/")


async def test_a_streamed_body_can_be_cut_short_by_the_caller() -> None:
    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b"x" * 65536)
        return response

    async with http_server(endless) as url, egress.agent_client(private_addresses=True) as client:
        read = 0
        async with client.stream("GET", url) as response:
            async for chunk in response.aiter_bytes():
                read += len(chunk)
                if read > 100_000:
                    break
        assert read < 1_000_000


async def test_what_breaks_a_body_is_never_called_an_error_of_connecting() -> None:
    class Broken(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"half"
            raise httpx.ConnectTimeout("as the transport below says when a connection is lost")

    body = aiter(egress._Body(Broken()))
    assert await anext(body) == b"half"
    with pytest.raises(httpx.ReadError):
        await anext(body)


async def test_a_get_whose_connection_broke_is_not_written_a_second_time() -> None:
    written = 0

    async def close(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        nonlocal written
        written += 1

    async with raw_server(close) as url, egress.graph_client(max_connections=1) as client:
        with pytest.raises(httpx.ReadError):
            await client.get(f"{url}/oauth/access_token")
    assert written == 1


async def test_a_connection_that_the_server_closed_while_this_process_stood_still_is_not_written_into() -> None:
    with hangs_up_after_each_answer() as (url, bodies):
        async with egress.graph_client(max_connections=1) as client:
            await client.post(url, content=b"first")
            time.sleep(0.3)  # noqa: ASYNC251 - the loop hears of nothing, as in a process that is stopped
            assert (await client.post(url, content=b"second")).status_code == 200
    assert bodies == [b"first", b"second"]
