"""Files at Meta: where one is to be had, its bytes, and bringing one of ours (section 9).

Meta's id of a customer's file lives 7 days, its address 5 minutes. The token is shown to Meta's own hosts only, at each
redirect anew; an address anywhere else is not asked at all.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Literal, NewType
from urllib.parse import quote, urljoin

import httpx

from whatsapp import calls
from whatsapp.app_secrets import AppSecrets
from whatsapp.calls import UNUSABLE_TOKEN, Failure, Refused
from whatsapp.errors import is_wrong_proof
from whatsapp.file_facts import digest
from whatsapp.foreign import UnreadableError, identifier, text
from whatsapp.management import Call, Management, path, unlike
from whatsapp.multipart import Form, Part
from whatsapp.signature import appsecret_proof

MOST_REDIRECTS = 3
READ_TIMEOUT = timedelta(seconds=20)
"""For each piece of a file: a host that is silent for longer is asked anew."""
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_HTTPS_PORT = 443
_LONGEST_SIZE = 15
"""Digits of a size that can be meant."""

Url = NewType("Url", str)
"""An address that is good for five minutes: nothing to be shown or kept."""


@dataclass(frozen=True, slots=True)
class Located:
    """Where a file is to be had, and what Meta says of it."""

    url: Url = field(repr=False)
    mime_type: str | None
    size: int | None
    sha256: bytes | None


@dataclass(frozen=True, slots=True)
class Uploaded:
    """Meta has taken a file; its id is known to one number, for 30 days."""

    media_id: str


class DownloadError(Exception):
    """A file's bytes did not come; its text says why, without the address.

    `kind`: gone (another address may do), elsewhere (no host of Meta's), broken (anything that may pass).
    """

    def __init__(self, kind: Literal["gone", "elsewhere", "broken"], why: str) -> None:
        super().__init__(why)
        self.kind = kind
        self.why = why


@dataclass(frozen=True, slots=True)
class Download:
    """A file that is being read: what its host says of it, and its bytes."""

    mime_type: str | None
    size: int | None
    _response: httpx.Response = field(repr=False)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes as they come.

        Raises:
            DownloadError: they broke off.
        """
        with _broken():
            async for chunk in self._response.aiter_bytes():
                yield chunk


@dataclass(frozen=True, slots=True)
class Media:
    """Graph's files at one base URL and version, for any number of tokens."""

    graph: httpx.AsyncClient = field(repr=False)
    """For Graph's own address, as `calls.request` wants it."""
    world: httpx.AsyncClient = field(repr=False)
    """For addresses that Graph gives: connects to public ones only, and follows no redirect by itself."""
    base_url: str
    version: str
    secrets: AppSecrets
    hosts: Sequence[str]
    """Meta's hosts; their subdomains are too."""
    deadline: timedelta
    """For asking where a file is."""
    timeout: timedelta
    """For a whole file."""

    async def locate(self, media_id: str, phone_number_id: str, token: str) -> Located | Failure:
        """Ask where a file is to be had. The number's id has Meta check that the file is one of that number's."""
        management = Management(self.graph, self.base_url, self.version, self.secrets, self.deadline)
        body = await management.ask(Call("GET", path(media_id), token, params={"phone_number_id": phone_number_id}))
        if not isinstance(body, dict):
            return body
        url, size = text(body.get("url")), text(body.get("file_size")) or ""
        if not url:
            return unlike("an address")
        told = int(size) if size.isascii() and size.isdigit() and len(size) <= _LONGEST_SIZE else None
        return Located(Url(url), text(body.get("mime_type")), told, digest(text(body.get("sha256"))))

    @asynccontextmanager
    async def download(self, url: Url, token: str) -> AsyncIterator["Download"]:
        """Open a file.

        Raises:
            DownloadError: it cannot be had at this address.
        """
        if not calls.is_usable(token):
            raise DownloadError("broken", "the stored access token holds characters that no token has")
        headers = {"Authorization": f"Bearer {token}"}
        place = str(url)
        for _ in range(MOST_REDIRECTS + 1):
            async with self._open(place, headers) as response:
                if not response.has_redirect_location:
                    yield _opened(response)
                    return
                place = urljoin(place, response.headers["location"])
        raise DownloadError("broken", f"it was redirected more than {MOST_REDIRECTS} times")

    @asynccontextmanager
    async def _open(self, place: str, headers: dict[str, str]) -> AsyncIterator[httpx.Response]:
        client = self._client_for(place)
        if client is None:
            raise DownloadError("elsewhere", "its address is not at a host of Meta's (MEDIA_HOSTS)")
        timeout = httpx.Timeout(READ_TIMEOUT.total_seconds())
        request = client.build_request("GET", place, headers=headers, timeout=timeout)
        with _broken():
            response = await client.send(request, stream=True, follow_redirects=False)
        try:
            yield response
        finally:
            await response.aclose()

    def _client_for(self, place: str) -> httpx.AsyncClient | None:
        """Whom to ask for an address; None for one that Meta's token must not go to."""
        try:
            url, graph = httpx.URL(place), httpx.URL(self.base_url)
        except httpx.InvalidURL:
            return None
        if (url.scheme, url.raw_host, url.port) == (graph.scheme, graph.raw_host, graph.port):
            return self.graph
        host = url.raw_host.decode().lower()
        known = any(host == one or host.endswith(f".{one}") for one in self.hosts)
        return self.world if known and url.scheme == "https" and url.port in (None, _HTTPS_PORT) else None

    async def upload(self, phone_number_id: str, token: str, part: Part) -> Uploaded | Failure:
        """Bring a file to Meta; refused for its proof, which is before anything is done, with the other secret again.

        What reading the file raises is raised.
        """
        if not calls.is_usable(token):
            return UNUSABLE_TOKEN
        secret = self.secrets.in_use
        answer = await self._upload(phone_number_id, token, part, secret=secret)
        for other in self.secrets.others(secret):
            if not _refuses_proof(answer):
                return answer
            answer = await self._upload(phone_number_id, token, part, secret=other)
            if not _refuses_proof(answer):
                self.secrets.works(other, instead_of=secret)
        if _refuses_proof(answer):
            self.secrets.none_works(secret)
        return answer

    async def _upload(self, phone_number_id: str, token: str, part: Part, *, secret: str) -> Uploaded | Failure:
        url = f"{self.base_url.rstrip('/')}/{self.version}/{quote(phone_number_id, safe='')}/media"
        proof = appsecret_proof(token, secret) if secret else ""
        form = Form({"messaging_product": "whatsapp", "type": part.mime_type}, part)
        response = await calls.request(
            self.graph,
            "POST",
            f"{url}?appsecret_proof={proof}" if proof else url,
            headers={"Authorization": f"Bearer {token}", **form.headers},
            content=form.body(),
            deadline=self.timeout,
        )
        if form.error is not None:
            raise form.error
        if not isinstance(response, httpx.Response):
            return response
        body = calls.body_of(response)
        failure = calls.failure_of(response, body, hidden=[hidden for hidden in (token, proof, secret) if hidden])
        if failure is not None:
            return failure
        try:
            media_id = identifier(body.get("id"))
        except UnreadableError:
            media_id = None
        return Uploaded(media_id) if media_id else unlike("a file's id")


def _refuses_proof(answer: Uploaded | Failure) -> bool:
    return isinstance(answer, Refused) and is_wrong_proof(answer.code, answer.detail)


def _opened(response: httpx.Response) -> Download:
    """The file behind an answer.

    Raises:
        DownloadError: it is none.
    """
    status = response.status_code
    if status in _GONE:
        raise DownloadError("gone", f"its host answered HTTP {status}")
    if not response.is_success:
        raise DownloadError("broken", f"its host answered HTTP {status}")
    length = response.headers.get("content-length", "")
    size = int(length) if length.isascii() and length.isdigit() and len(length) <= _LONGEST_SIZE else None
    return Download(response.headers.get("content-type"), size, response)


@contextmanager
def _broken() -> Iterator[None]:
    """What the network does, without the address that its own words may hold."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
        raise DownloadError("broken", f"the connection to its host broke ({type(error).__name__})") from None
