"""A number's business profile and its picture: read from Meta and changed there, nothing of it kept here."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from api import profile_examples as examples
from api.auth import Acting, Caller, Ring, Store
from api.examples import answers
from api.meta_failures import error_of
from api.profile_contracts import ChangeProfile
from api.uploads import chunks
from store import profile as numbers
from store.audit import By
from store.engine import Database
from store.errors import (
    InvalidRequestError,
    MetaUnavailableError,
    TokenInvalidError,
    TooLargeError,
    UnavailableError,
)
from store.profile import NumberAtMeta
from store.sealing import KeyRing
from whatsapp import profile_picture
from whatsapp.accounts import Accounts
from whatsapp.calls import Failure
from whatsapp.management import Done
from whatsapp.pictures import UnfitFileError
from whatsapp.profile import Profile, Profiles
from whatsapp.profile_picture import MOST_BYTES
from whatsapp.resumable import File, Handle
from whatsapp.signup_failures import CallFailure, call_failure

router = APIRouter(prefix="/api/v1/channels/whatsapp/integrations", tags=["Numbers"])

_PICTURE = {"schema": {"type": "string", "format": "binary"}}
_PICTURE_BODY = {"requestBody": {"required": True, "content": {"image/jpeg": _PICTURE, "image/png": _PICTURE}}}

_NO_ANSWER = "Meta did not answer."
_AGAIN = "Try again in a moment: to do it twice changes nothing more."


@dataclass(frozen=True, slots=True)
class ProfilesAtMeta:
    """Asks Meta about profiles, and says in our words why Meta did not do something."""

    organization_id: UUID
    by: By
    database: Database
    ring: KeyRing
    accounts: Accounts | None

    @property
    def profiles(self) -> Profiles:
        """Meta's calls."""
        if self.accounts is None:
            raise UnavailableError("Our app at Meta is not set up.", next_step="Set META_APP_ID and META_APP_SECRET.")
        return self.accounts.profiles

    async def number(self, integration_id: UUID) -> NumberAtMeta:
        """The number, if Meta can be asked about it."""
        return await numbers.number_at_meta(self.database, self.ring, self.organization_id, integration_id)

    async def read(self, number: NumberAtMeta) -> Profile:
        """Its profile, as Meta has it now."""
        answer = await self.profiles.read(number.phone_number_id, number.access_token)
        return answer if isinstance(answer, Profile) else await self._refuse(number, answer)

    async def change(self, number: NumberAtMeta, changes: Mapping[str, Any], *, named: list[str]) -> None:
        """Change it at Meta, and keep who did, also where Meta does not say whether it is done."""
        answer = await self.profiles.change(number.phone_number_id, number.access_token, changes)
        failure = None if isinstance(answer, Done) else answer
        unanswered = failure is not None and call_failure(failure) is CallFailure.LOST
        if failure is not None and not unanswered:
            await self._refuse(number, failure)
        outcome: numbers.Outcome = "unknown" if unanswered else "done"
        await numbers.note_change(self.database, number, changed=named, actor=self.by, outcome=outcome)
        if failure is not None:
            await self._refuse(number, failure)

    async def upload(self, number: NumberAtMeta, picture: File) -> Handle:
        """What Meta calls the picture by."""
        answer = await self.profiles.upload_picture(picture, number.access_token)
        return answer if isinstance(answer, Handle) else await self._refuse(number, answer)

    async def _refuse(self, number: NumberAtMeta, failure: Failure) -> NoReturn:
        error = error_of(
            failure, refused=InvalidRequestError, unanswered=MetaUnavailableError(_NO_ANSWER, next_step=_AGAIN)
        )
        if isinstance(error, TokenInvalidError):
            await numbers.hold_for_token(self.database, number, says=error.detail, next_step=error.next_step)
            raise numbers.held("token")
        raise error


def _at_meta(request: Request, organization_id: Caller, by: Acting, database: Store, ring: Ring) -> ProfilesAtMeta:
    return ProfilesAtMeta(organization_id, by, database, ring, request.app.state.accounts)


AtMeta = Annotated[ProfilesAtMeta, Depends(_at_meta)]


@router.get("/{integration_id}/profile", responses=answers(200, examples.PROFILE, 401, 404, 409, 422, 503))
async def read_profile(meta: AtMeta, integration_id: UUID) -> Profile:
    """Show what customers see of the business beside its name, as Meta has it now."""
    return await meta.read(await meta.number(integration_id))


@router.put("/{integration_id}/profile", responses=answers(200, examples.PROFILE, 401, 404, 409, 422, 503))
async def change_profile(meta: AtMeta, integration_id: UUID, wanted: ChangeProfile) -> Profile:
    """Change it at Meta: what is left out stays, an empty text or list takes a field away. Answers what Meta has then.

    Within Meta's limits: about 1 to 139 characters, address and description 256, email 128, two websites of 256.
    """
    number = await meta.number(integration_id)
    changes = wanted.changes()
    if changes:
        await meta.change(number, changes, named=list(changes))
    return await meta.read(number)


@router.put(
    "/{integration_id}/profile/picture",
    responses=answers(200, examples.PROFILE, 401, 404, 408, 409, 413, 422, 503),
    openapi_extra=_PICTURE_BODY,
)
async def change_picture(meta: AtMeta, integration_id: UUID, request: Request) -> Profile:
    """Show another picture: the body is the file itself, a JPG or PNG of 192 to 640 pixels and at most 5 MB."""
    number = await meta.number(integration_id)
    data = await _read(request)
    try:
        picture = await asyncio.to_thread(profile_picture.checked, data)
    except UnfitFileError as error:
        raise InvalidRequestError(f"The picture {error}.", next_step="Send a picture that has this form.") from None
    handle = await meta.upload(number, picture)
    await meta.change(number, {"profile_picture_handle": handle.text}, named=["picture"])
    return await meta.read(number)


async def _read(request: Request) -> bytes:
    """The body, read no further than a picture may be long."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > MOST_BYTES:
        raise _too_large()
    data = bytearray()
    async for chunk in chunks(request):
        data += chunk
        if len(data) > MOST_BYTES:
            raise _too_large()
    return bytes(data)


def _too_large() -> TooLargeError:
    return TooLargeError(f"The picture is longer than {MOST_BYTES // 1024**2} MB.")
