"""Meta's resumable upload: a session, the bytes from wherever Meta has got to, a handle for another call (section 9).

Nothing shows anywhere before the handle is used, so every part of it may be repeated.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from whatsapp.calls import Failure, Lost, NotWritten
from whatsapp.foreign import number, text
from whatsapp.management import Call, Management, path, unlike
from whatsapp.signup_failures import CallFailure, call_failure

TRIES = 4
PAUSE = 0.5
"""Seconds before the second try; as much more before each further one."""

_PLACE = re.compile(r"upload:[A-Za-z0-9_:.=+/-]{1,2000}")
"""Where Meta says that a session is; it goes into an address, so it has to look like one."""
_PASSES = frozenset({CallFailure.NOT_WRITTEN, CallFailure.LOST, CallFailure.PASSES})


@dataclass(frozen=True, slots=True)
class File:
    """What is uploaded: pdf, jpeg, png or mp4."""

    data: bytes = field(repr=False)
    name: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class Handle:
    """What Meta calls an uploaded file by; other calls take it."""

    text: str


@dataclass(frozen=True, slots=True)
class _Session:
    """An upload that Meta knows of, and how much of it Meta has."""

    place: str
    params: dict[str, str] = field(repr=False)
    """They sign it."""
    offset: int = 0


class ResumableUploads:
    """Uploads of one app. `sleep` waits between two tries."""

    def __init__(
        self, graph: Management, app_id: str, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._graph = graph
        self._app_id = app_id
        self._sleep = sleep

    async def upload(self, file: File, token: str) -> Handle | Failure:
        """Upload a file. One that breaks goes on behind what Meta has of it; what cannot go on begins anew."""
        session: _Session | None = None
        answer: Handle | Failure = Lost("the upload was not tried")
        for tries in range(TRIES):
            if tries:
                await self._sleep(PAUSE * tries)
            found = await self._session(session, file, token)
            if isinstance(found, _Session):
                session = found
                answer = await self._send(session, file, token)
            else:
                answer = found
            if isinstance(answer, Handle) or not _passes(answer):
                return answer
        return answer

    async def _session(self, session: _Session | None, file: File, token: str) -> _Session | Failure:
        """The session to go on with, at the place that Meta names; a new one where there is none to go on with."""
        if session is not None:
            offset = await self._offset(session, token)
            if isinstance(offset, int) and 0 <= offset < len(file.data):
                return replace(session, offset=offset)
            if not isinstance(offset, int) and _passes(offset):
                return offset
        return await self._begin(file, token)

    async def _begin(self, file: File, token: str) -> _Session | Failure:
        params = {"file_name": file.name, "file_length": str(len(file.data)), "file_type": file.mime_type}
        body = await self._graph.ask(Call("POST", path(self._app_id, "uploads"), token, params=params))
        if not isinstance(body, dict):
            return body
        place, _, query = (text(body.get("id")) or "").partition("?")
        return _Session(place, dict(parse_qsl(query))) if _PLACE.fullmatch(place) else unlike("an upload session")

    async def _offset(self, session: _Session, token: str) -> int | Failure:
        """How many bytes Meta has; -1 where it does not say."""
        body = await self._graph.ask(_call("GET", session, token))
        if not isinstance(body, dict):
            return body
        offset = number(body.get("file_offset"))
        return -1 if offset is None else offset

    async def _send(self, session: _Session, file: File, token: str) -> Handle | Failure:
        rest = file.data[session.offset :]
        headers = {"file_offset": str(session.offset), "Content-Type": "application/octet-stream"}
        body = await self._graph.ask(_call("POST", session, token, raw=rest, headers=headers))
        if not isinstance(body, dict):
            return body
        handle = text(body.get("h"))
        return Handle(handle) if handle else unlike("a handle")


def _call(method: str, session: _Session, token: str, **more: Any) -> Call:
    # Meta's upload host reads the token under another name than the rest of Graph.
    secrets = tuple(session.params.values())
    return Call(method, session.place, token, params=session.params, scheme="OAuth", secrets=secrets, **more)


def _passes(failure: Failure) -> bool:
    """Whether it may be better in a moment."""
    if isinstance(failure, NotWritten) and failure.put_off is not None:
        return False
    return call_failure(failure) in _PASSES
