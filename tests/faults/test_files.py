"""Files through a whole installation: one comes in though its worker is killed in the middle, one goes out."""

import hashlib
import io
from pathlib import Path
from typing import Any

import httpx
from aiohttp import web
from PIL import Image

from tests.faults.conftest import OpenHouse
from tests.faults.house import House, new_customers
from tests.unit.servers import http_server

FILM = bytes(range(256)) * 4096 * 12
"""Twelve megabytes: more than is held in memory."""


async def test_a_file_on_its_way_keeps_no_agent_waiting_and_a_killed_worker_leaves_it_whole_to_the_next(
    open_house: OpenHouse,
) -> None:
    house = await open_house(environment={"WORKER_ACTIVITY_SLOTS": "1"})
    [customer, other] = new_customers(2)
    folder, files = house.stack.folder / "media", house.line
    await house.simulator.add_fault("slow", call="download", seconds=20, count=1)
    await house.simulator.customer_sends_file(files.phone_number_id, customer, "video", FILM, "video/mp4")
    await house.until(lambda: _begun(folder), within=20, what="the file is being written")
    async with http_server(_agent) as url:
        await house.connect(kind="http", url=url, secret="whsec_" + "c2VjcmV0" * 6)
        await house.exchange(other, "hello")
    house.line = files
    assert await _begun(folder), "the file is there: the agent was asked only then"
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


async def _agent(_: web.BaseRequest) -> web.Response:
    return web.json_response({"replies": [{"type": "text", "text": {"body": "hello"}}]})


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
