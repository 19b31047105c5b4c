"""A form with one file in it, as Graph takes uploads: written in pieces, its length known before its first byte."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

Read = Callable[[], Awaitable[AsyncIterator[bytes]]]


@dataclass(frozen=True, slots=True)
class Part:
    """The file: what it is, and how to read it from its first byte, each time that it is needed."""

    mime_type: str
    size: int
    read: Read


class Form:
    """One request's body and what its headers say of it."""

    def __init__(self, fields: Mapping[str, str], part: Part) -> None:
        self.error: Exception | None = None
        """What reading the file raised: to whoever sends the form it is only a body that broke off."""
        self._part = part
        boundary = secrets.token_hex(16)
        self._before = b"".join(_field(boundary, name, value) for name, value in fields.items()) + _head(boundary, part)
        self._after = f"\r\n--{boundary}--\r\n".encode()
        self.headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(self._before) + part.size + len(self._after)),
        }

    async def body(self) -> AsyncIterator[bytes]:
        """The bytes, once."""
        yield self._before
        try:
            async for chunk in await self._part.read():
                yield chunk
        except Exception as error:
            self.error = error
            raise
        yield self._after


def _field(boundary: str, name: str, value: str) -> bytes:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def _head(boundary: str, part: Part) -> bytes:
    # Customers see the name that the message gives: the one in here is nobody's.
    named = 'Content-Disposition: form-data; name="file"; filename="file"'
    return f"--{boundary}\r\n{named}\r\nContent-Type: {part.mime_type}\r\n\r\n".encode()
