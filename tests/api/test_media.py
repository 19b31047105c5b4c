"""Files at the API: taken as they come and only if Meta would, told to nobody else, given back as they came."""

import asyncio
import hashlib
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api import uploads
from store.objects import key_of
from tests.api.edge import Edge, Tenant, raw_exchange
from tests.api.giving import MEDIA, give, kept, known, noted, pieces, received, send
from tests.files import ARCHIVE_END, DOCX, PDF, picture, png, sticker
from tests.rows import value
from whatsapp.media_types import FILE_TYPES, MB


async def test_a_file_is_kept_and_given_back_as_it_came(api: Edge, bakery: Tenant) -> None:
    data = picture("JPEG")

    answer = await give(bakery, data, "image/jpeg; charset=binary", filename="Brötchen.jpg")

    assert answer.status_code == 201
    told = answer.json()
    assert (told["kind"], told["mime_type"], told["size"]) == ("image", "image/jpeg", len(data))
    assert (told["sha256"], told["filename"]) == (hashlib.sha256(data).hexdigest(), "Brötchen.jpg")
    assert (told["state"], told["direction"]) == ("stored", "out")
    assert (await bakery.client.get(f"{MEDIA}/{told['id']}")).json() == told
    content = await bakery.client.get(f"{MEDIA}/{told['id']}/content")
    assert (content.status_code, content.content) == (200, data)
    assert content.headers["content-type"] == "image/jpeg"
    assert content.headers["content-length"] == str(len(data))
    assert content.headers["content-disposition"] == (
        "inline; filename=\"Bro_tchen.jpg\"; filename*=UTF-8''Br%C3%B6tchen.jpg"
    )
    assert content.headers["x-content-type-options"] == "nosniff"
    assert content.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert kept(api) == [key_of(bakery.organization_id, UUID(told["id"]))]


async def test_a_large_file_passes_through_without_ever_being_held_whole(bakery: Tenant) -> None:
    size = 30 * MB
    tracemalloc.start()
    try:
        answer = await give(bakery, pieces(size))
        assert (answer.status_code, answer.json()["size"]) == (201, size)
        got = 0
        async with bakery.client.stream("GET", f"{MEDIA}/{answer.json()['id']}/content") as content:
            async for piece in content.aiter_raw():
                got += len(piece)
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert got == size
    assert held < 20 * MB


@pytest.mark.parametrize("mime_type", ["image/jpeg", "image/webp", "audio/ogg", "application/pdf"])
async def test_what_is_too_large_is_refused_as_soon_as_that_is_seen(api: Edge, bakery: Tenant, mime_type: str) -> None:
    most = FILE_TYPES[mime_type].most_bytes
    told_at_once = await give(bakery, b"x" * (most + 1), mime_type) if most < 6 * MB else None
    streamed = await give(bakery, pieces(most + MB), mime_type)

    for answer in filter(None, (told_at_once, streamed)):
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert FILE_TYPES[mime_type].limit in answer.json()["detail"]
    assert (kept(api), await known(api)) == ([], 0)


async def test_a_still_sticker_above_100_kb_is_too_large(bakery: Tenant) -> None:
    answer = await give(bakery, sticker(size=(512, 512), quality=90), "image/webp")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert "100 KB" in answer.json()["detail"]


@pytest.mark.parametrize(
    "mime_type",
    [None, "", "image/gif", "image/svg+xml", "text/html", "application/zip", "multipart/form-data; boundary=x"],
)
async def test_a_type_that_meta_does_not_take_is_refused_with_those_it_takes(
    api: Edge, bakery: Tenant, mime_type: str | None
) -> None:
    answer = await give(bakery, PDF, mime_type)
    assert (answer.status_code, answer.json()["code"]) == (415, "file_type")
    assert "Content-Type" in answer.json()["detail"]
    assert "application/pdf" in answer.json()["detail"]
    assert kept(api) == []


async def test_a_packed_file_is_refused(bakery: Tenant) -> None:
    headers = {"Content-Type": "application/pdf", "Content-Encoding": "gzip"}
    answer = await bakery.client.post(MEDIA, content=PDF, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "file_type")


@pytest.mark.parametrize(
    ("data", "mime_type", "words"),
    [
        (b"", "application/pdf", "is empty"),
        (b"<html><script>alert(1)</script>", "application/pdf", "is not what its type says"),
        (b"MZ\x90\x00", DOCX, "is not what its type says"),
        (picture("PNG"), "image/jpeg", "is not what its type says"),
        (picture("JPEG")[:-200], "image/jpeg", "cut off or damaged"),
        (png(50_000, 50_000, rows=1), "image/png", "pixels"),
        (picture("PNG") + ARCHIVE_END, "image/png", "two files in one"),
    ],
)
async def test_a_file_that_is_not_what_it_says_is_refused_in_words(
    api: Edge, bakery: Tenant, data: bytes, mime_type: str, words: str
) -> None:
    answer = await give(bakery, data, mime_type)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert words in answer.json()["detail"]
    assert (kept(api), await known(api)) == ([], 0)


