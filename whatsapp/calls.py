"""One request to Meta's Graph and what became of it. What the network does comes back as a value, never raised.

The values keep apart what doing something twice depends on: certainly not written (`NotWritten`), refused (`Refused`;
whether for sure, its code tells), and everything else that is no answer (`Lost`).
"""

import asyncio
from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import httpx

from whatsapp.errors import Verdict, classify
from whatsapp.foreign import UnreadableError, mapping, number, read, text

CONNECT_SHARE = 0.4
"""The part of the deadline within which a connection has to be there: after it nothing can have been written yet."""
LONGEST_DETAIL = 1000
REDACTED = "[redacted]"


@dataclass(frozen=True, slots=True)
class Refused:
    """Meta's error, as it says it. Some codes leave open whether it was done: `errors.classify` knows them."""

    http_status: int | None
    """None: not sent at all, since the token is none that a header could carry."""
    code: int | None
    subcode: int | None = None
    title: str | None = None
    detail: str | None = None
    """All that Meta says in words."""
    is_transient: bool = False
    fbtrace_id: str | None = None
    regain_access: timedelta | None = None
    """When calls are allowed again, by Meta's usage headers, where Meta says so."""

    def verdict(self) -> Verdict:
        """What the one table of Meta's errors says of it."""
        return classify(
            self.code,
            subcode=self.subcode,
            http_status=self.http_status,
            is_transient=self.is_transient,
            detail=self.detail or "",
        )


@dataclass(frozen=True, slots=True)
class Lost:
    """The request may have been written, and no answer of Graph's came: the outcome is unknown."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotWritten:
    """Certainly nothing was sent: no connection, or it was put off."""

    reason: str
    put_off: timedelta | None = None
    """For how long, since too much of Meta's limit on calls is used."""


Failure = Refused | Lost | NotWritten

UNUSABLE_TOKEN = Refused(
    None, 190, title="Not a token", detail="The stored access token holds characters that no token has."
)

_NOT_CONNECTED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.InvalidURL,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)


def is_usable(token: str) -> bool:
    """Whether a header can carry it."""
    return bool(token) and token.isascii() and token.isprintable()


async def request(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    headers: dict[str, str],
    content: bytes | AsyncIterable[bytes] | None,
    deadline: timedelta,
) -> httpx.Response | Lost | NotWritten:
    """Write one request and read its answer within the deadline, from connect to the last byte.

    The client has to tell truly whether a connection was made: `httpx.ConnectError`, `ConnectTimeout` and `PoolTimeout`
    mean that nothing was written (`egress.graph_client` does; the plain aiohttp transport does not). A reason names
    what happened without URL, token or content.
    """
    connect = deadline.total_seconds() * CONNECT_SHARE
    timeout = httpx.Timeout(None, connect=connect, pool=connect)
    try:
        async with asyncio.timeout(deadline.total_seconds()):
            return await client.request(method, url, content=content, headers=headers, timeout=timeout)
    except _NOT_CONNECTED as error:
        return NotWritten(f"no connection to Graph ({_name(error)})")
    except (httpx.HTTPError, OSError, TimeoutError) as error:
        return Lost(_lost_reason(error, deadline))


def body_of(response: httpx.Response) -> dict[str, Any]:
    """The object that Graph answered with; an empty one for anything else."""
    try:
        return mapping(read(response.content))
    except UnreadableError:
        return {}


def failure_of(response: httpx.Response, body: dict[str, Any], *, hidden: Sequence[str] = ()) -> Refused | Lost | None:
    """What an answer says of a failure; None when it is none. Meta's words come without those that are `hidden`."""
    status, error = response.status_code, body.get("error")
    if isinstance(error, dict):
        return _refused(status, error, hidden)
    if response.is_success:
        return None
    if response.is_server_error or status == HTTPStatus.REQUEST_TIMEOUT:
        return Lost(f"HTTP {status} without an error of Graph's")
    return Refused(status, None, detail=f"HTTP {status} without an error of Graph's")


def _lost_reason(error: Exception, deadline: timedelta) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {deadline.total_seconds():g} s"
    return f"the connection broke before the answer was read ({_name(error)})"


def _name(error: Exception) -> str:
    """The error's kind and its cause's: their texts may hold the URL, and with it the proof."""
    cause = error.__cause__
    return f"{type(error).__name__}, {type(cause).__name__}" if cause else type(error).__name__


def _refused(status: int, error: dict[str, Any], hidden: Sequence[str]) -> Refused:
    data = error.get("error_data")
    said = [text(error.get("message")), text(data) or text(mapping(data).get("details"))]
    said.append(text(error.get("error_user_msg")))
    words = list(dict.fromkeys(_without(part, hidden) for part in said if part))
    return Refused(
        http_status=status,
        code=number(error.get("code")),
        subcode=number(error.get("error_subcode")),
        title=_without(text(error.get("error_user_title")) or text(error.get("message")), hidden) or None,
        detail=": ".join(words)[:LONGEST_DETAIL] or None,
        is_transient=error.get("is_transient") is True,
        fbtrace_id=_without(text(error.get("fbtrace_id")), hidden) or None,
    )


def _without(words: str | None, hidden: Sequence[str]) -> str:
    words = words or ""
    for one in hidden:
        words = words.replace(one, REDACTED)
    return words
