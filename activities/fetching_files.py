"""Fetch a customer's file: ask Meta where it is, read it, check it as it comes, keep it whole or not at all."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Protocol
from uuid import UUID

import structlog

from activities.checking_files import LaterError, LostError, Seen, check_size, checked, type_of
from store import media_fetches
from store.consequences import Trouble
from store.engine import Database
from store.errors import FilesUnavailableError, SealingError
from store.integrations import open_token
from store.media_fetches import Fetched, Wanted
from store.objects import ObjectStore
from store.sealing import KeyRing
from whatsapp.calls import Failure, NotWritten, Refused
from whatsapp.media import Download, DownloadError, Located, Url

log = structlog.get_logger(__name__)

GIVEN_UP_AFTER = 8
"""Attempts at a file that Meta says it does not have: it may only be that the token must not see it, which passes."""
OVERDUE = "Meta keeps a customer's file for 7 days; it could not be fetched in that time."

_CANNOT_BE_LOADED = 33
_PARAMETER = 100


class Source(Protocol):
    """Where files are: the media calls of Graph."""

    async def locate(self, media_id: str, phone_number_id: str, token: str) -> Located | Failure:
        """Ask for a file's address; never raises for what the network does."""
        ...

    def download(self, url: Url, token: str) -> AbstractAsyncContextManager[Download]:
        """Open it; raises DownloadError."""
        ...


@dataclass(frozen=True, slots=True)
class Fetching:
    """Fetches by what the constructor is given; `timeout` is for one file."""

    database: Database
    ring: KeyRing
    source: Source
    objects: ObjectStore
    timeout: timedelta

    async def fetch(self, media_id: UUID) -> tuple[str, str]:
        """Fetch one file, or record why not; its state then, and why: fetched, waiting or lost."""
        wanted = await media_fetches.begin(self.database, media_id)
        if wanted is None:
            return await self._as_recorded(media_id)
        if wanted.overdue:
            return await self._lose(wanted, OVERDUE, with_last=True)
        try:
            async with asyncio.timeout(self.timeout.total_seconds()):
                seen = await self._fetch(wanted)
        except LostError as error:
            return await self._lose(wanted, str(error))
        except (LaterError, DownloadError, FilesUnavailableError, SealingError, TimeoutError) as error:
            return await self._put_off(wanted, error)
        await media_fetches.stored(self.database, wanted, Fetched(seen.size, seen.digest, seen.mime_type))
        return "fetched", ""

    async def _as_recorded(self, media_id: UUID) -> tuple[str, str]:
        state, says = await media_fetches.state_of(self.database, media_id)
        if state == "waiting":
            return "waiting", says or "The number is held: the file waits for its release."
        return "unchanged", says

    async def _lose(self, wanted: Wanted, why: str, *, with_last: bool = False) -> tuple[str, str]:
        await media_fetches.lost(self.database, wanted, why, with_last=with_last)
        log.warning("file.lost", media_id=str(wanted.id), attempt=wanted.attempt, why=why)
        return "lost", why

    async def _put_off(self, wanted: Wanted, error: Exception) -> tuple[str, str]:
        why = f"The file did not come: {_words(error, self.timeout)}."
        wait = error.wait if isinstance(error, LaterError) else None
        await media_fetches.later(self.database, wanted, why, wait=wanted.wait if wait is None else wait)
        log.info("file.put_off", media_id=str(wanted.id), attempt=wanted.attempt, error=type(error).__name__)
        return "waiting", why

    async def _fetch(self, wanted: Wanted) -> Seen:
        """Read it from where Meta says; from a new address, once, if the first is over."""
        token = open_token(self.ring, wanted.access_token_sealed, wanted.integration_id)
        try:
            return await self._read(wanted, await self._located(wanted, token), token)
        except DownloadError as error:
            if error.kind != "gone":
                raise
        return await self._read(wanted, await self._located(wanted, token), token)

    async def _located(self, wanted: Wanted, token: str) -> Located:
        located = await self.source.locate(wanted.meta_media_id, wanted.phone_number_id, token)
        if isinstance(located, Located):
            return located
        if isinstance(located, Refused):
            raise await self._refused(wanted, located)
        put_off = located.put_off if isinstance(located, NotWritten) else None
        raise LaterError(f"Meta was asked where it is: {located.reason}", wait=put_off)

    async def _refused(self, wanted: Wanted, answer: Refused) -> Exception:
        """What follows from Meta's refusal to say where it is."""
        words = f"Meta was asked where it is and said {_in_meta_words(answer)}"
        if _is_not_there(answer):
            gone = "Meta does not have the file, or the number's token must not see it"
            return LostError(f"{gone}.") if wanted.attempt >= GIVEN_UP_AFTER else LaterError(gone)
        verdict = answer.verdict()
        if verdict.kind == "permanent":
            return LostError(f"{words}.")
        if verdict.kind == "hold":
            trouble = Trouble(
                organization_id=wanted.organization_id,
                integration_id=wanted.integration_id,
                verdict=verdict,
                code=answer.code,
                detail=answer.detail or answer.title,
                source="answer",
            )
            await media_fetches.troubled(self.database, trouble)
            # A held number's release is what it waits for; one that Meta has stopped goes on asking.
            return LaterError(words, wait=None if verdict.hold == "stopped" else timedelta(0))
        return LaterError(words, wait=max(wanted.wait, verdict.delay(1), answer.regain_access or timedelta(0)))

    async def _read(self, wanted: Wanted, located: Located, token: str) -> Seen:
        check_size(located.size)
        seen = Seen()
        async with self.source.download(located.url, token) as download:
            check_size(download.size)
            seen.mime_type = type_of(wanted.kind, located, download)
            await self.objects.put(wanted.key, checked(wanted, located, download, seen))
        return seen


def _is_not_there(answer: Refused) -> bool:
    """Meta's one answer for an id that is over or unknown and for one that a token must not see."""
    if answer.http_status == HTTPStatus.NOT_FOUND and answer.code is None:
        return True
    said = (answer.detail or answer.title or "").lower()
    return answer.code == _PARAMETER and (answer.subcode == _CANNOT_BE_LOADED or "missing permission" in said)


def _in_meta_words(answer: Refused) -> str:
    said = answer.detail or answer.title or f"HTTP {answer.http_status}"
    return f"{answer.code}: {said}" if answer.code is not None else said


def _words(error: Exception, timeout: timedelta) -> str:
    if isinstance(error, TimeoutError):
        return f"it took longer than {timeout.total_seconds():g} s"
    if isinstance(error, FilesUnavailableError | SealingError):
        return error.detail.rstrip(".")
    return str(error).rstrip(".")
