"""Files at the API, for tests: giving one, one that a customer sent, and what is kept."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from store.ids import new_id
from store.objects import ObjectStore, key_of
from tests.api.edge import Edge, Tenant
from tests.files import PDF
from tests.rows import change, value

MEDIA = "/api/v1/whatsapp/media"


async def give(tenant: Tenant, data: Any, mime_type: str | None = "application/pdf", **query: str) -> httpx.Response:
    headers = {} if mime_type is None else {"Content-Type": mime_type}
    return await tenant.client.post(MEDIA, content=data, headers=headers, params=query)


async def pieces(size: int, *, first: bytes = PDF) -> AsyncIterator[bytes]:
    """A file of this size that nobody ever holds as a whole."""
    yield first
    left = size - len(first)
    while left:
        piece = bytes(min(left, 64 * 1024))
        yield piece
        left -= len(piece)


def kept(api: Edge) -> list[str]:
    """All files in the folder where files are kept, also those that are still being written."""
    folder = Path(api.app.state.settings.media.url)
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def known(api: Edge) -> int:
    return int(await value(api.database, "SELECT count(*) FROM media"))


async def send(tenant: Tenant, message: dict[str, Any]) -> httpx.Response:
    return await tenant.client.post("/api/v1/whatsapp/send-message", json={"to": tenant.wa_id} | message)


async def noted(api: Edge, tenant: Tenant, **columns: Any) -> UUID:
    """A customer's file, as intake notes it."""
    values = {"id": new_id(), "organization": tenant.organization_id, "kind": "image", "mime_type": None, "size": None}
    values |= {"filename": None, "says": None, "fetch_before": None, "object_key": None} | columns
    await change(
        api.database,
        "INSERT INTO media (id, organization_id, direction, kind, state, mime_type, size, filename, says, "
        "fetch_before, object_key) VALUES (:id, :organization, 'in', :kind, :state, :mime_type, :size, :filename, "
        ":says, :fetch_before, :object_key)",
        **values,
    )
    return UUID(str(values["id"]))


async def received(api: Edge, tenant: Tenant, data: bytes, **columns: Any) -> UUID:
    """A customer's file, as it stands when it was fetched."""
    media_id = columns.pop("id", None) or new_id()
    key = key_of(tenant.organization_id, media_id)

    async def chunks() -> AsyncIterator[bytes]:
        yield data

    await ObjectStore.open(api.app.state.settings.media.url).put(key, chunks())
    more = {"kind": "document", "state": "stored", "size": len(data), "object_key": key} | columns
    return await noted(api, tenant, id=media_id, **more)


async def at_meta(api: Edge, tenant: Tenant, media_id: str, *, expires: timedelta) -> None:
    await change(
        api.database,
        "INSERT INTO media_uploads (media_id, integration_id, organization_id, meta_media_id, uploaded_at, expires_at) "
        "VALUES (:media, :integration, :organization, '4490709327384033', now(), now() + CAST(:expires AS interval)) "
        "ON CONFLICT (media_id, integration_id) DO UPDATE SET expires_at = excluded.expires_at",
        media=UUID(media_id),
        integration=tenant.number.integration_id,
        organization=tenant.organization_id,
        expires=expires,
    )
