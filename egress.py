"""The two HTTP clients we call out with: Meta's (fixed hosts) and the world's (public addresses only).

Both have httpx's interface on aiohttp's connections: httpx's own pool collapses at a hundred requests in flight (57 to
62 requests/s measured, where 500 to 1,500 are ideal). Neither follows redirects, keeps cookies nor reads proxies,
certificates or passwords from the environment.
"""

import asyncio
import select
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import aiohttp
import httpx
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection
from httpx_aiohttp import AiohttpTransport

IDLE = timedelta(seconds=4)
"""How long an unused connection is kept: less than the 5 s after which common servers close theirs, since a request
written into a closing connection has an unknown outcome."""
_STALE_MOST = 3
"""Connections in a row that turn out to have been closed by the server; the fourth is an error."""
_HUNG_UP = getattr(select, "POLLRDHUP", 0) | getattr(select, "POLLHUP", 0) | getattr(select, "POLLERR", 0)
CONNECT_TIMEOUT = timedelta(seconds=5)
AGENT_READ_TIMEOUT = timedelta(seconds=30)
AGENT_CONNECTIONS = 200

_HEADERS = {"User-Agent": "Holdfast", "Accept-Encoding": "identity"}

_REFUSED_IPV4 = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
# All other IPv6 is special: loopback, IPv4-mapped, NAT64 (64:ff9b::), unique local, link-local, multicast.
_PUBLIC_IPV6 = ip_network("2000::/3")
_REFUSED_IPV6 = tuple(
    ip_network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: carries any IPv4 address
        "3fff::/20",  # documentation
    )
)


class RefusedAddressError(httpx.ConnectError):
    """The host is at an address that is not public; no connection was made."""


class _NotPublicError(OSError):
    """Raised where aiohttp expects a socket's errors, so that it goes on to the host's next address."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet and carries no other address inside."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return not any(parsed in network for network in _REFUSED_IPV4)
    return parsed in _PUBLIC_IPV6 and not any(parsed in network for network in _REFUSED_IPV6)


def graph_client(*, max_connections: int) -> httpx.AsyncClient:
    """The client for Meta. The caller brings its deadline; more requests than connections wait for one."""
    timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT.total_seconds(), pool=CONNECT_TIMEOUT.total_seconds())
    return _client(_Transport(max_connections=max_connections, public_only=False), timeout)


def agent_client(*, private_addresses: bool) -> httpx.AsyncClient:
    """The client for addresses that businesses give us.

    Connects to public addresses only, unless `private_addresses` says otherwise (for development). Each connection's
    very address is checked as its socket is made, after DNS, so that no second look-up can change it. The caller bounds
    the body it reads. Raises `RefusedAddressError`, beside httpx's own errors.
    """
    timeout = httpx.Timeout(AGENT_READ_TIMEOUT.total_seconds(), connect=CONNECT_TIMEOUT.total_seconds())
    transport = _Transport(max_connections=AGENT_CONNECTIONS, public_only=not private_addresses)
    return _client(transport, timeout)


def _client(transport: "_Transport", timeout: httpx.Timeout) -> httpx.AsyncClient:
    # One jar for all the hosts that share a client would carry cookies from one business's request to another's.
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx.AsyncClient(
        transport=transport,
        timeout=timeout,
        headers=_HEADERS,
        cookies=no_cookies,
        follow_redirects=False,
        trust_env=False,
    )


class _Transport(AiohttpTransport):
    """aiohttp's connections, with errors that tell truly whether anything can have been written.

    The transport we build on reports a server that closed a used connection as `ConnectTimeout`, from which a sender
    would conclude that nothing was sent. Here only errors before there is a connection are connect errors.
    """

    def __init__(self, *, max_connections: int, public_only: bool) -> None:
        self._max_connections = max_connections
        self._public_only = public_only
        super().__init__(trust_env=False, client=self._session, verify=_certificates())

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=self._max_connections,
            keepalive_timeout=IDLE.total_seconds(),
            ssl=self.ssl_context,
            socket_factory=_public_socket if self._public_only else None,
        )
        session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, request_class=_Request
        )
        # By itself aiohttp writes a GET a second time when its connection breaks: a code would be exchanged twice.
        session._retry_connection = False  # noqa: SLF001 - there is no public way; a test fails when it stops working
        return session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(_STALE_MOST):
            try:
                return await self._handle(request)
            except _StaleConnectionError:
                continue
        raise httpx.ConnectError("the server closed every connection before it was used")

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        try:
            response = await super().handle_async_request(request)
        except httpx.TransportError as error:
            if isinstance(error.__cause__, _StaleConnectionError):
                raise error.__cause__ from None
            if error.__cause__ is None:
                raise
            raise _true_error(error.__cause__) from error.__cause__
        except _StaleConnectionError:
            raise
        except aiohttp.ClientError as error:
            raise _true_error(error) from error
        response.stream = _Body(response.stream)
        return response


@cache
def _certificates() -> ssl.SSLContext:
    """Whom to believe; read once, it takes 30 ms."""
    return httpx.create_ssl_context(trust_env=False)


class _StaleConnectionError(aiohttp.ClientError):
    """The server had closed the connection before anything was written into it."""


class _Request(aiohttp.ClientRequest):
    """Looks at the connection as the last thing before it writes.

    A server may close a used connection at any moment; a process that was paused, or whose loop is busy, learns of it
    only after it has written, and then nobody knows whether the request was read.
    """

    async def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> None:
        if conn.protocol is not None and _is_hung_up(conn.transport):
            conn.protocol.set_exception(_StaleConnectionError())
            return
        await super().write_bytes(writer, conn, content_length)


def _is_hung_up(transport: asyncio.Transport | None) -> bool:
    """Whether the other side has ended the connection, as the system knows, whatever the loop has heard of it."""
    file = None if transport is None else transport.get_extra_info("socket")
    if file is None or file.fileno() < 0 or not hasattr(select, "poll"):
        return transport is None
    poll = select.poll()
    poll.register(file.fileno(), _HUNG_UP)
    return bool(poll.poll(0))


class _Body(httpx.AsyncByteStream):
    """An answer's body: whatever breaks it is a read error, also what the transport below calls a connect error."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                yield chunk
        except (httpx.TransportError, aiohttp.ClientError) as error:
            cause = error.__cause__ or error
            raise httpx.ReadError(_words(cause)) from cause

    async def aclose(self) -> None:
        await self._stream.aclose()


def _true_error(error: BaseException) -> httpx.TransportError:
    """The error of httpx's family that says what aiohttp's means; aiohttp's words hold the URL, so its kind is told."""
    if isinstance(error, aiohttp.ClientConnectorError):
        refused = isinstance(error.os_error, _NotPublicError)
        return RefusedAddressError(str(error.os_error)) if refused else httpx.ConnectError(_words(error))
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return httpx.ConnectTimeout(_words(error))
    if isinstance(error, aiohttp.SocketTimeoutError):
        return httpx.ReadTimeout(_words(error))
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return httpx.UnsupportedProtocol(_words(error))
    if isinstance(error, aiohttp.ClientResponseError):
        return httpx.RemoteProtocolError(_words(error))
    return httpx.ReadError(_words(error))


def _words(error: BaseException) -> str:
    cause = getattr(error, "os_error", None)
    return f"{type(error).__name__} ({cause})" if cause else type(error).__name__


def _public_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, _, target = address
    if not is_public(str(target[0])):
        raise _NotPublicError(f"{target[0]} is not a public address")
    return socket.socket(family, kind, protocol)
