"""Uploads to Meta: one form of known length with the file whole, and what comes of each answer."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from tests.unit.files_at_meta import DATA, TOKEN, Host, media
from tests.unit.servers import http_server
from whatsapp.app_secrets import AppSecrets
from whatsapp.calls import NotWritten, Refused
from whatsapp.media import DownloadError, Uploaded, Url
from whatsapp.multipart import Part


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
