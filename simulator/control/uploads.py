"""The control API's part for resumable uploads."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from simulator.resumable import Uploads

Json = dict[str, Any]
router = APIRouter(prefix="/_control", tags=["control"])


async def _uploads(request: Request) -> Uploads:
    uploads: Uploads = request.app.state.uploads
    return uploads


TheUploads = Annotated[Uploads, Depends(_uploads)]
"""The upload host of the app that was asked."""


@router.get("/uploads")
async def list_uploads(uploads: TheUploads) -> list[Json]:
    """Every session, the oldest first: how much came, from which offsets, its handle and the file's hash."""
    return uploads.view()
