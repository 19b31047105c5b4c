"""The simulator's profiles and resumable uploads keep to Meta's protocol and limits."""

from typing import Any

import httpx
import pytest

from tests.pictures import padded, picture
from tests.simulator.stage import APP_ID, NUMBER, TOKEN, Simulated

PROFILE = f"{NUMBER}/whatsapp_business_profile"
FIELDS = "about,address,description,email,profile_picture_url,websites,vertical"
MOST = 5 * 1024 * 1024


def _error(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["error"]["code"]


async def _change(simulator: Simulated, **changes: Any) -> httpx.Response:
    return await simulator.call("POST", PROFILE, json={"messaging_product": "whatsapp"} | changes)


async def _session(simulator: Simulated, data: bytes, **change: Any) -> httpx.Response:
    params = {"file_name": "logo.png", "file_length": len(data), "file_type": "image/png"} | change
    return await simulator.call("POST", f"{APP_ID}/uploads", params=params)


async def _upload(
    simulator: Simulated, session: str, data: bytes, *, offset: int = 0, scheme: str = "OAuth"
) -> httpx.Response:
    headers = {"Authorization": f"{scheme} {TOKEN}", "file_offset": str(offset)}
    return await simulator.graph.post(f"/v26.0/{session}", content=data, headers=headers)


async def _handle(simulator: Simulated, data: bytes) -> str:
    session = (await _session(simulator, data)).json()["id"]
    return str((await _upload(simulator, session, data)).json()["h"])


async def test_a_profile_tells_only_the_fields_that_are_asked_for(simulator: Simulated) -> None:
    assert (await _change(simulator, about="Bread", websites=["https://a.example.com"])).json() == {"success": True}
    bare = (await simulator.call("GET", PROFILE)).json()
    assert bare == {"data": [{"messaging_product": "whatsapp"}]}
    told = (await simulator.call("GET", PROFILE, params={"fields": FIELDS})).json()["data"][0]
    assert told == {"about": "Bread", "websites": ["https://a.example.com"], "messaging_product": "whatsapp"}
    assert _error(await simulator.call("GET", PROFILE, params={"fields": "mood"}))[1] == 100


async def test_a_profile_says_200_to_who_has_no_token_and_190_to_who_has_a_dead_one(simulator: Simulated) -> None:
    assert _error(await simulator.graph.get(f"/v26.0/{PROFILE}")) == (403, 200)
    assert _error(await simulator.call("GET", PROFILE, token="EAAdead")) == (401, 190)


@pytest.mark.parametrize(
    "changes",
    [
        {"about": ""},
        {"about": "a" * 140},
        {"address": "a" * 257},
        {"description": "a" * 257},
        {"email": "a" * 120 + "@x.example"},
        {"email": "nobody"},
        {"vertical": "BAKERY"},
        {"websites": ["https://a.example", "https://b.example", "https://c.example"]},
        {"websites": ["https://" + "a" * 249]},
        {"websites": ["a.example"]},
        {"profile_picture_handle": "4:made-up"},
        {"messaging_product": "telegram"},
    ],
)
async def test_what_is_beyond_metas_limits_is_refused(simulator: Simulated, changes: dict[str, Any]) -> None:
    assert _error(await _change(simulator, **changes)) == (400, 100)
    told = (await simulator.call("GET", PROFILE, params={"fields": FIELDS})).json()["data"][0]
    assert told == {"messaging_product": "whatsapp"}


async def test_a_file_comes_in_parts_each_from_where_the_last_one_ended(simulator: Simulated) -> None:
    data = picture()
    session = (await _session(simulator, data)).json()["id"]
    assert session.startswith("upload:")
    await simulator.client.add_fault("cut", call="upload", accepted=False, count=1)
    with pytest.raises(httpx.HTTPError):
        await _upload(simulator, session, data)
    headers = {"Authorization": f"OAuth {TOKEN}"}
    told = (await simulator.graph.get(f"/v26.0/{session}", headers=headers)).json()
    assert told == {"id": session, "file_offset": (len(data) + 1) // 2}
    assert _error(await _upload(simulator, session, data)) == (400, 100), "from the beginning again"
    rest = data[told["file_offset"] :]
    assert "h" in (await _upload(simulator, session, rest, offset=told["file_offset"])).json()
    (upload,) = await simulator.client.uploads()
    assert (upload.received, upload.offsets) == (len(data), [0, told["file_offset"]])


async def test_an_upload_wants_its_own_scheme_its_signature_and_a_whole_file(simulator: Simulated) -> None:
    data = picture()
    session = (await _session(simulator, data)).json()["id"]
    assert _error(await _upload(simulator, session, data, scheme="Bearer"))[1] == 190
    assert _error(await _upload(simulator, session.partition("?")[0], data))[1] == 100
    assert _error(await _upload(simulator, session, data[:-1]))[1] == 100
    assert _error(await _session(simulator, data, file_type="image/gif"))[1] == 100
    assert _error(await _session(simulator, b""))[1] == 100


async def test_a_handle_shows_a_picture_within_the_limits_and_no_other(simulator: Simulated) -> None:
    for good in (picture(192), picture(640), padded(picture(), MOST)):
        assert (await _change(simulator, profile_picture_handle=await _handle(simulator, good))).status_code == 200
    for bad in (picture(191), picture(641), padded(picture(), MOST + 1), b"no picture"):
        handle = await _handle(simulator, bad)
        assert _error(await _change(simulator, profile_picture_handle=handle)) == (400, 100)
