"""Files: what Meta takes, how long it keeps it, who may have it, and what goes wrong on the way."""

import hashlib
import time
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.simulator.stage import CUSTOMER, NUMBER, TOKEN, Simulated, Webhook

JPEG = b"\xff\xd8\xff\xe0 a picture"
PNG = b"\x89PNG\r\n\x1a\n a picture"
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 "
ANIMATED = b"RIFF\x00\x00\x00\x00WEBPVP8X\x00\x00\x00\x00ANIM"
_FORM = {"messaging_product": "whatsapp", "type": "image/jpeg"}


async def _upload(
    simulator: Simulated, data: bytes = JPEG, mime_type: str = "image/jpeg", *, token: str = TOKEN, **form: str
) -> httpx.Response:
    files = {"file": ("a name", data, mime_type)}
    return await simulator.call("POST", f"{NUMBER}/media", token=token, data=_FORM | form, files=files)


async def _received(simulator: Simulated, data: bytes = JPEG) -> str:
    """The id of a picture that a customer sent."""
    await simulator.client.customer_sends_file(NUMBER, CUSTOMER, "image", data, "image/jpeg")
    return (await simulator.client.files())[-1].media_id


async def _url(simulator: Simulated, media_id: str) -> str:
    return str((await simulator.call("GET", media_id)).json()["url"])


async def _download(simulator: Simulated, url: str, token: str | None = TOKEN) -> httpx.Response:
    return await simulator.graph.get(url, headers={"Authorization": f"Bearer {token}"} if token else {})


async def _read(simulator: Simulated, url: str, parts: list[bytes]) -> None:
    """Download in parts, as they come."""
    async with simulator.graph.stream("GET", url, headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
        async for part in answer.aiter_raw():
            parts.append(part)  # noqa: PERF401 - what came before it breaks counts


def _code(answer: httpx.Response) -> Any:
    return answer.json()["error"]["code"]


async def test_an_uploaded_file_is_told_and_given_out_as_it_came(simulator: Simulated) -> None:
    media_id = (await _upload(simulator)).json()["id"]
    told = (await simulator.call("GET", media_id, params={"phone_number_id": NUMBER})).json()
    url = told.pop("url")
    assert told == {
        "messaging_product": "whatsapp",
        "mime_type": "image/jpeg",
        "sha256": hashlib.sha256(JPEG).hexdigest(),
        "file_size": len(JPEG),
        "id": media_id,
    }
    answer = await _download(simulator, url)
    assert (answer.content, answer.headers["content-type"]) == (JPEG, "image/jpeg")
    assert [call.outcome for call in await simulator.client.calls("download", media_id)] == ["ok"]


async def test_a_received_file_tells_its_size_as_text(simulator: Simulated) -> None:
    media_id = await _received(simulator)
    told = (await simulator.call("GET", media_id)).json()
    assert told["file_size"] == str(len(JPEG))
    assert (await _download(simulator, told["url"])).content == JPEG


async def test_the_url_of_a_webhook_works_like_any_other(simulator: Simulated, webhook: Webhook) -> None:
    await _received(simulator)
    await simulator.client.settle()
    url = webhook.messages[0]["image"]["url"]
    assert (await _download(simulator, url)).content == JPEG
    assert (await _download(simulator, url, token=None)).status_code == 401


@pytest.mark.parametrize(
    ("data", "mime_type", "code"),
    [
        (JPEG, "image/gif", 100),
        (JPEG, "application/octet-stream", 100),
        (PNG, "image/jpeg", 131053),
        (b"", "image/jpeg", 131053),
        (JPEG + bytes(5 * 1024 * 1024), "image/jpeg", 131053),
        (bytes(16 * 1024 * 1024 + 1), "video/mp4", 131053),
        (WEBP + bytes(100 * 1024), "image/webp", 131053),
        (ANIMATED + bytes(500 * 1024), "image/webp", 131053),
    ],
)
async def test_a_file_that_cannot_be_sent_is_refused(
    simulator: Simulated, data: bytes, mime_type: str, code: int
) -> None:
    assert _code(await _upload(simulator, data, mime_type)) == code
    assert await simulator.client.files() == []


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (JPEG + bytes(5 * 1024 * 1024 - len(JPEG)), "image/jpeg"),
        (bytes(16 * 1024 * 1024), "video/mp4"),
        (bytes(17 * 1024 * 1024), "application/pdf"),
        (WEBP, "image/webp"),
        (ANIMATED + bytes(400 * 1024), "image/webp"),
        (b"OggS", "audio/ogg; codecs=opus"),
    ],
)
async def test_a_file_at_its_limit_is_taken(simulator: Simulated, data: bytes, mime_type: str) -> None:
    assert (await _upload(simulator, data, mime_type)).status_code == 200
    kept = (await simulator.client.files())[0]
    assert (kept.size, kept.mime_type, kept.from_customer) == (len(data), mime_type, False)


