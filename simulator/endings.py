"""What the caller gets to hear: the answer, or what a fault leaves of it."""

import asyncio
import contextlib
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from simulator.faults import Fault, Plan
from simulator.refusals import RefusedError, answer

_HALF_CLOSED_FOR = 20.0
"""Seconds; whoever waits longer for the rest of an answer has no deadline."""


def refusal(fault: Fault) -> RefusedError:
    """What a fault of the kind `refuse` answers."""
    return RefusedError(
        fault.code or 131000,
        details=fault.details,
        subcode=fault.subcode,
        http_status=fault.http_status,
        is_transient=fault.is_transient,
    )


def end(plan: Plan, content: Any) -> Response:
    """The answer to a call that was taken, or what a fault leaves of it."""
    match plan.ending, plan.ended_by:
        case "drop", _:
            return CutAnswer(b"")
        case "cut", _:
            return CutAnswer(orjson.dumps(content)[:10])
        case "half_close", _:
            return HalfClosed()
        case "close_idle", Fault(seconds=seconds):
            return LastAnswer(content, seconds)
        case "server_error", Fault() as fault:
            return _server_error(fault)
    return answer(content)


def _server_error(fault: Fault) -> Response:
    """In Graph's own form if the fault has a code; else what a proxy before it says."""
    if fault.code is not None:
        return refusal(fault).response()
    page = "<html>Sorry, something went wrong.</html>"
    return Response(page, fault.http_status or 500, media_type="text/html")


def _transport(receive: Receive) -> asyncio.Transport:
    """The connection of a call: uvicorn keeps it on the cycle behind `receive`."""
    transport: asyncio.Transport = receive.__self__.transport  # type: ignore[attr-defined]
    return transport


def is_gone(receive: Receive) -> bool:
    """Whether the caller closed the connection before it was answered."""
    gone: bool = receive.__self__.disconnected  # type: ignore[attr-defined]
    return gone


async def close_under(receive: Receive) -> None:
    """Close a connection under its answer, once what was written has left."""
    _transport(receive).close()
    while not is_gone(receive):  # noqa: ASYNC110 - uvicorn keeps a flag; unnoticed, it complains of a missing answer
        await asyncio.sleep(0.001)


class CutAnswer(Response):
    """Closes the connection under the answer: before its first byte, or in the middle of the body."""

    def __init__(self, part: bytes) -> None:
        super().__init__(media_type="application/json")
        self._part = part

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write what is to be written, then reset the connection."""
        del scope
        if self._part:
            headers = [(b"content-type", b"application/json"), (b"content-length", b"300")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": self._part, "more_body": True})
            await asyncio.sleep(0)
        _transport(receive).abort()
        await asyncio.sleep(0.001)  # lets uvicorn notice, else it complains of a missing answer


class HalfClosed(Response):
    """Shuts the writing side instead of answering; what the caller still writes would be read."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Shut it, and wait for the caller to close its own side."""
        del scope, send
        transport = _transport(receive)
        transport.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_HALF_CLOSED_FOR):
                while (await receive())["type"] != "http.disconnect":
                    pass
        transport.abort()
        await asyncio.sleep(0.001)


class LastAnswer(Response):
    """The last answer of a connection, which the caller is not told: what it writes next is never read."""

    def __init__(self, content: Any, seconds: float) -> None:
        super().__init__(orjson.dumps(content), media_type="application/json")
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ever, read nothing more, close a little later."""
        transport = _transport(receive)
        await super().__call__(scope, receive, send)
        if not transport.is_closing():
            transport.pause_reading()
            asyncio.get_running_loop().call_later(self._seconds, transport.close)
