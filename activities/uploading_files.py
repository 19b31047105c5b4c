"""Bring a file of ours to Meta for one number; the messages that wait for it may leave then."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Protocol
from uuid import UUID

import structlog

from store import media_uploads
from store.consequences import Trouble
from store.engine import Database
from store.errors import FileMissingError, FilesUnavailableError, SealingError
from store.integrations import open_token
from store.media_uploads import Wanted
from store.objects import ObjectStore
from store.sealing import KeyRing
from whatsapp.calls import Failure, NotWritten, Refused
from whatsapp.media import Uploaded
from whatsapp.multipart import Part

log = structlog.get_logger(__name__)


class Target(Protocol):
    """Where files go: the media calls of Graph."""

    async def upload(self, phone_number_id: str, token: str, part: Part) -> Uploaded | Failure:
        """Bring a file; never raises for what the network does."""
        ...


@dataclass(frozen=True, slots=True)
class Uploading:
    """Uploads by what the constructor is given."""

    database: Database
    ring: KeyRing
    target: Target
    objects: ObjectStore

    async def upload(self, media_id: UUID, integration_id: UUID) -> tuple[str, str]:
        """Bring it, or record why not; what came of it, and why: uploaded, waiting or refused."""
        wanted = await media_uploads.begin(self.database, media_id, integration_id)
        if wanted is None:
            return "waiting", "No message waits for it, or the number is held."
        if wanted.there:
            await media_uploads.uploaded(self.database, wanted, None)
            return "uploaded", ""
        if wanted.state != "stored" or wanted.object_key is None or not wanted.mime_type or not wanted.size:
            return await self._refuse(wanted, wanted.says or "The file is not kept any more.")
        part = Part(wanted.mime_type, wanted.size, partial(self.objects.get, wanted.object_key))
        try:
            token = open_token(self.ring, wanted.access_token_sealed, integration_id)
            answer = await self.target.upload(wanted.phone_number_id, token, part)
        except (FileMissingError, FilesUnavailableError, SealingError) as error:
            return await self._put_off(wanted, f"Its file is not at Meta yet: {error.detail}")
        return await self._record(wanted, answer)

    async def _record(self, wanted: Wanted, answer: Uploaded | Failure) -> tuple[str, str]:
        match answer:
            case Uploaded(media_id=meta_media_id):
                await media_uploads.uploaded(self.database, wanted, meta_media_id)
                return "uploaded", ""
            case Refused():
                return await self._refused(wanted, answer)
            case NotWritten(reason=reason, put_off=put_off):
                return await self._put_off(wanted, f"Its file is not at Meta yet: {reason}.", wait=put_off)
        return await self._put_off(wanted, f"Its file is not at Meta yet: {answer.reason}.")

    async def _refused(self, wanted: Wanted, answer: Refused) -> tuple[str, str]:
        verdict = answer.verdict()
        detail = answer.detail or answer.title
        if verdict.kind == "permanent":
            why = f"Meta did not take its file. {verdict.in_words}"
            return await self._refuse(wanted, why, code=answer.code, detail=detail)
        why = f"Its file is not at Meta yet: {verdict.meaning}"
        if verdict.kind != "hold":
            return await self._put_off(wanted, why, wait=max(verdict.delay(1), answer.regain_access or timedelta(0)))
        trouble = Trouble(
            organization_id=wanted.organization_id,
            integration_id=wanted.integration_id,
            verdict=verdict,
            code=answer.code,
            detail=detail,
            source="answer",
        )
        return await self._put_off(wanted, why, trouble=trouble)

    async def _put_off(
        self, wanted: Wanted, why: str, *, wait: timedelta | None = None, trouble: Trouble | None = None
    ) -> tuple[str, str]:
        await media_uploads.later(self.database, wanted, why, wait=wait, trouble=trouble)
        log.info("file.upload_put_off", media_id=str(wanted.id), integration_id=str(wanted.integration_id))
        return "waiting", why

    async def _refuse(
        self, wanted: Wanted, why: str, *, code: int | None = None, detail: str | None = None
    ) -> tuple[str, str]:
        await media_uploads.failed(self.database, wanted, why, code=code, detail=detail)
        log.warning("file.refused", media_id=str(wanted.id), integration_id=str(wanted.integration_id), code=code)
        return "refused", why
