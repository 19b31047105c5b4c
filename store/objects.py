"""Where files are kept: a local folder, or a bucket of S3, Google or Azure, by one interface.

A file is there whole or not at all: what is being written is nobody's to read, and a write that breaks off leaves
nothing. Keys are made of our own ids (`key_of`), never of a name from outside.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit
from uuid import UUID

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, from_url

from store.errors import FileMissingError, FilesUnavailableError, SettingsError

if TYPE_CHECKING:  # obstore has these for type checkers only
    from obstore import GetOptions, GetResult
    from obstore.store import ObjectStore as Bucket
    from obstore.store import RetryConfig

Answer = TypeVar("Answer")

PART = 5 * 1024 * 1024
"""Bytes written at once; S3 takes no smaller part of a file."""
PARTS_AT_ONCE = 2
"""More would only hold more of each file in memory."""
RETRY: "RetryConfig" = {"max_retries": 4, "retry_timeout": timedelta(seconds=20)}
"""A bucket that does not answer is told of while somebody still waits for it; the usual would be ten and 3 minutes."""
READ_AT_ONCE = 256 * 1024
GATHERED = 1024 * 1024
THREADS = 32
"""obstore's own coroutines may abort a process that ends right after one of them; called from threads it does not."""

_ACCESS = "Whoever runs Holdfast compares MEDIA_URL with the credentials beside it: docs/operations.md, Files."
_STAGED = range(1, 9)
"""What is being written into a folder stands beside its key, as `<key>#1`, `<key>#2` and so on."""
_PLACE = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def key_of(organization_id: UUID, media_id: UUID) -> str:
    """The key of a file."""
    return f"{organization_id}/{media_id}"


class ObjectStore:
    """Files by key. What goes wrong is a `HoldfastError` whose words hold neither key nor address."""

    def __init__(self, bucket: "Bucket", *, folder: Path | None = None) -> None:
        self._bucket = bucket
        self._folder = folder
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="files")

    @classmethod
    def open(cls, url: str) -> "ObjectStore":
        """The store at `s3://bucket/prefix`, `gs://…`, `az://…`, `file:///folder` or a folder's path.

        A folder is made if it is not there, for nobody but us. Who we are at a bucket stands in the environment, under
        the names that its vendor gave them (`AWS_ACCESS_KEY_ID` and so on).

        Raises:
            SettingsError: there can be no store at this address.
        """
        parts = urlsplit(url) if _PLACE.match(url) else None
        try:
            if parts is None or parts.scheme == "file":
                return cls._in_folder(Path(url if parts is None else unquote(parts.path)))
            return cls(from_url(url, retry_config=RETRY))
        except (BaseError, OSError, ValueError) as error:
            raise SettingsError(f"MEDIA_URL: no files can be kept there ({type(error).__name__}).") from None

    @classmethod
    def _in_folder(cls, folder: Path) -> "ObjectStore":
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(LocalStore(folder, automatic_cleanup=True, mkdir=True), folder=folder)

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> None:
        """Keep a file under `key`, in place of what was there. What `chunks` raises ends it: nothing has changed then.

        Raises:
            FilesUnavailableError: it could not be written; nothing has changed.
        """
        handing = _Handing()
        work = self._work(partial(obstore.put, chunk_size=PART, max_concurrency=PARTS_AT_ONCE), key, handing)
        work.add_done_callback(lambda _: handing.asked.set())
        try:
            async for chunk in _gathered(chunks):
                if not await handing.give(chunk, to=work):
                    break
            await handing.give(None, to=work)
        except BaseException:
            handing.break_off()
            await asyncio.wait({work})
            work.exception()  # known: else asyncio would tell that nobody has looked at it
            raise
        with _told():
            try:
                await work
            except FileNotFoundError:
                raise FilesUnavailableError("The place where files are kept is not there.") from None
        self._forget_staged(key)

    async def get(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The file's bytes, from `start` to before `end`. It is found, or not, before the first of them is read.

        Raises:
            FileMissingError: nothing is kept under this key.
            FilesUnavailableError: it cannot be read.
        """
        options: GetOptions = {"range": {"offset": start} if end is None else (start, end)}
        with _told():
            found = await self._work(obstore.get, key, options=options if start or end is not None else None)
        return self._read(found)

    async def delete(self, key: str) -> None:
        """Keep it no longer; nothing happens if it was not there.

        Raises:
            FilesUnavailableError: it may still be there.
        """
        with suppress(FileMissingError), _told():
            await self._work(obstore.delete, key)
        self._forget_staged(key)

    async def _read(self, found: "GetResult") -> AsyncIterator[bytes]:
        chunks = iter(found.stream(min_chunk_size=READ_AT_ONCE))
        loop = asyncio.get_running_loop()
        with _told():
            while (chunk := await loop.run_in_executor(self._threads, next, chunks, None)) is not None:
                yield bytes(chunk)

    def _work(self, call: Callable[..., Answer], *values: object, **named: object) -> "asyncio.Future[Answer]":
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._threads, partial(call, self._bucket, *values, **named))

    def _forget_staged(self, key: str) -> None:
        """Remove what killed processes had begun to write into the folder; another that writes it now begins anew."""
        if self._folder is not None:
            for number in _STAGED:
                (self._folder / f"{key}#{number}").unlink(missing_ok=True)


class _BrokenOffError(Exception):
    """What ends a write whose source has ended without being whole."""


class _Handing:
    """Chunks on their way from a coroutine to the thread that writes them, each when it is asked for."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._chunks: SimpleQueue[bytes | None] = SimpleQueue()
        self._broken = False

    async def give(self, chunk: bytes | None, *, to: "asyncio.Future[obstore.PutResult]") -> bool:
        """Hand one over, None after the last; False when nobody takes any more."""
        await self.asked.wait()
        if to.done():
            return False
        self.asked.clear()
        self._chunks.put(chunk)
        return True

    def break_off(self) -> None:
        """What was written so far is to be forgotten."""
        self._broken = True
        self._chunks.put(None)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._loop.call_soon_threadsafe(self.asked.set)
        chunk = self._chunks.get()
        if self._broken:
            raise _BrokenOffError
        if chunk is None:
            raise StopIteration
        return chunk


async def _gathered(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in fewer pieces: each costs a change of threads."""
    gathered = bytearray()
    async for chunk in chunks:
        gathered += chunk
        if len(gathered) >= GATHERED:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


@contextmanager
def _told() -> Iterator[None]:
    """What a store says, in our own words: its own name keys, addresses and accounts."""
    try:
        yield
    except FileNotFoundError:
        raise FileMissingError("The file is not where it was put.") from None
    except (PermissionError, PermissionDeniedError, UnauthenticatedError):
        raise FilesUnavailableError("The place where files are kept does not let us in.", next_step=_ACCESS) from None
    except (BaseError, OSError) as error:
        raise FilesUnavailableError(
            f"The place where files are kept does not answer ({type(error).__name__})."
        ) from None