async def test_an_upload_needs_its_parts_and_a_token_that_sees_the_number(simulator: Simulated) -> None:
    assert _code(await _upload(simulator, messaging_product="sms")) == 100
    assert _code(await simulator.call("POST", f"{NUMBER}/media", data=_FORM)) == 100
    assert _code(await simulator.call("POST", f"{NUMBER}/media", content=b"no form")) == 100
    assert _code(await _upload(simulator, token="wrong")) == 190
    await simulator.client.add_number("888", "777", display_phone_number="4930555", token="other")
    assert (await _upload(simulator, token="other")).json()["error"]["error_subcode"] == 33


async def test_ids_live_30_days_when_uploaded_and_7_when_received(simulator: Simulated) -> None:
    uploaded, received = (await _upload(simulator)).json()["id"], await _received(simulator)
    await simulator.client.move_clock(timedelta(days=7) - timedelta(minutes=1))
    assert (await simulator.call("GET", received)).status_code == 200
    await simulator.client.move_clock(timedelta(minutes=2))
    assert (await simulator.call("GET", received)).json()["error"]["error_subcode"] == 33
    await simulator.client.move_clock(timedelta(days=23) - timedelta(minutes=2))
    assert (await simulator.call("GET", uploaded)).status_code == 200
    await simulator.client.move_clock(timedelta(minutes=2))
    assert (await simulator.call("GET", uploaded)).json()["error"]["error_subcode"] == 33


async def test_a_url_is_good_for_five_minutes_and_a_new_one_is_to_be_had(simulator: Simulated) -> None:
    media_id = await _received(simulator)
    url = await _url(simulator, media_id)
    await simulator.client.move_clock(timedelta(minutes=4, seconds=55))
    assert (await _download(simulator, url)).status_code == 200
    await simulator.client.move_clock(timedelta(seconds=10))
    assert (await _download(simulator, url)).status_code == 404
    assert (await _download(simulator, await _url(simulator, media_id))).content == JPEG


async def test_only_the_right_token_gets_a_file(simulator: Simulated) -> None:
    await simulator.client.add_number("888", "777", display_phone_number="4930555", token="other")
    media_id = await _received(simulator)
    url = await _url(simulator, media_id)
    assert (await _download(simulator, url, token=None)).status_code == 401
    assert (await _download(simulator, url, token="wrong")).status_code == 401
    assert (await _download(simulator, url, token="other")).status_code == 404
    assert (await _download(simulator, url.replace("hash=", "hash=0"))).status_code == 404
    assert (await _download(simulator, url.replace("ext=", "ext=9"))).status_code == 404
    assert (await simulator.call("GET", media_id, token="other")).json()["error"]["error_subcode"] == 33
    assert _code(await simulator.call("GET", media_id, params={"phone_number_id": "888"})) == 100
    await simulator.client.change_number(NUMBER, revoked=True)
    assert _code(await simulator.call("GET", media_id)) == 190


async def test_a_deleted_file_is_gone(simulator: Simulated) -> None:
    media_id = (await _upload(simulator)).json()["id"]
    url = await _url(simulator, media_id)
    assert (await simulator.call("DELETE", media_id)).json() == {"success": True}
    assert (await simulator.call("DELETE", media_id)).json()["error"]["error_subcode"] == 33
    assert (await _download(simulator, url)).status_code == 404
    assert await simulator.client.files() == []


