"""What the caller gets to hear: the answer, or what a fault leaves of it."""

import asyncio
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from simulator.faults import Fault, Plan
from simulator.refusals import RefusedError, answer


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
    match plan.ending:
        case "answer":
            return answer(content)
        case "server_error":
            fault = plan.server_error
            if fault is not None and fault.code is not None:
                return refusal(fault).response()
            status = fault.http_status if fault is not None and fault.http_status else 500
            return Response("<html>Sorry, something went wrong.</html>", status, media_type="text/html")
        case "drop":
            return CutAnswer(b"")
        case "cut":
            return CutAnswer(orjson.dumps(content)[:10])


class CutAnswer(Response):
    """Closes the connection under the answer: before its first byte, or in the middle of the body."""

    def __init__(self, part: bytes) -> None:
        super().__init__(media_type="application/json")
        self._part = part

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write what is to be written, then abort the transport, which uvicorn keeps on the cycle behind `receive`."""
        del scope
        if self._part:
            headers = [(b"content-type", b"application/json"), (b"content-length", b"300")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": self._part, "more_body": True})
            await asyncio.sleep(0)
        transport: asyncio.Transport = receive.__self__.transport  # type: ignore[attr-defined]
        transport.abort()
        await asyncio.sleep(0.001)  # lets uvicorn notice, else it complains of a missing answer
