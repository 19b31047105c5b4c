"""A profile's picture through the API: looked at, uploaded in as many parts as it takes, shown."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest

from tests.api.edge import Tenant
from tests.api.linked import Linked
from tests.api.profiles import audited, path, read
from tests.logs import logged
from tests.pictures import bomb, padded, picture
from whatsapp.profile_picture import MOST_BYTES


async def test_a_picture_goes_to_meta_whole_and_is_shown(stage: Linked, shop: Tenant) -> None:
    data = picture(640, form="JPEG")
    answer = await shop.client.put(path(shop, picture=True), content=data)
    assert answer.status_code == 200, answer.text
    assert answer.json()["picture_url"].startswith("https://")
    (upload,) = await stage.meta.uploads()
    assert (upload.mime_type, upload.offsets, upload.sha256) == ("image/jpeg", [0], hashlib.sha256(data).hexdigest())
    assert (await audited(stage.api.database))[0].detail == {"changed": ["picture"], "outcome": "done"}


@pytest.mark.parametrize("ending", ["cut", "drop", "half_close", "server_error"])
async def test_an_upload_that_breaks_in_the_middle_goes_on_behind_what_meta_has(
    stage: Linked, shop: Tenant, ending: str
) -> None:
    data = padded(picture(400), 1_000_001)
    await stage.meta.add_fault(ending, call="upload", accepted=False, count=2)
    answer = await shop.client.put(path(shop, picture=True), content=data)
    assert answer.status_code == 200, answer.text
    (upload,) = await stage.meta.uploads()
    assert upload.offsets == [0, 500_001, 750_001]
    assert (upload.received, upload.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert answer.json()["picture_url"] is not None


async def test_an_upload_whose_handle_got_lost_begins_anew(stage: Linked, shop: Tenant) -> None:
    await stage.meta.add_fault("drop", call="upload", count=1)
    assert (await shop.client.put(path(shop, picture=True), content=picture())).status_code == 200
    assert [upload.offsets for upload in await stage.meta.uploads()] == [[0], [0]]


async def test_an_upload_whose_place_meta_does_not_tell_is_asked_for_again(stage: Linked, shop: Tenant) -> None:
    await stage.meta.add_fault("cut", call="upload", accepted=False, count=1)
    await stage.meta.add_fault("server_error", call="upload_offset", count=1)
    assert (await shop.client.put(path(shop, picture=True), content=picture())).status_code == 200
    (upload,) = await stage.meta.uploads()
    assert len(upload.offsets) == 2


async def test_an_upload_that_meta_has_forgotten_begins_anew(stage: Linked, shop: Tenant) -> None:
    await stage.meta.add_fault("cut", call="upload", accepted=False, count=1)
    await stage.meta.add_fault("refuse", call="upload_offset", code=100, subcode=33)
    assert (await shop.client.put(path(shop, picture=True), content=picture())).status_code == 200
    assert len(await stage.meta.uploads()) == 2


async def test_an_upload_that_breaks_every_time_is_given_up_and_the_profile_is_as_before(
    stage: Linked, shop: Tenant
) -> None:
    await stage.meta.add_fault("cut", call="upload", accepted=False)
    answer = await shop.client.put(path(shop, picture=True), content=picture())
    assert (answer.status_code, answer.json()["code"]) == (503, "meta_unavailable")
    assert await stage.meta.count("upload") == 4
    assert (await read(shop))["picture_url"] is None
    assert await audited(stage.api.database) == []


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (picture(191), "192 to 640"),
        (picture(641), "192 to 640"),
        (bomb(50_000, 50_000), "192 to 640"),
        (picture()[:-20], "cut off or damaged"),
        (b"<svg/>", "JPG or PNG"),
        (b"", "JPG or PNG"),
    ],
    ids=lambda given: given if isinstance(given, str) else f"{len(given)} bytes",
)
async def test_what_is_no_profile_picture_is_refused_in_words_before_meta_is_asked(
    stage: Linked, shop: Tenant, data: bytes, named: str
) -> None:
    answer = await shop.client.put(path(shop, picture=True), content=data, headers={"Content-Type": "image/png"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert named in answer.json()["detail"]
    assert await stage.meta.uploads() == []


async def test_5_mb_are_taken_and_a_byte_more_is_too_large_also_when_no_length_is_told(
    stage: Linked, shop: Tenant
) -> None:
    most = padded(picture(), MOST_BYTES)
    assert (await shop.client.put(path(shop, picture=True), content=most)).status_code == 200

    async def parts(data: bytes) -> AsyncIterator[bytes]:
        for begin in range(0, len(data), 100_000):
            yield data[begin : begin + 100_000]

    for body in (most + b"\x00", parts(most + b"\x00")):
        answer = await shop.client.put(path(shop, picture=True), content=body)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert "5 MB" in answer.json()["detail"]
    assert len(await stage.meta.uploads()) == 1


async def test_a_picture_that_stops_coming_reaches_nobody_and_is_no_defect_of_ours(stage: Linked, shop: Tenant) -> None:
    head = f"PUT {path(shop, picture=True)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shop.key}\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", stage.api.port)
    with logged() as lines:
        writer.write(f"{head}Content-Length: 100000\r\n\r\n".encode() + picture()[:1000])
        await writer.drain()
        await asyncio.sleep(0.3)
        writer.close()
        await asyncio.sleep(0.3)
    assert "error.reported" not in lines.getvalue()
    assert await stage.meta.uploads() == []


async def test_the_token_shows_in_no_address_of_an_upload_and_every_call_is_proven(stage: Linked, shop: Tenant) -> None:
    await shop.client.put(path(shop, picture=True), content=picture())
    made = await stage.meta.calls()
    assert {"upload_session", "upload", "change_profile", "profile"} <= {call.call for call in made}
    assert [call for call in made if call.token_in_query or call.outcome != "ok"] == []
