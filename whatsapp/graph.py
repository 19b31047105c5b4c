"""Calls to Meta's Graph API over a client it is given. What the network does comes back as a value, never raised.

The values keep apart what sending twice depends on: certainly not sent (`NotWritten`), refused (`Refused`; whether for
sure, its code tells), sent (`Accepted`), and everything else (`Lost`).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from whatsapp import messages
from whatsapp.foreign import UnreadableError, identifier, mapping, number, objects, read, text
from whatsapp.signature import appsecret_proof

CONNECT_SHARE = 0.4
"""The part of the deadline within which a connection has to be there: after it nothing can have been written yet."""
LONGEST_DETAIL = 1000


@dataclass(frozen=True, slots=True)
class Accepted:
    """Meta took the message. Accepted is not delivered."""

    wamid: str
    wa_id: str | None = None
    """Whom Meta found under the address; may differ from what was asked (Brazil, Mexico)."""
    user_id: str | None = None
    message_status: str | None = None
    """Only of paced templates: accepted, held_for_quality_assessment or paused."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Meta's error, as it says it. Some codes leave open whether the message went out: `errors.classify` knows them."""

    http_status: int | None
    """None: not sent at all, since the token is none that a header could carry."""
    code: int | None
    subcode: int | None = None
    title: str | None = None
    detail: str | None = None
    """All that Meta says in words."""
    is_transient: bool = False
    fbtrace_id: str | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The request may have been written, and no answer of Graph's came: the outcome is unknown."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotWritten:
    """No connection: certainly nothing was sent."""

    reason: str


Answer = Accepted | Refused | Lost | NotWritten

_NOT_CONNECTED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_UNUSABLE_TOKEN = Refused(
    None, 190, title="Not a token", detail="The stored access token holds characters that no token has."
)


@dataclass(frozen=True, slots=True)
class Graph:
    """Graph at one base URL and version, for any number of tokens.

    The client has to tell truly whether a connection was made: `httpx.ConnectError`, `ConnectTimeout` and `PoolTimeout`
    mean that nothing was written (`egress.graph_client` does; the plain aiohttp transport does not). A lost answer's
    reason names what happened without URL, token or content.
    """

    client: httpx.AsyncClient
    base_url: str
    version: str
    app_secret: str = field(repr=False)
    """Proves that the token is used by its own app; empty leaves the proof out."""
    deadline: timedelta
    """For a whole call, from connect to the last byte."""

    async def send(self, phone_number_id: str, token: str, payload: Mapping[str, Any]) -> Answer:
        """Send one message (`messages.payload`)."""
        response = await self._post(phone_number_id, token, payload)
        return _answer(response) if isinstance(response, httpx.Response) else response

    async def mark_read(self, phone_number_id: str, token: str, wamid: str, *, typing: bool) -> bool:
        """Mark a message as read, with `typing` show that an answer is being written; whether Meta did it."""
        response = await self._post(phone_number_id, token, messages.read_receipt(wamid, typing=typing))
        return isinstance(response, httpx.Response) and _body(response).get("success") is True

    async def _post(
        self, phone_number_id: str, token: str, payload: Mapping[str, Any]
    ) -> httpx.Response | Refused | Lost | NotWritten:
        if not (token and token.isascii() and token.isprintable()):
            return _UNUSABLE_TOKEN
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        content, url = orjson.dumps(payload), self._url(phone_number_id, token)
        try:
            async with asyncio.timeout(self.deadline.total_seconds()):
                return await self.client.post(url, content=content, headers=headers, timeout=self._timeout())
        except _NOT_CONNECTED as error:
            return NotWritten(f"no connection to Graph ({_name(error)})")
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            return Lost(_lost_reason(error, self.deadline))

    def _timeout(self) -> httpx.Timeout:
        connect = self.deadline.total_seconds() * CONNECT_SHARE
        return httpx.Timeout(None, connect=connect, pool=connect)

    def _url(self, phone_number_id: str, token: str) -> str:
        url = f"{self.base_url.rstrip('/')}/{self.version}/{quote(phone_number_id, safe='')}/messages"
        return f"{url}?appsecret_proof={appsecret_proof(token, self.app_secret)}" if self.app_secret else url


def _lost_reason(error: Exception, deadline: timedelta) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {deadline.total_seconds():g} s"
    return f"the connection broke before the answer was read ({_name(error)})"


def _name(error: Exception) -> str:
    """The error's kind and its cause's: their texts may hold the URL, and with it the proof."""
    cause = error.__cause__
    return f"{type(error).__name__}, {type(cause).__name__}" if cause else type(error).__name__


def _answer(response: httpx.Response) -> Answer:
    body = _body(response)
    status = response.status_code
    error = body.get("error")
    if isinstance(error, dict):
        return _refused(status, error)
    if response.is_success:
        return _accepted(body) or Lost(f"HTTP {status} without a message id")
    if response.is_server_error or status == HTTPStatus.REQUEST_TIMEOUT:
        return Lost(f"HTTP {status} without an error of Graph's")
    return Refused(status, None, detail=f"HTTP {status} without an error of Graph's")


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        return mapping(read(response.content))
    except UnreadableError:
        return {}


def _accepted(body: dict[str, Any]) -> Accepted | None:
    sent, contacts = objects(body.get("messages")), objects(body.get("contacts"))
    if not sent:
        return None
    contact = contacts[0] if contacts else {}
    try:
        wamid = identifier(sent[0].get("id"))
        wa_id, user_id = identifier(contact.get("wa_id")), identifier(contact.get("user_id"))
    except UnreadableError:
        return None
    status = text(sent[0].get("message_status"))
    return Accepted(wamid, wa_id=wa_id, user_id=user_id, message_status=status) if wamid else None


def _refused(status: int, error: dict[str, Any]) -> Refused:
    data = error.get("error_data")
    said = [text(error.get("message")), text(data) or text(mapping(data).get("details"))]
    said.append(text(error.get("error_user_msg")))
    words = list(dict.fromkeys(part for part in said if part))
    return Refused(
        http_status=status,
        code=number(error.get("code")),
        subcode=number(error.get("error_subcode")),
        title=text(error.get("error_user_title")) or text(error.get("message")),
        detail=": ".join(words)[:LONGEST_DETAIL] or None,
        is_transient=error.get("is_transient") is True,
        fbtrace_id=text(error.get("fbtrace_id")),
    )
