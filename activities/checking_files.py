"""A customer's file as it comes: whether it is what its message told of, known before it is kept."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

from store.media_fetches import Wanted
from whatsapp.file_facts import LARGEST_INBOUND, is_a
from whatsapp.media import Download, Located

TOO_LARGE = f"The file is larger than the {LARGEST_INBOUND // 1024 // 1024} MB that a message may carry."


class LostError(Exception):
    """It can never be fetched; the text says why."""


class LaterError(Exception):
    """It may be fetched later; the text says why it was not now."""

    def __init__(self, why: str, *, wait: timedelta | None = None) -> None:
        super().__init__(why)
        self.wait = wait


@dataclass(slots=True)
class Seen:
    """What was found of a file while it was read."""

    digest: bytes = b""
    size: int = 0
    mime_type: str | None = None


async def checked(wanted: Wanted, located: Located, download: Download, seen: Seen) -> AsyncIterator[bytes]:
    """The bytes, with an error in place of their end if they are not the file that was told."""
    hashed = hashlib.sha256()
    async for chunk in download.chunks():
        seen.size += len(chunk)
        check_size(seen.size)
        hashed.update(chunk)
        yield chunk
    seen.digest = hashed.digest()
    told = {digest for digest in (wanted.sha256, located.sha256) if digest is not None}
    if seen.digest in told:
        return
    # Meta's own figure before that of the host, which may have no more of it.
    size = download.size if located.size is None else located.size
    if seen.size == 0 or (size is not None and seen.size != size):
        raise LaterError(f"{seen.size} bytes came of {size or 0}")
    if told:
        raise LaterError("its bytes are not those that the message told of (SHA-256)")


def check_size(size: int | None) -> None:
    """Refuse what no message may carry, as soon as its size is known."""
    if size is not None and size > LARGEST_INBOUND:
        raise LostError(TOO_LARGE)


def type_of(kind: str, located: Located, download: Download) -> str | None:
    """What the file is: as Meta says, or else its host."""
    for told in (located.mime_type, download.mime_type):
        if not is_a(kind, told):
            raise LaterError(f"a file of another kind than {kind} came")
    return located.mime_type or download.mime_type
