"""`send-message`: the row first, once per key, and nothing that Meta would refuse."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from store.ids import new_id
from store.integrations import connect_number, set_state
from tests.api.edge import Edge, Tenant, talk
from tests.outgoing import OUTGOING, Sent
from tests.rows import KEYED_HASH, RING, change, row, rows

SEND = "/api/v1/whatsapp/send-message"
TEXT = {"text": {"body": "Your order has left."}}
KNOWN = {"to": "491700000001"}


def _stands_alone(sent: Sent) -> bool:
    """Whether it refers to nothing that has to be there."""
    kind, content = sent
    return kind not in ("template", "reaction") and "media_id" not in str(content)


async def _send(sender: Tenant, *, key: str | None = None, **request: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await sender.client.post(SEND, json=TEXT | request, headers=headers)


async def _outbound(api: Edge) -> list[Any]:
    return await rows(api.database, "SELECT * FROM messages WHERE direction = 'out' ORDER BY queue_no")


async def test_a_message_is_queued_and_its_conversation_due_when_the_answer_comes(api: Edge, bakery: Tenant) -> None:
    async with api.database.engine.connect() as listening:
        heard: list[str] = []
        driver = (await listening.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.add_listener("due", lambda *_: heard.append("due"))
        answer = await _send(bakery, conversation_id=str(bakery.conversation_id))
        await driver.remove_listener("due", lambda *_: None)
    assert answer.status_code == 202
    message = await row(api.database, "messages", UUID(answer.json()["message_id"]))
    assert (message.state, message.author, message.content) == ("queued", "api", TEXT)
    assert message.queue_no is not None
    assert (await row(api.database, "conversations", bakery.conversation_id)).due_at is not None
    assert heard == ["due"]
    assert answer.json() == {
        "message_id": str(message.id),
        "conversation_id": str(bakery.conversation_id),
        "queued_at": message.created_at.isoformat().replace("+00:00", "Z"),
        "state": "queued",
    }


async def test_a_contact_is_reached_by_id_phone_number_and_user_id(api: Edge, bakery: Tenant) -> None:
    await change(
        api.database,
        "INSERT INTO contact_identities (id, organization_id, contact_id, kind, value) "
        "VALUES (:id, :organization_id, :contact_id, 'bsuid', 'DE.1234')",
        id=new_id(),
        organization_id=bakery.organization_id,
        contact_id=bakery.contact_id,
    )
    targets: list[dict[str, str]] = [
        {"contact_id": str(bakery.contact_id)},
        {"to": f"+{bakery.wa_id}"},
        {"to": "+49 170 000-0001"},
        {"to": bakery.wa_id},
        {"user_id": "DE.1234"},
        {"to": bakery.wa_id, "phone_number_id": bakery.number.phone_number_id},
    ]
    for target in targets:
        answer = await _send(bakery, **target)
        assert (answer.status_code, answer.json().get("conversation_id")) == (202, str(bakery.conversation_id)), target


@pytest.mark.parametrize(
    ("request_body", "named"),
    [
        ({}, "exactly one of"),
        (KNOWN | {"user_id": "DE.1"}, "exactly one of"),
        ({"to": "not a number"}, "to"),
        ({"to": "٤٩١٧٠"}, "to"),
        ({"user_id": "DE.1\x00"}, "user_id"),
        ({"conversation_id": "1"}, "conversation_id"),
        (KNOWN | {"phone_number_id": "1; x"}, "phone_number_id"),
        (KNOWN | {"type": "image"}, "image"),
        (KNOWN | {"type": "canary"}, "type"),
        (KNOWN | {"type": ["canary"]}, "type"),
        (KNOWN | {"image": {"id": "canary"}}, "image"),
        (KNOWN | {"text": {"body": ""}}, "text.body"),
        (KNOWN | {"text": {"body": "x" * 4097}}, "text.body"),
        (KNOWN | {"text": {"body": "a\x00b"}}, "text.body"),
        (KNOWN | {"text": {"body": "a\ud83d"}}, "text.body"),
        (KNOWN | {"text": {"body": "a", "canary\ud83d": 1}}, "text"),
        (KNOWN | {"text": None}, "text"),
        (KNOWN | {"surprise\ud83d": "canary"}, "body"),
        (KNOWN | {"surprise": "canary"}, "surprise"),
        (KNOWN | {"context": {"message_id": ""}}, "context.message_id"),
        (KNOWN | {"send_before": "2020-01-01T00:00:00Z"}, "send_before"),
        (KNOWN | {"send_before": "2030-01-01T00:00:00"}, "send_before"),
        (KNOWN | {"send_before": "9999-12-31T23:59:59-23:00"}, "send_before"),
        (KNOWN | {"unknown_policy": "canary"}, "unknown_policy"),
    ],
)
async def test_what_cannot_be_sent_is_refused_with_the_field_and_without_its_value(
    api: Edge, bakery: Tenant, request_body: dict[str, Any], named: str
) -> None:
    # Written here: httpx refuses half a surrogate pair, which Python's json reads and writes as an escape.
    request = json.dumps({**TEXT, **request_body})
    answer = await bakery.client.post(SEND, content=request, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert named in answer.text
    assert "canary" not in answer.text.replace("text.canary", "")
    assert await _outbound(api) == []


async def test_what_speaks_against_a_message_is_told_with_field_and_limit(api: Edge, bakery: Tenant) -> None:
    taps = [{"type": "reply", "reply": {"id": str(n), "title": "t" * (20 + 5 * n)}} for n in range(2)]
    part = {"type": "button", "body": {"text": "Which?"}, "action": {"buttons": taps}}
    answer = await bakery.client.post(SEND, json=KNOWN | {"type": "interactive", "interactive": part})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    limit = "has 25 characters, 20 at most"
    assert answer.json()["detail"] == f"interactive.action.buttons[1].reply.title: {limit}."
    assert await _outbound(api) == []


@pytest.mark.parametrize("name", [name for name, sent in OUTGOING.items() if _stands_alone(sent)])
async def test_each_kind_is_queued_as_it_was_given(api: Edge, bakery: Tenant, name: str) -> None:
    kind, content = OUTGOING[name]
    answer = await bakery.client.post(SEND, json=KNOWN | {"type": kind} | content)
    assert answer.status_code == 202, answer.text
    (message,) = await _outbound(api)
    assert (message.type, message.content) == (kind, content)


async def test_a_reaction_goes_to_a_message_of_the_conversation_only(api: Edge, bakery: Tenant) -> None:
    known = (await row(api.database, "messages", bakery.message_id)).wamid
    for wamid, status in ((known, 202), ("wamid.of.nobody", 422)):
        reaction = {"message_id": wamid, "emoji": "👍"}
        answer = await bakery.client.post(SEND, json=KNOWN | {"type": "reaction", "reaction": reaction})
        assert answer.status_code == status
    assert answer.json()["detail"] == "reaction.message_id: is no message of this conversation."
    assert [(one.type, one.about_wamid) for one in await _outbound(api)] == [("reaction", known)]


async def test_what_nobody_knows_is_answered_404(bakery: Tenant) -> None:
    unknown = str(new_id())
    for target in ({"conversation_id": unknown}, {"contact_id": unknown}, {"to": "4917099"}, {"user_id": "DE.9"}):
        assert (await _send(bakery, **target)).status_code == 404
    other_number = await _send(bakery, to=bakery.wa_id, phone_number_id="1")
    assert (other_number.status_code, other_number.json()["detail"]) == (404, "There is no such number.")


async def test_outside_the_window_a_text_is_refused_at_once(api: Edge, bakery: Tenant) -> None:
    closed = await talk(api.database, bakery.number, wa_id="4917055", opened=timedelta(hours=24))
    never = await talk(api.database, bakery.number, wa_id="4917056", opened=None)
    nearly = await talk(
        api.database, bakery.number, wa_id="4917057", opened=timedelta(hours=23, minutes=59, seconds=50)
    )
    for conversation_id in (closed, never):
        answer = await _send(bakery, conversation_id=str(conversation_id))
        assert (answer.status_code, answer.json()["code"]) == (409, "template_required")
    assert (await _send(bakery, conversation_id=str(nearly))).status_code == 202
    assert [message.conversation_id for message in await _outbound(api)] == [nearly]


async def test_outside_the_window_no_kind_but_a_template_is_queued(api: Edge, bakery: Tenant) -> None:
    closed = await talk(api.database, bakery.number, wa_id="4917055", opened=timedelta(hours=24))
    for kind, content in OUTGOING.values():
        if kind == "template":
            continue
        request = {"conversation_id": str(closed), "type": kind, **content}
        answer = await bakery.client.post(SEND, json=request)
        assert (answer.status_code, answer.json()["code"]) == (409, "template_required"), kind
    assert await _outbound(api) == []


async def test_a_contact_of_several_numbers_is_reached_by_the_one_that_is_named(api: Edge, bakery: Tenant) -> None:
    number = bakery.number
    second = await connect_number(
        api.database,
        RING,
        KEYED_HASH,
        organization_id=number.organization_id,
        agent_flow_id=number.agent_flow_id,
        waba_id=number.waba_id,
        phone_number="+15559999",
        phone_number_id="4242",
        access_token="token",
        verify_token="verify",
    )
    answer = await _send(bakery, to=bakery.wa_id, phone_number_id="4242")
    assert (answer.status_code, answer.json()["code"]) == (409, "template_required")
    conversation_id = new_id()
    await change(
        api.database,
        "INSERT INTO conversations (id, organization_id, integration_id, contact_id, window_opened_at) "
        "VALUES (:id, :organization_id, :integration_id, :contact_id, now())",
        id=conversation_id,
        organization_id=number.organization_id,
        integration_id=second,
        contact_id=bakery.contact_id,
    )
    unclear = await _send(bakery, to=bakery.wa_id)
    assert (unclear.status_code, "phone_number_id" in unclear.json()["detail"]) == (422, True)
    clear = await _send(bakery, to=bakery.wa_id, phone_number_id="4242")
    assert clear.json()["conversation_id"] == str(conversation_id)
    await set_state(api.database, organization_id=number.organization_id, integration_id=second, state="disconnected")
    assert (await _send(bakery, to=bakery.wa_id)).json()["conversation_id"] == str(bakery.conversation_id)
    gone = await _send(bakery, conversation_id=str(conversation_id))
    assert (gone.status_code, gone.json()["code"]) == (409, "conflict")


async def test_fifty_requests_with_one_key_at_once_queue_one_message_and_are_answered_alike(
    api: Edge, bakery: Tenant
) -> None:
    answers = await asyncio.gather(
        *(_send(bakery, key="order 17", conversation_id=str(bakery.conversation_id)) for _ in range(50))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert len(await _outbound(api)) == 1


async def test_fifty_different_requests_with_one_key_at_once_queue_one_message(api: Edge, bakery: Tenant) -> None:
    answers = await asyncio.gather(
        *(_send(bakery, key="k", to=bakery.wa_id, text={"body": f"text {number}"}) for number in range(50))
    )
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [202] + [422] * 49
    assert {answer.json()["code"] for answer in answers if answer.status_code == 422} == {"idempotency_key_reused"}
    assert len(await _outbound(api)) == 1


async def test_a_repeated_key_is_answered_as_at_first_whatever_happened_since(api: Edge, bakery: Tenant) -> None:
    until = datetime.now(UTC) + timedelta(seconds=0.5)
    request = {"to": bakery.wa_id, "send_before": until.isoformat()}
    first = await _send(bakery, key="k", **request)
    assert [message.send_before for message in await _outbound(api)] == [until]
    await change(api.database, "UPDATE messages SET state = 'failed' WHERE direction = 'out'")
    await change(api.database, "UPDATE conversations SET window_opened_at = NULL")
    await asyncio.sleep(0.6)
    again = await _send(bakery, key="k", **request)
    assert (again.status_code, again.content) == (202, first.content)
    other = await _send(bakery, key="k", to=bakery.wa_id)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_key_belongs_to_its_organization(api: Edge, bakery: Tenant, florist: Tenant) -> None:
    for sender in (bakery, florist):
        assert (await _send(sender, key="k", to=sender.wa_id)).status_code == 202
    assert len(await _outbound(api)) == 2


async def test_messages_of_one_conversation_get_their_order_under_its_lock(api: Edge, bakery: Tenant) -> None:
    answers = await asyncio.gather(
        *(_send(bakery, to=bakery.wa_id, text={"body": str(number)}) for number in range(30))
    )
    assert {answer.status_code for answer in answers} == {202}
    rows = await _outbound(api)
    assert len({message.queue_no for message in rows}) == 30
