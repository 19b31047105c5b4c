"""Taking a file: as it comes it is counted, hashed and put aside on disk; looked at; and only then kept.

Why the file itself is the body, and why it is put aside first: docs/decisions/0101-a-file-is-the-body.md.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from tempfile import TemporaryFile
from typing import BinaryIO
from uuid import UUID

import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect

from api.file_names import safe_name
from store import media
from store.engine import Database
from store.errors import (
    FilesUnavailableError,
    FileTypeError,
    HoldfastError,
    InvalidRequestError,
    TooLargeError,
    UploadCutError,
)
from store.ids import new_id
from store.media import File, NewFile
from store.objects import ObjectStore, key_of
from whatsapp.contents import check_content
from whatsapp.media_types import FILE_TYPES, FileType, file_type
from whatsapp.pictures import LargeFileError, UnfitFileError

log = structlog.get_logger(__name__)

PATIENCE = timedelta(seconds=60)
"""An upload of which nothing came for this long is given up."""
_PIECE = 256 * 1024


@dataclass(slots=True)
class Uploads:
    """Takes files for one process. Pictures are looked at one at a time: decoded they are large."""

    database: Database
    files: ObjectStore
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def take(self, request: Request, organization_id: UUID, filename: str | None) -> File:
        """Keep the request's body as a file. Whatever goes wrong leaves nothing behind.

        Raises:
            FileTypeError: Meta takes no such type.
            TooLargeError: it is larger than Meta takes; what came of it until then is all that was read.
            InvalidRequestError: it is not what its type says.
            UploadCutError: it broke off, or stood still.
            FilesUnavailableError: there is no room for it.
        """
        known = _type_of(request)
        told = request.headers.get("content-length", "")
        if told.isdecimal() and int(told) > known.most_bytes:
            raise _too_large(known)
        with TemporaryFile(prefix="holdfast-upload-") as aside:
            received = _Received(aside)
            await received.fill(request, known)
            async with self._looking:
                await _look(received, known)
            return await self._keep(received, organization_id, known, filename)

    async def _keep(self, received: "_Received", organization_id: UUID, known: FileType, filename: str | None) -> File:
        media_id = new_id()
        key = key_of(organization_id, media_id)
        name = safe_name(filename)
        await self.files.put(key, received.pieces())
        try:
            digest = received.sha256.digest()
            new = NewFile(media_id, known.kind, known.mime_type, received.size, digest, name, key)
            return await media.keep(self.database, organization_id, new)
        except BaseException:
            with suppress(HoldfastError):
                await self.files.delete(key)
            raise


@dataclass(slots=True)
class _Received:
    """What has come of a file."""

    aside: BinaryIO
    size: int = 0
    sha256: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    async def fill(self, request: Request, known: FileType) -> None:
        """Take it all in, piece by piece."""
        piece = bytearray()
        async for chunk in chunks(request):
            self.size += len(chunk)
            if self.size > known.most_bytes:
                raise _too_large(known)
            piece += chunk
            if len(piece) >= _PIECE:
                await self._put_aside(bytes(piece))
                piece.clear()
        await self._put_aside(bytes(piece))

    async def _put_aside(self, piece: bytes) -> None:
        try:
            await asyncio.to_thread(self._write, piece)
        except OSError as error:
            log.warning("upload.not_put_aside", error=type(error).__name__, errno=error.errno)
            raise FilesUnavailableError("There is no room to put the file aside while it comes.") from None

    def _write(self, piece: bytes) -> None:
        self.sha256.update(piece)
        self.aside.write(piece)

    async def pieces(self) -> AsyncIterator[bytes]:
        """It, from its beginning."""
        await asyncio.to_thread(self.aside.seek, 0)
        while piece := await asyncio.to_thread(self.aside.read, _PIECE):
            yield piece


async def chunks(request: Request) -> AsyncIterator[bytes]:
    """A request's body as it comes.

    Raises:
        UploadCutError: it broke off, or stood still.
    """
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                chunk = await anext(stream, None)
        except TimeoutError:
            raise UploadCutError(f"Nothing came of the file for {PATIENCE.seconds} s.") from None
        except ClientDisconnect:
            raise UploadCutError("The connection ended before the file did.") from None
        if chunk is None:
            return
        yield chunk


def _type_of(request: Request) -> FileType:
    known = file_type(request.headers.get("content-type"))
    encoding = request.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise FileTypeError("Content-Encoding: the file has to come as it is.")
    if known is None:
        raise FileTypeError(f"Content-Type: is none of the types that Meta takes: {', '.join(FILE_TYPES)}.")
    return known


def _too_large(known: FileType) -> TooLargeError:
    return TooLargeError(f"The file is too large: {known.limit}.")


async def _look(received: _Received, known: FileType) -> None:
    try:
        await asyncio.to_thread(partial(check_content, received.aside, known.mime_type, received.size))
    except LargeFileError as error:
        raise TooLargeError(f"The file {error}.") from None
    except UnfitFileError as error:
        raise InvalidRequestError(f"The file {error}.") from None
