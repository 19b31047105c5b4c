"""Files at Meta: to whom the token is shown, what comes of each answer, and an upload's form."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

import egress
from tests.unit.servers import http_server
from whatsapp.app_secrets import AppSecrets
from whatsapp.calls import Lost, NotWritten, Refused
from whatsapp.media import DownloadError, Located, Media, Uploaded, Url
from whatsapp.multipart import Part

TOKEN = "EAA-the-token"
DATA = bytes(range(256)) * 1000
HOSTS = ["fbsbx.com"]


@asynccontextmanager
async def media(
    base_url: str, *, secrets: AppSecrets | None = None, most: timedelta = timedelta(seconds=5)
) -> AsyncIterator[Media]:
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


async def downloaded(made: Media, url: str) -> bytes:
    async with made.download(Url(url), TOKEN) as file:
        return b"".join([chunk async for chunk in file.chunks()])


async def download_error(made: Media, url: str) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        await downloaded(made, url)
    assert TOKEN not in str(caught.value)
    assert url not in str(caught.value)
    return caught.value


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


def _part(data: bytes = DATA, *, error: Exception | None = None) -> Part:
    async def pieces() -> AsyncIterator[bytes]:
        for place in range(0, len(data), 50_000):
            yield data[place : place + 50_000]
        if error is not None:
            raise error

    async def read() -> AsyncIterator[bytes]:
        return pieces()

    return Part("image/jpeg", len(DATA), read)


async def test_an_upload_is_one_form_of_known_length_with_the_file_whole() -> None:
    forms: list[dict[str, Any]] = []

    async def take(request: web.BaseRequest) -> web.Response:
        form: dict[str, Any] = {"length": request.content_length, "chunked": "Transfer-Encoding" in request.headers}
        reader = await web.Request.multipart(request)  # a BaseRequest reads forms too
        async for part in reader:
            name = getattr(part, "name", None)
            form[str(name)] = (part.headers.get("Content-Type"), bytes(await part.read()))  # type: ignore[union-attr]
        forms.append(form)
        return web.json_response({"id": "4711"})

    async with http_server(take) as url, media(url) as made:
        assert await made.upload("4242", TOKEN, _part()) == Uploaded("4711")
    [form] = forms
    assert form["file"] == ("image/jpeg", DATA)
    assert form["messaging_product"] == (None, b"whatsapp")
    assert form["type"] == (None, b"image/jpeg")
    assert form["length"] > len(DATA)
    assert not form["chunked"]


async def test_a_file_that_cannot_be_read_while_it_is_uploaded_is_said_by_its_own_error() -> None:
    host = Host({"/v26.0/4242/media": lambda: web.json_response({"id": "4711"})})
    gone = ValueError("gone")
    async with http_server(host) as url, media(url) as made:
        with pytest.raises(ValueError, match="gone") as caught:
            await made.upload("4242", TOKEN, _part(DATA[:60_000], error=gone))
    assert caught.value is gone


async def test_an_upload_refused_for_its_proof_is_made_again_whole_with_the_other_secret() -> None:
    answers = [
        web.json_response({"error": {"code": 100, "message": "Invalid appsecret_proof provided"}}, status=400),
        web.json_response({"id": "4711"}),
    ]
    host = Host({"/v26.0/4242/media": lambda: answers.pop(0)})
    secrets = AppSecrets([("META_APP_SECRET", "new"), ("META_APP_SECRET_PREVIOUS", "old")])
    async with http_server(host) as url, media(url, secrets=secrets) as made:
        assert await made.upload("4242", TOKEN, _part()) == Uploaded("4711")
    assert all(DATA in body for body in host.bodies)
    assert secrets.in_use == "old"


async def test_an_upload_that_nobody_takes_is_a_value_as_of_any_call() -> None:
    async with media("http://127.0.0.1:9") as made:
        assert isinstance(await made.upload("4242", TOKEN, _part()), NotWritten)
    error = {"error": {"code": 190, "message": f"the token {TOKEN} is over"}}
    host = Host({"/v26.0/4242/media": lambda: web.json_response(error, status=401)})
    async with http_server(host) as url, media(url) as made:
        answer = await made.upload("4242", TOKEN, _part())
    assert isinstance(answer, Refused)
    assert answer.code == 190
    assert TOKEN not in repr(answer)


async def test_a_token_that_no_header_carries_is_sent_nowhere() -> None:
    async with media("http://127.0.0.1:9") as made:
        assert isinstance(await made.upload("4242", "a\nb", _part()), Refused)
        with pytest.raises(DownloadError):
            async with made.download(Url("http://127.0.0.1:9/file"), "a\nb"):
                pass
