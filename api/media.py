"""Files: giving one to be sent, what is known of one, and the file itself."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from api import media_examples as examples
from api.auth import Caller, Store
from api.examples import answers
from api.file_names import disposition, safe_name
from api.uploads import Uploads
from store.errors import FileLostError, FileWaitingError
from store.media import File, read_file
from whatsapp.media_types import FileType, file_type

router = APIRouter(prefix="/api/v1/whatsapp/media", tags=["Files"])

_SHOWN = ("image", "sticker", "audio", "video")
"""Kinds that a browser may show by itself; it is told to save any other."""
_ALONE = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Accept-Ranges": "bytes",
}
"""Whatever is in it: it runs nothing, loads nothing, and is nothing but what its type says."""
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})", re.ASCII)


def _uploads(request: Request) -> Uploads:
    uploads: Uploads = request.app.state.uploads
    return uploads


Taking = Annotated[Uploads, Depends(_uploads)]


@router.post(
    "",
    status_code=201,
    responses=answers(201, examples.FILE, 401, 408, 413, 415, 422, 503),
    openapi_extra={"requestBody": examples.BODY},
)
async def upload(
    organization_id: Caller,
    request: Request,
    uploads: Taking,
    filename: Annotated[
        str | None, Query(max_length=1000, description="What the customer may see as its name; a path is cut off.")
    ] = None,
) -> File:
    """Give a file that messages will name by its id (`media_id`). The body is the file itself, its type the header's.

    It is here when this answers, and goes to Meta when the first message of a number names it.
    """
    return await uploads.take(request, organization_id, filename)


@router.get("/{media_id}", responses=answers(200, examples.FILE, 401, 404, 422))
async def read_facts(organization_id: Caller, database: Store, media_id: UUID) -> File:
    """Tell what is known of a file, a customer's or your own: whether it is here, its type, size and hash."""
    found, _ = await read_file(database, organization_id, media_id)
    return found


@router.get("/{media_id}/content", response_class=Response, responses=examples.CONTENT)
async def read_content(
    organization_id: Caller, database: Store, uploads: Taking, request: Request, media_id: UUID
) -> StreamingResponse:
    """Get the file itself, or the part of it that `Range` names.

    Only pictures, sounds and films are shown by a browser; whatever else it is, it is saved.
    """
    found, key = await read_file(database, organization_id, media_id)
    if key is None or found.size is None:
        raise _not_here(found)
    known = file_type(found.mime_type)
    start, end = _part(request.headers.get("range"), found.size)
    whole = (start, end) == (0, found.size)
    chunks = await (uploads.files.get(key) if whole else uploads.files.get(key, start=start, end=end))
    headers = {**_ALONE, "Content-Length": str(end - start), "Content-Disposition": _disposition(found, known)}
    if not whole:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.size}"
    # A type that is not known here might be one that a browser runs.
    media_type = "application/octet-stream" if known is None else known.mime_type
    return StreamingResponse(chunks, 200 if whole else 206, headers, media_type)


def _not_here(found: File) -> FileWaitingError | FileLostError:
    says = f" {found.says}" if found.says else ""
    if found.state == "lost":
        return FileLostError(f"The file is lost.{says}")
    until = f"; Meta keeps it until {found.fetch_before:%Y-%m-%d %H:%M} UTC" if found.fetch_before else ""
    return FileWaitingError(f"The file is still to be fetched from Meta{until}.{says}")


def _disposition(found: File, known: FileType | None) -> str:
    extension = "bin" if known is None else known.extension
    inline = known is not None and known.kind in _SHOWN
    return disposition(safe_name(found.filename) or f"{found.id}.{extension}", inline=inline)


def _part(wanted: str | None, size: int) -> tuple[int, int]:
    """From where to before where; of a wish that cannot be read or fulfilled, all (RFC 9110, 14.2)."""
    named = _RANGE.fullmatch(wanted or "")
    if named is None:
        return 0, size
    start, end = int(named[1]), min(int(named[2]) + 1 if named[2] else size, size)
    return (start, end) if start < end else (0, size)
