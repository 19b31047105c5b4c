"""The answer to a download: the bytes of a file, or what a fault leaves of them."""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from simulator.endings import close_under
from simulator.faults import Plan

_PIECES = 10


class FileAnswer(Response):
    """A file in pieces: slowly, cut at half, or with other bytes than were stored, as the plan says."""

    def __init__(self, data: bytes, mime_type: str, plan: Plan) -> None:
        super().__init__(media_type=mime_type)
        self._data = data if not plan.mangle else _mangled(data)
        self._plan = plan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file; a slow one over its seconds."""
        del scope
        data, plan = self._data, self._plan
        kept = data if plan.ending != "cut" else data[: len(data) // 2]
        length = str(len(data)).encode()
        headers = [(b"content-type", self.media_type.encode()), (b"content-length", length)]  # type: ignore[union-attr]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        size = max(1, -(-len(kept) // _PIECES)) if plan.slow else max(1, len(kept))
        for place in range(0, len(kept), size):
            await asyncio.sleep(plan.slow / _PIECES)
            await send({"type": "http.response.body", "body": kept[place : place + size], "more_body": True})
        if plan.ending == "cut":
            await close_under(receive)
            return
        await send({"type": "http.response.body", "body": b""})


def _mangled(data: bytes) -> bytes:
    """As many bytes, another file."""
    return bytes([data[0] ^ 0xFF]) + data[1:] if data else data