async def test_a_download_is_cut_at_half(simulator: Simulated) -> None:
    media_id = await _received(simulator, data := JPEG + bytes(100_000))
    url = await _url(simulator, media_id)
    await simulator.client.add_fault("cut", call="download", count=1)
    parts: list[bytes] = []
    with pytest.raises(httpx.RemoteProtocolError):
        await _read(simulator, url, parts)
    assert b"".join(parts) == data[: len(data) // 2]
    assert (await _download(simulator, url)).content == data


async def test_a_download_brings_other_bytes_of_the_same_length(simulator: Simulated) -> None:
    url = await _url(simulator, await _received(simulator))
    await simulator.client.add_fault("mangle", call="download", count=1)
    wrong = (await _download(simulator, url)).content
    assert (len(wrong), wrong == JPEG) == (len(JPEG), False)
    assert (await _download(simulator, url)).content == JPEG


async def test_a_url_can_be_over_before_it_is_used(simulator: Simulated) -> None:
    media_id = await _received(simulator)
    await simulator.client.add_fault("expire", call="media", phone_number_id=NUMBER, count=1)
    assert (await _download(simulator, await _url(simulator, media_id))).status_code == 404
    assert (await _download(simulator, await _url(simulator, media_id))).status_code == 200


async def test_a_download_is_not_found_once_and_then_is(simulator: Simulated) -> None:
    url = await _url(simulator, media_id := await _received(simulator))
    await simulator.client.add_fault("refuse", call="download", count=1)
    await simulator.client.add_fault("refuse", call="download", after=1, count=1, http_status=503)
    answers = [(await _download(simulator, url)).status_code for _ in range(3)]
    assert answers == [404, 503, 200]
    outcomes = [(call.outcome, call.code) for call in await simulator.client.calls("download", media_id)]
    assert outcomes == [("refused", 404), ("refused", 503), ("ok", None)]


async def test_a_slow_download_comes_in_pieces(simulator: Simulated) -> None:
    url = await _url(simulator, await _received(simulator, JPEG + bytes(1000)))
    await simulator.client.add_fault("slow", call="download", seconds=0.5, count=1)
    parts: list[bytes] = []
    began = time.perf_counter()
    await _read(simulator, url, parts)
    assert time.perf_counter() - began >= 0.5
    assert len(parts) > 5


@pytest.mark.parametrize(("accepted", "kept"), [(True, 1), (False, 0)])
@pytest.mark.parametrize("kind", ["drop", "cut", "server_error"])
async def test_the_answer_to_an_upload_gets_lost_after_or_before_it_was_kept(
    simulator: Simulated, kind: str, *, accepted: bool, kept: int
) -> None:
    await simulator.client.add_fault(kind, call="upload_media", accepted=accepted, count=1)
    try:
        answer = await _upload(simulator, JPEG + bytes(1_000_000))
        assert (kind, answer.status_code) == ("server_error", 500)
    except httpx.TransportError:
        assert kind != "server_error"
    assert len(await simulator.client.files()) == kept
    assert (await _upload(simulator)).status_code == 200


async def test_an_upload_is_refused_or_slow(simulator: Simulated) -> None:
    await simulator.client.add_fault("refuse", call="upload_media", code=131053, count=1)
    assert _code(await _upload(simulator)) == 131053
    await simulator.client.add_fault("slow", call="upload_media", seconds=0.3)
    began = time.perf_counter()
    assert (await _upload(simulator)).status_code == 200
    assert time.perf_counter() - began >= 0.3
    assert [call.outcome for call in await simulator.client.calls("upload_media")] == ["refused", "ok"]


async def test_a_token_dies_with_a_download(simulator: Simulated) -> None:
    media_id = await _received(simulator)
    url = await _url(simulator, media_id)
    await simulator.client.add_fault("revoke", call="download", count=1)
    assert (await _download(simulator, url)).status_code == 401
    assert _code(await simulator.call("GET", media_id)) == 190
