"""Files at Meta: to whom the token is shown on the way to one, and what comes of each answer."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from tests.unit.files_at_meta import DATA, TOKEN, Host, media
from tests.unit.servers import http_server
from whatsapp.calls import Lost
from whatsapp.media import DownloadError, Located, Media, Url


async def downloaded(made: Media, url: str) -> bytes:
    async with made.download(Url(url), TOKEN) as file:
        return b"".join([chunk async for chunk in file.chunks()])


async def download_error(made: Media, url: str) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        await downloaded(made, url)
    assert TOKEN not in str(caught.value)
    assert url not in str(caught.value)
    return caught.value


def moved(to: str, status: int = 302) -> Callable[[], web.Response]:
    return lambda: web.Response(status=status, headers={"Location": to})


async def test_a_file_is_read_with_the_token_in_the_header_alone() -> None:
    host = Host({"/file": lambda: web.Response(body=DATA, content_type="image/jpeg")})
    async with http_server(host) as url, media(url) as made, made.download(Url(f"{url}/file"), TOKEN) as file:
        assert (file.mime_type, file.size) == ("image/jpeg", len(DATA))
        assert b"".join([chunk async for chunk in file.chunks()]) == DATA
    assert host.shown == [("/file", f"Bearer {TOKEN}")]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_within_metas_hosts_keeps_the_token(status: int) -> None:
    host = Host({"/file": moved("/there", status), "/there": lambda: web.Response(body=DATA)})
    async with http_server(host) as url, media(url) as made:
        assert await downloaded(made, f"{url}/file") == DATA
    assert [token for _, token in host.shown] == [f"Bearer {TOKEN}"] * 2


async def test_a_redirect_to_another_host_is_not_followed_at_all() -> None:
    other = Host({"/there": lambda: web.Response(body=DATA)})
    async with http_server(other) as elsewhere:
        host = Host({"/file": moved(f"{elsewhere}/there")})
        async with http_server(host) as url, media(url) as made:
            error = await download_error(made, f"{url}/file")
    assert (error.kind, other.shown) == ("elsewhere", [])


async def test_redirects_without_end_are_given_up() -> None:
    host = Host({"/file": moved("/file")})
    async with http_server(host) as url, media(url) as made:
        assert (await download_error(made, f"{url}/file")).kind == "broken"
    assert len(host.shown) == 4


@pytest.mark.parametrize(
    "url",
    [
        "http://lookaside.fbsbx.com/file",
        "https://lookaside.fbsbx.com:8443/file",
        "https://fbsbx.com.evil.example/file",
        "https://evilfbsbx.com/file",
        "https://fbsbx.com@evil.example/file",
        "https://evil.example/fbsbx.com",
        "https://evil.example#.fbsbx.com",
        "https://127.0.0.1/file",
        "https://[::1]/file",
        "https://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "ftp://lookaside.fbsbx.com/file",
        "//lookaside.fbsbx.com/file",
        "lookaside.fbsbx.com",
        "https://",
        "",
        "https://fbsbx\uff0ecom.evil.example/",
        "http://[half",
    ],
)
async def test_an_address_that_is_not_metas_is_not_asked(url: str, names: "Names") -> None:
    async with media("https://graph.facebook.com") as made:
        with pytest.raises(DownloadError) as caught:
            await downloaded(made, url)
    assert caught.value.kind == "elsewhere"
    assert names.looked_up == 0


@dataclass
class Names:
    """What DNS says of every name, look-up by look-up; the last answer stays."""

    answers: list[str] = field(default_factory=lambda: ["127.0.0.1"])
    looked_up: int = 0


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()

    async def getaddrinfo(_loop: Any, _host: Any, port: int, **_: Any) -> list[tuple[Any, ...]]:
        told = names.answers[min(names.looked_up, len(names.answers) - 1)]
        names.looked_up += 1
        family = socket.AF_INET6 if ":" in told else socket.AF_INET
        target = (told, port, 0, 0) if ":" in told else (told, port)
        return [(family, socket.SOCK_STREAM, 6, "", target)]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return names


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "10.0.0.7",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fc00::1",
        "fe80::1",
        "ff02::1",
    ],
)
async def test_a_name_of_metas_that_leads_to_an_address_within_is_not_connected_to(names: Names, address: str) -> None:
    names.answers = [address]
    async with media("https://graph.facebook.com") as made:
        error = await download_error(made, "https://lookaside.fbsbx.com/file")
    assert (error.kind, "RefusedAddressError" in error.why) == ("broken", True)
    assert names.looked_up == 1


async def test_a_name_that_changes_between_redirects_is_looked_at_each_time(names: Names) -> None:
    host = Host({"/file": moved("https://lookaside.fbsbx.com/there")})
    async with http_server(host) as url, media(url) as made:
        names.looked_up, names.answers = 0, ["10.0.0.7"]
        error = await download_error(made, f"{url}/file")
    assert "RefusedAddressError" in error.why


@pytest.mark.parametrize(
    ("status", "kind"), [(404, "gone"), (410, "gone"), (401, "broken"), (403, "broken"), (500, "broken")]
)
async def test_an_answer_without_the_file_says_whether_another_address_may_do(status: int, kind: str) -> None:
    host = Host({"/file": lambda: web.Response(status=status)})
    async with http_server(host) as url, media(url) as made:
        error = await download_error(made, f"{url}/file")
    assert (error.kind, error.why) == (kind, f"its host answered HTTP {status}")


async def test_where_a_file_is_comes_with_its_size_in_either_form_and_its_hash_in_either() -> None:
    digest = bytes(range(32))
    told = {"url": "https://lookaside.fbsbx.com/1", "mime_type": "image/jpeg", "id": "4711"}
    host = Host(
        {
            "/v26.0/1": lambda: web.json_response(told | {"file_size": "17", "sha256": digest.hex()}),
            "/v26.0/2": lambda: web.json_response(
                told | {"file_size": 17, "sha256": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}
            ),
            "/v26.0/3": lambda: web.json_response({"id": "3"}),
        }
    )
    async with http_server(host) as url, media(url) as made:
        for media_id in ("1", "2"):
            located = await made.locate(media_id, "4242", TOKEN)
            assert isinstance(located, Located)
            assert (located.size, located.sha256, located.mime_type) == (17, digest, "image/jpeg")
            assert "lookaside" not in repr(located)
        assert await made.locate("3", "4242", TOKEN) == Lost("HTTP 200 without an address")