@pytest.mark.parametrize("filename", ["../../../etc/cron.d/x.pdf", "..\\..\\x.pdf", "/x.pdf", "\x00x.pdf"])
async def test_a_name_is_never_a_path(api: Edge, bakery: Tenant, filename: str) -> None:
    answer = await give(bakery, PDF, filename=filename)
    assert answer.json()["filename"] == "x.pdf"
    assert kept(api) == [key_of(bakery.organization_id, UUID(answer.json()["id"]))]


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_upload_that_is_cut_leaves_nothing_behind(api: Edge, bakery: Tenant, *, chunked: bool) -> None:
    body = PDF + bytes(300_000)
    length = b"Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body) + 1000}".encode()
    head = b"\r\n".join(
        (
            f"POST {MEDIA} HTTP/1.1".encode(),
            b"Host: api",
            f"Authorization: Bearer {bakery.key}".encode(),
            b"Content-Type: application/pdf",
            length,
        )
    )
    sent = head + b"\r\n\r\n" + (f"{len(body):x}\r\n".encode() + body if chunked else body)
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(sent)
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.close()
    await writer.wait_closed()
    assert await reader.read() == b""

    assert (await give(bakery, PDF)).status_code == 201
    assert (len(kept(api)), await known(api)) == (1, 1)
    assert await value(api.database, "SELECT count(*) FROM error_reports") == 0, "it is nobody's defect"


async def test_an_upload_that_stands_still_is_given_up(
    api: Edge, bakery: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PATIENCE", timedelta(seconds=0.2))
    head = f"POST {MEDIA} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer {bakery.key}\r\n"
    head += "Content-Type: application/pdf\r\nContent-Length: 1000\r\n\r\n"
    answer = await raw_exchange(api.port, head.encode() + PDF)
    assert b"408 Request Timeout" in answer
    assert b'"upload_cut"' in answer
    assert kept(api) == []


async def test_a_file_whose_row_cannot_be_written_is_not_kept(
    api: Edge, bakery: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(*_: Any) -> None:
        raise OSError("Postgres is away")

    monkeypatch.setattr("store.media.keep", failing)
    answer = await give(bakery, PDF)
    assert answer.status_code == 503
    assert kept(api) == []


async def test_another_organization_neither_sees_nor_gets_nor_sends_a_file(
    api: Edge, bakery: Tenant, florist: Tenant
) -> None:
    media_id = (await give(bakery, PDF)).json()["id"]
    for path in (f"{MEDIA}/{media_id}", f"{MEDIA}/{media_id}/content"):
        answer = await florist.client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = await send(florist, {"type": "document", "document": {"media_id": media_id}})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert (await api.client.get(f"{MEDIA}/{media_id}/content")).status_code == 401


@pytest.mark.parametrize("mime_type", ["text/html", "image/svg+xml", "text/plain", "application/javascript", None])
async def test_what_a_customer_sent_is_saved_and_never_shown_unless_it_is_a_picture_a_sound_or_a_film(
    api: Edge, bakery: Tenant, mime_type: str | None
) -> None:
    page, filename = b"<script>alert(1)</script>", "a\r\nb/\u202ec.html"
    media_id = await received(api, bakery, page, mime_type=mime_type, filename=filename)
    content = await bakery.client.get(f"{MEDIA}/{media_id}/content")
    assert content.content == page
    assert content.headers["content-disposition"] == "attachment; filename=\"c.html\"; filename*=UTF-8''c.html"
    kinds = ("text/plain", "text/plain; charset=utf-8", "application/octet-stream")
    assert content.headers["content-type"] in (kinds if mime_type == "text/plain" else kinds[2:])
    assert content.headers["content-security-policy"].startswith("sandbox;")
    assert content.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(("wanted", "start", "end"), [("bytes=2-5", 2, 6), ("bytes=4-", 4, 10), ("bytes=8-400", 8, 10)])
async def test_a_part_of_a_file_is_given(api: Edge, bakery: Tenant, wanted: str, start: int, end: int) -> None:
    media_id = await received(api, bakery, b"0123456789")
    content = await bakery.client.get(f"{MEDIA}/{media_id}/content", headers={"Range": wanted})
    assert (content.status_code, content.content) == (206, b"0123456789"[start:end])
    assert content.headers["content-range"] == f"bytes {start}-{end - 1}/10"


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=5-4", "bytes=-3", "bytes=0-1,4-5", "lines=1-2", "bytes=a-b"])
async def test_of_a_part_that_there_is_not_all_is_given(api: Edge, bakery: Tenant, wanted: str) -> None:
    media_id = await received(api, bakery, b"0123456789")
    content = await bakery.client.get(f"{MEDIA}/{media_id}/content", headers={"Range": wanted})
    assert (content.status_code, content.content) == (200, b"0123456789")


async def test_a_file_that_is_not_here_yet_or_never_will_be_says_so(api: Edge, bakery: Tenant) -> None:
    until_when = datetime(2026, 11, 28, 9, tzinfo=UTC)
    waiting = await noted(api, bakery, state="waiting", fetch_before=until_when, says="The number waits for a token.")
    answer = await bakery.client.get(f"{MEDIA}/{waiting}/content")
    assert (answer.status_code, answer.json()["code"]) == (409, "file_waiting")
    assert "2026-11-28 09:00 UTC" in answer.json()["detail"]
    assert "The number waits for a token." in answer.json()["detail"]
    lost = await noted(api, bakery, state="lost", says="Meta did not have it any more.")
    answer = await bakery.client.get(f"{MEDIA}/{lost}/content")
    assert (answer.status_code, answer.json()["code"]) == (410, "file_lost")
    assert "Meta did not have it any more." in answer.json()["detail"]
    assert (await bakery.client.get(f"{MEDIA}/{lost}")).json()["state"] == "lost"


async def test_a_file_that_is_gone_from_where_it_was_kept_is_told_before_anything_is_answered(
    api: Edge, bakery: Tenant
) -> None:
    media_id = (await give(bakery, PDF)).json()["id"]
    (Path(api.app.state.settings.media.url) / key_of(bakery.organization_id, UUID(media_id))).unlink()
    answer = await bakery.client.get(f"{MEDIA}/{media_id}/content")
    assert (answer.status_code, answer.json()["code"]) == (500, "file_missing")
