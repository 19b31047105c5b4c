"""What makes no sense is refused in Graph's own form, or as the control API refuses, and breaks nothing."""

import struct
import zlib
from typing import Any

import pytest

from tests.simulator.stage import APP_ID, CUSTOMER, NUMBER, TOKEN, WABA, Simulated, Webhook

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


async def test_an_object_by_any_name_is_not_there(simulator: Simulated) -> None:
    answer = await simulator.call("GET", "%FF")
    assert (answer.status_code, answer.json()["error"]["error_subcode"]) == (400, 33)


async def test_a_limit_that_is_no_number_is_none(simulator: Simulated) -> None:
    answer = await simulator.call("GET", f"{WABA}/phone_numbers", params={"limit": "²"})
    assert [number["id"] for number in answer.json()["data"]] == [NUMBER]


@pytest.mark.parametrize(
    ("method", "path", "order"),
    [
        ("POST", "clock", b'{"move": NaN}'),
        ("POST", "clock", b'{"move": 1e300}'),
        ("PATCH", "webhook", b'{"retry_for": 1e300}'),
        ("POST", "faults", b'{"kind": "server_error", "http_status": 99999}'),
        ("POST", "faults", b'{"kind": "refuse", "code": %d}' % 10**30),
        ("POST", "login-endings", b'{"display_phone_number": "+49 30"}'),
        ("POST", "login-endings", b'{"seconds": -1}'),
        ("POST", "businesses", b'{"name": "\\ud800"}'),
        ("PATCH", f"numbers/{NUMBER}/standing", b'{"onboarded_at": 1e20}'),
        ("POST", "say", b'{"phone_number_id": "106540352242922", "text": "hello"}'),
        ("POST", "say", b'{"phone_number_id": "106540352242922", "wa_id": "1", "timestamp": %d}' % 10**30),
        ("POST", "say", b'{"phone_number_id": "106540352242922", "wa_id": "1", "content": [%d]}' % 10**30),
    ],
)
async def test_an_order_that_cannot_be_carried_out_is_refused(
    simulator: Simulated, method: str, path: str, order: bytes
) -> None:
    headers = {"content-type": "application/json"}
    answer = await simulator.graph.request(method, f"/_control/{path}", content=order, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][0] == "body"


async def test_a_webhook_that_answers_nobody_is_not_verified(simulator: Simulated) -> None:
    await simulator.client.set_webhook("http://127.0.0.1:9/nobody")
    assert not await simulator.client.verify_webhook("verify-me")


async def test_an_account_update_without_its_ban_changes_nothing(simulator: Simulated) -> None:
    prepared = await simulator.client.prepare_number(waba_id=WABA)
    assert await simulator.client.account_update("DISABLED_UPDATE", WABA, ban_info="DISABLE")
    assert (await simulator.client.number(NUMBER))["status"] == "CONNECTED"
    await simulator.client.account_update("DISABLED_UPDATE", WABA, ban_info={"waba_ban_state": "REINSTATE"})
    assert (await simulator.client.number(prepared.phone_number_id))["status"] == "PENDING"


@pytest.mark.parametrize("batched", [True, False])
async def test_a_change_of_any_shape_is_delivered(simulator: Simulated, webhook: Webhook, *, batched: bool) -> None:
    values: list[dict[str, Any]] = [
        {"metadata": "none"},
        {"metadata": {"phone_number_id": NUMBER}, "messages": "none"},
        {"metadata": {"phone_number_id": NUMBER}, "messages": []},
        {"metadata": {"phone_number_id": NUMBER}, "messages": {}},
    ]
    if batched:
        await simulator.client.add_fault("batch", call="webhook", seconds=0.05)
    for value in values * 3:
        await simulator.client.emit(WABA, "messages", value)
    assert await simulator.client.settle()
    assert all(value in webhook.values for value in values)


SHAPES: list[tuple[str, Any]] = [
    ("contacts", [1, {"name": "Ada"}]),
    ("order", {"product_items": [1]}),
    ("interactive", {"type": "button", "action": {"buttons": [1, {"reply": 1}], "sections": [{"rows": 1}]}}),
    ("interactive", {"type": "cta_url", "action": {"parameters": 1}, "body": 1, "header": 1, "footer": 1}),
    ("interactive", {"type": "list", "action": 1}),
    ("template", {"language": 1, "components": [1, {"type": "button", "sub_type": "quick_reply", "index": "x"}]}),
]


@pytest.mark.parametrize(("kind", "content"), SHAPES)
async def test_a_conversation_is_shown_whatever_was_written_in_it(
    simulator: Simulated, kind: str, content: Any
) -> None:
    wamid = await simulator.client.customer_says(NUMBER, CUSTOMER, type=kind, content=content)
    edit = {"original_message_id": wamid, "message": 1}
    await simulator.client.customer_says(NUMBER, CUSTOMER, type="edit", content=edit)
    echo = {"phone_number_id": NUMBER, "wa_id": CUSTOMER, "type": kind, "content": content}
    await simulator.graph.post("/_control/echoes", json=echo)
    for page in ("/", f"/conversations/{NUMBER}/{CUSTOMER}"):
        assert (await simulator.graph.get(page)).status_code == 200
