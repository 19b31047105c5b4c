"""Files through a whole installation: one comes in though its worker is killed in the middle, one goes out."""

import hashlib
import io
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from tests.faults.conftest import OpenHouse
from tests.faults.house import House, new_customers

FILM = bytes(range(256)) * 4096 * 12
"""Twelve megabytes: more than is held in memory."""


async def test_a_worker_killed_in_the_middle_of_a_file_leaves_it_to_the_next_which_fetches_it_whole(
    open_house: OpenHouse,
) -> None:
    house = await open_house()
    [customer] = new_customers(1)
    folder = house.stack.folder / "media"
    await house.simulator.add_fault("slow", call="download", seconds=8, count=1)
    await house.simulator.customer_sends_file(house.line.phone_number_id, customer, "video", FILM, "video/mp4")
    await house.until(lambda: _begun(folder), within=20, what="the file is being written")
    house.supervisor.kill("worker")
    assert (await _only(house)).state == "waiting"
    await house.supervisor.restart("worker")
    await house.until(lambda: _is_stored(house), within=30, what="the file is there")
    row = await _only(house)
    assert (row.size, row.sha256, row.attempts) == (len(FILM), hashlib.sha256(FILM).digest(), 2)
    assert [path.read_bytes() == FILM for path in _files(folder)] == [True], "one file, whole, and nothing beside it"


async def test_a_picture_of_the_business_reaches_the_customer_by_the_id_that_meta_gave_it(house: House) -> None:
    [customer], picture = new_customers(1), _picture()
    await house.exchange(customer, "hello")
    headers = {"Authorization": f"Bearer {house.line.api_key}"}
    async with httpx.AsyncClient(base_url=house.stack.api_url, headers=headers, trust_env=False) as api:
        taken = await api.post("/api/v1/whatsapp/media", content=picture, headers={"Content-Type": "image/png"})
        assert taken.status_code == httpx.codes.CREATED, taken.text
        content = {"media_id": taken.json()["id"], "caption": "for you"}
        message = {"to": customer, "type": "image", "image": content}
        sent = await api.post("/api/v1/whatsapp/send-message", json=message)
        assert sent.is_success, sent.text
    await house.until(lambda: _is_delivered(house), within=20, what="the picture is delivered")
    [upload] = await house.rows("SELECT meta_media_id FROM media_uploads WHERE integration_id = :line")
    assert await house.simulator.file(upload.meta_media_id) == picture


def _picture() -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(drawn, "PNG")
    return drawn.getvalue()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def _begun(folder: Path) -> bool:
    return any("#" in path.name for path in _files(folder))


async def _only(house: House) -> Any:
    [row] = await house.rows("SELECT * FROM media")
    return row


async def _is_stored(house: House) -> bool:
    return bool((await _only(house)).state == "stored")


async def _is_delivered(house: House) -> bool:
    arrived = "type = 'image' AND delivery IN ('delivered', 'read')"
    query = f"SELECT id FROM messages WHERE integration_id = :line AND {arrived}"  # noqa: S608 - the words above
    return bool(await house.rows(query))
