"""What goes wrong is said in words and never repeats what was sent; what nobody foresaw gets an id."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import telemetry
from tests.api.edge import BODY, WEBHOOK, Edge, Tenant, raw_exchange, signed, stored_bodies
from tests.rows import change

SEND = "/api/v1/whatsapp/send-message"
JSON = {"Content-Type": "application/json"}


async def test_an_unforeseen_error_is_an_id_for_the_caller_and_a_trace_in_the_record(api: Edge, bakery: Tenant) -> None:
    await change(api.database, "ALTER TABLE contacts RENAME COLUMN profile_name TO moved")
    answer = await bakery.client.get("/api/v1/whatsapp/contacts")
    assert (answer.status_code, answer.json()["code"]) == (500, "unexpected")
    async with api.database.engine.connect() as connection:
        found = await connection.exec_driver_sql('SELECT id::text, type, "where", trace FROM error_reports')
        (report,) = found.all()
    assert report.id == answer.json()["error_id"]
    assert (report.where, "ProgrammingError" in report.type) == ("api", True)
    assert any("store/reading/contacts.py" in line for line in report.trace)
    assert "profile_name" not in answer.text


async def test_what_does_not_exist_is_a_problem_too(api: Edge) -> None:
    answer = await api.client.get("/api/v1/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await api.client.post("/health")).json()["code"] == "method_not_allowed"


async def test_a_body_that_is_no_text_is_an_invalid_request(bakery: Tenant) -> None:
    answer = await bakery.client.post(SEND, content=b'{"to": "\xff\xfe"}', headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_metrics_count_answers_and_each_refusal_by_its_reason(api: Edge) -> None:
    def refusals() -> dict[str, float]:
        name, reasons = "holdfast_webhook_refusals_total", ("unsigned", "wrong_signature", "too_large")
        return {reason: telemetry.REGISTRY.get_sample_value(name, {"reason": reason}) or 0 for reason in reasons}

    before = refusals()
    await api.deliver()
    await api.client.post(WEBHOOK, content=BODY)
    await api.client.post(WEBHOOK, content=BODY, headers=signed(b"another"))
    too_large = bytes(3 * 1024 * 1024 + 1)
    assert (await api.client.post(WEBHOOK, content=too_large, headers=signed(b""))).status_code == 413
    assert {reason: count - before[reason] for reason, count in refusals().items()} == dict.fromkeys(before, 1)
    said = (await api.client.get("/metrics")).text
    assert "holdfast_webhook_acks_total" in said
    assert 'holdfast_webhook_refusals_total{reason="unsigned"}' in said


def _bend(body: bytes, chance: random.Random) -> bytes:
    """The body with a few bytes changed, left out, repeated or added."""
    bent = bytearray(body)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(bent) + 1)
        match chance.randrange(4):
            case 0:
                bent[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                del bent[place : place + chance.randrange(20)]
            case 2:
                bent[place:place] = bent[place : place + chance.randrange(40)]
            case _:
                bent[place:place] = chance.choice([b"\x00", b'"', b"{", b"\\ud83d", b"\xff\xfe", b"1e999", b"null"])
    return bytes(bent)


async def test_200_mutated_bodies_are_stored_as_they_came(api: Edge) -> None:
    chance = random.Random(17)  # noqa: S311 - a seed makes a failure come again
    bodies = [
        _bend(b'{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[]}]}', chance) for _ in range(200)
    ]
    statuses = [(await api.deliver(body)).status_code for body in bodies]
    assert set(statuses) == {200}
    assert await stored_bodies(api.database) == bodies


async def test_200_mutated_requests_to_send_are_refused_or_queued_and_never_fail(bakery: Tenant) -> None:
    chance = random.Random(18)  # noqa: S311 - a seed makes a failure come again
    body = json.dumps({"to": bakery.wa_id, "text": {"body": "hello"}, "context": {"message_id": "wamid.1"}}).encode()
    statuses = [
        (await bakery.client.post(SEND, content=_bend(body, chance), headers=JSON)).status_code for _ in range(200)
    ]
    assert set(statuses) <= {202, 400, 404, 422}
    assert len(set(statuses)) > 1


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["to", "user_id", "text", "type", "image", "contacts", "context", "send_before", "phone_number_id"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
            max_leaves=6,
        ),
    )
)
def test_no_request_makes_reading_it_raise_anything_but_its_own_error(request_body: dict[str, Any]) -> None:
    from pydantic import TypeAdapter, ValidationError

    from api.sending import Sending, SendMessage
    from whatsapp.messages import PARTS, validate_content

    try:
        message = TypeAdapter[Sending](SendMessage).validate_json(json.dumps(request_body))
    except ValidationError:
        return
    draft = message.draft()
    assert message.target() is not None
    assert draft.type in PARTS
    assert isinstance(validate_content(draft.type, draft.content), list)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00",
        b"POST\r\n\r\n",
        f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".encode(),
        f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: 1e3\r\n\r\n".encode(),
        f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx".encode(),
        f"POST {WEBHOOK} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".encode(),
        f"POST {WEBHOOK} HTTP/9.9\r\n\r\n".encode(),
        f"GET {WEBHOOK}?hub.mode=subscribe&hub.verify_token=%00%ff HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        f"GET {SEND}/%2e%2e/%00 HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    ],
)
async def test_malformed_http_is_refused_and_the_next_request_served(api: Edge, request_bytes: bytes) -> None:
    answer = await raw_exchange(api.port, request_bytes, patience=1)
    assert not answer.startswith(b"HTTP/1.1 5")
    assert (await api.deliver()).status_code == 200


async def test_a_webhook_may_come_in_many_small_pieces(api: Edge) -> None:
    async def pieces() -> Any:
        for byte in BODY:
            yield bytes([byte])

    answer = await api.client.post(WEBHOOK, content=pieces(), headers=signed(BODY))
    assert answer.status_code == 200
    assert await stored_bodies(api.database) == [BODY]
