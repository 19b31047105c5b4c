"""What makes no sense is refused in Graph's own form, or as the control API refuses, and breaks nothing."""

import struct
import zlib
from typing import Any

import pytest

from tests.simulator.stage import APP_ID, CUSTOMER, NUMBER, TOKEN, WABA, Simulated

FORM = {"content-type": "application/x-www-form-urlencoded"}
NOWHERE = f"http://{'a' * 70}.test/"
WHATSAPP = {"messaging_product": "whatsapp"}
TEMPLATE = {"name": "shipped", "language": {"code": "en_US"}}
QUICK = {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Yes"}]}


def huge_picture() -> bytes:
    """A PNG of a few bytes that says it has 900 million pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


@pytest.mark.parametrize(
    ("method", "path", "request_"),
    [
        ("POST", f"{WABA}/subscribed_apps", {"json": {"override_callback_uri": NOWHERE, "verify_token": "t"}}),
        ("POST", f"{NUMBER}/register", {"json": WHATSAPP | {"pin": "²²²²²²"}}),
        ("POST", f"{NUMBER}/whatsapp_business_profile", {"json": WHATSAPP | {"vertical": ["RETAIL"]}}),
        ("POST", f"{APP_ID}/uploads", {"params": {"file_length": "²", "file_type": "image/png"}}),
        ("POST", f"{APP_ID}/uploads", {"params": {"file_length": "9" * 5000, "file_type": "image/png"}}),
        ("POST", f"{WABA}/message_templates", {"content": b"name=\xff", "headers": FORM}),
        ("POST", f"{WABA}/message_templates", {"json": {"appsecret_proof": 1}}),
    ],
)
async def test_a_management_call_is_refused_in_graphs_form(
    simulator: Simulated, method: str, path: str, request_: dict[str, Any]
) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"} | request_.pop("headers", {})
    answer = await simulator.graph.request(method, f"/v26.0/{path}", headers=headers, **request_)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in {100, 2200}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": "US.13491208655302741918"}, 100),
        ({"to": "+"}, 100),
        ({"to": "Ada"}, 100),
        ({"to": 4915550001, "recipient": "US.13491208655302741918"}, 100),
        ({"to": "+55²²12345678"}, 100),
        ({"status": "read", "message_id": "wamid.x", "typing_indicator": True}, 131009),
        ({"type": "template", "template": TEMPLATE | {"components": [{"type": "body", "parameters": "Ada"}]}}, 131009),
        ({"type": "template", "template": TEMPLATE | {"components": [{"parameters": []}]}}, 131008),
    ],
)
async def test_a_message_is_refused_in_graphs_form(simulator: Simulated, fields: dict[str, Any], code: int) -> None:
    answer = await simulator.send(**fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize(
    ("header", "button"),
    [({"type": "HEADER", "format": "SOUND"}, QUICK), ({"type": "HEADER"}, QUICK | {"buttons": ["Yes"]})],
)
async def test_a_template_of_a_form_that_nobody_knows_does_not_fit(
    simulator: Simulated, header: dict[str, Any], button: dict[str, Any]
) -> None:
    body = {"type": "BODY", "text": "Hello"}
    await simulator.client.add_template(WABA, "shipped", "en_US", [header, body, button])
    sound = {"type": "header", "parameters": [{"type": "sound", "sound": {"id": "1"}}]}
    tapped = {"type": "button", "sub_type": "quick_reply", "index": "²", "parameters": []}
    template = TEMPLATE | {"components": [sound, tapped] if "format" in header else [tapped]}
    answer = await simulator.send(type="template", text=None, template=template)
    assert answer.json()["error"]["code"] == 131009


async def test_a_number_is_dialed_however_it_is_written(simulator: Simulated) -> None:
    assert (await simulator.send(to="+1 (650) 555-1234")).json()["contacts"][0]["wa_id"] == CUSTOMER


async def test_a_picture_that_says_it_is_enormous_is_refused(simulator: Simulated) -> None:
    data = huge_picture()
    session = await simulator.call(
        "POST", f"{APP_ID}/uploads", params={"file_length": str(len(data)), "file_type": "image/png"}
    )
    headers = {"Authorization": f"OAuth {TOKEN}", "file_offset": "0"}
    address = f"/v26.0/{session.json()['id']}"
    wrong = await simulator.graph.post(address, content=data, headers=headers | {"file_offset": b"\xb2"})  # type: ignore[arg-type]
    assert wrong.json()["error"]["code"] == 100
    handle = (await simulator.graph.post(address, content=data, headers=headers)).json()["h"]
    change = WHATSAPP | {"profile_picture_handle": handle}
    answer = await simulator.call("POST", f"{NUMBER}/whatsapp_business_profile", json=change)
    assert answer.json()["error"]["code"] == 100


async def test_a_limit_that_is_no_number_is_none(simulator: Simulated) -> None:
    answer = await simulator.call("GET", f"{WABA}/phone_numbers", params={"limit": "²"})
    assert [number["id"] for number in answer.json()["data"]] == [NUMBER]
