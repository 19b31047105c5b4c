"""What customers write, of every kind; who they are told to be; what the business writes in its own app."""

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.kinds_in import NEEDS
from tests.simulator.stage import CUSTOMER, NUMBER, Simulated, Webhook

BSUID = "US.13491208655302741918"
FILE = {"id": "1234567890", "mime_type": "image/jpeg", "sha256": "m04pFf2ERdaopTyFkGPA0+bX3i+YY2dYgVFwOgDLSDI="}
KINDS: dict[str, Any] = {
    "text": {"body": "hi"},
    "image": FILE | {"caption": "look"},
    "audio": FILE | {"mime_type": "audio/ogg; codecs=opus", "voice": True},
    "video": FILE | {"mime_type": "video/mp4"},
    "document": FILE | {"mime_type": "application/pdf", "filename": "bill.pdf"},
    "sticker": FILE | {"mime_type": "image/webp", "animated": False},
    "location": {"latitude": 52.52, "longitude": 13.405, "name": "Office"},
    "contacts": [{"name": {"formatted_name": "Mira Vogel", "first_name": "Mira"}, "phones": [{"phone": "+49155"}]}],
    "interactive": {"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes"}},
    "button": {"payload": "stop", "text": "Stop"},
    "reaction": {"message_id": "wamid.1", "emoji": "👍"},
    "order": {"catalog_id": "1", "text": "", "product_items": [{"product_retailer_id": "a", "quantity": 1}]},
    "edit": {"original_message_id": "wamid.1", "message": {"type": "text", "text": {"body": "hello"}}},
    "revoke": {"original_message_id": "wamid.1"},
    "hologram": {"depth": 3},
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_message_of_each_kind_comes_as_it_was_written(
    simulator: Simulated, webhook: Webhook, kind: str
) -> None:
    written = datetime.now(UTC) - timedelta(hours=3)
    wamid = await simulator.client.customer_sends(NUMBER, CUSTOMER, kind, KINDS[kind], timestamp=written)
    assert await simulator.client.settle()
    message = webhook.messages[0]
    assert (message["id"], message["type"], message[kind]) == (wamid, kind, KINDS[kind])
    assert (message["from"], message["timestamp"]) == (CUSTOMER, str(int(written.timestamp())))
    assert "errors" not in message


@pytest.mark.parametrize(
    ("kind", "content", "told"),
    [
        ("text", {}, "text needs body"),
        ("text", "hi", "text needs body"),
        ("image", {"id": "1"}, "image needs mime_type, sha256"),
        ("contacts", [], "contacts is a list"),
        ("interactive", {"type": "list_reply"}, "interactive lacks list_reply"),
        ("edit", {"original_message_id": "wamid.1", "message": {}}, "edit.message lacks type"),
    ],
)
async def test_a_test_cannot_write_what_meta_would_not_deliver(
    simulator: Simulated, kind: str, content: Any, told: str
) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        await simulator.client.customer_sends(NUMBER, CUSTOMER, kind, content)
    assert told in refused.value.response.text


async def test_what_cannot_be_shown_comes_with_the_reason(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.customer_sends(NUMBER, CUSTOMER, "unsupported", {"type": "poll_creation"})
    await simulator.client.customer_sends(NUMBER, CUSTOMER, "unknown", None)
    await simulator.client.customer_sends(NUMBER, CUSTOMER, "interactive", None)
    assert await simulator.client.settle()
    by_type = {message["type"]: (message, value) for value in webhook.values for message in value["messages"]}
    assert by_type["unsupported"][0]["unsupported"] == {"type": "poll_creation"}
    assert [error["code"] for error in by_type["unsupported"][0]["errors"]] == [131051]
    assert by_type["unknown"][0]["errors"][0]["code"] == 131051
    assert "interactive" not in by_type["interactive"][0]
    assert by_type["interactive"][1]["errors"][0]["code"] == 131000


async def test_replies_forwards_and_ads_say_where_a_message_comes_from(simulator: Simulated, webhook: Webhook) -> None:
    text = {"body": "hi"}
    ad = {"source_url": "https://fb.me/1", "source_type": "ad", "source_id": "1", "headline": "Bread"}
    await simulator.client.customer_sends(NUMBER, CUSTOMER, "text", text, context="wamid.reply")
    await simulator.client.customer_sends(NUMBER, CUSTOMER, "text", text, context={"forwarded": True})
    await simulator.client.customer_sends(NUMBER, CUSTOMER, "text", text, referral=ad)
    assert await simulator.client.settle()
    beside = [{key: one[key] for key in ("context", "referral") if key in one} for one in webhook.messages]
    for expected in ({"context": {"from": "15550783881", "id": "wamid.reply"}}, {"context": {"forwarded": True}}):
        assert expected in beside
    assert {"referral": ad} in beside


async def test_a_customer_without_a_shared_number_is_known_by_the_bsuid_alone(
    simulator: Simulated, webhook: Webhook
) -> None:
    await simulator.client.customer_sends(NUMBER, BSUID, "text", {"body": "hi"})
    await simulator.client.customer_sends(NUMBER, None, "text", {"body": "hi"}, user_id=BSUID)
    assert await simulator.client.settle()
    assert [message["from_user_id"] for message in webhook.messages] == [BSUID, BSUID]
    assert all("from" not in message for message in webhook.messages)
    assert all("wa_id" not in value["contacts"][0] for value in webhook.values)


async def test_a_customer_whom_webhooks_do_not_share_can_still_be_written_to(
    simulator: Simulated, webhook: Webhook
) -> None:
    user_id = await simulator.client.set_customer(NUMBER, CUSTOMER, username="mira", shares_phone=False)
    await simulator.client.customer_sends(NUMBER, None, "text", {"body": "hi"}, user_id=user_id)
    answer = await simulator.send()
    assert answer.json()["contacts"] == [{"input": f"+{CUSTOMER}", "wa_id": CUSTOMER}]
    assert await simulator.client.settle()
    assert "from" not in webhook.messages[0]
    assert "wa_id" not in webhook.values[0]["contacts"][0]
    assert {(one["recipient_id"], one["recipient_user_id"]) for one in webhook.statuses} == {(CUSTOMER, user_id)}
    seen = len(webhook.statuses)
    await simulator.send(to=None, recipient=user_id)
    assert await simulator.client.settle()
    assert all("recipient_id" not in status for status in webhook.statuses[seen:])


@pytest.mark.parametrize(
    ("dialed", "wa_id"),
    [
        ("5547999990000", "554799990000"),
        ("554799990000", "554799990000"),
        ("5511999990000", "5511999990000"),
        ("525512345678", "5215512345678"),
        ("5215512345678", "5215512345678"),
    ],
)
async def test_numbers_of_brazil_and_mexico_may_be_written_otherwise(
    simulator: Simulated, dialed: str, wa_id: str
) -> None:
    answer = await simulator.send(to=f"+{dialed}")
    assert answer.json()["contacts"] == [{"input": f"+{dialed}", "wa_id": wa_id}]
    assert (await simulator.client.sent(customer=wa_id))[0].content == {"body": "hello"}


async def test_a_customer_who_wrote_is_found_under_either_spelling(simulator: Simulated) -> None:
    await simulator.client.customer_sends(NUMBER, "5547999990000", "text", {"body": "hi"})
    for dialed in ("554799990000", "5547999990000"):
        answer = await simulator.send(to=f"+{dialed}")
        assert answer.json()["contacts"] == [{"input": f"+{dialed}", "wa_id": "5547999990000"}]


async def test_a_bsuid_is_known_to_every_number_of_its_portfolio_and_to_no_other(simulator: Simulated) -> None:
    for number, portfolio in (("1", "p1"), ("2", "p1"), ("3", "p2")):
        waba = f"w{portfolio}"
        await simulator.client.add_number(
            number, waba, display_phone_number=f"1555{number}", token=number, business_id=portfolio
        )
    await simulator.client.customer_sends("1", BSUID, "text", {"body": "hi"})
    payload = {"messaging_product": "whatsapp", "recipient": BSUID, "type": "text", "text": {"body": "hello"}}
    assert (await simulator.post(payload, number="2", token="2")).json()["contacts"][0]["user_id"] == BSUID
    assert (await simulator.post(payload, number="3", token="3")).json()["error"]["code"] == 131026


async def test_a_changed_number_brings_a_new_bsuid_and_the_former_one_is_nobodys(
    simulator: Simulated, webhook: Webhook
) -> None:
    former = await simulator.client.set_customer(NUMBER, CUSTOMER, name="Mira")
    user_id = await simulator.client.customer_changes_number(NUMBER, CUSTOMER, wa_id="4915550009")
    await simulator.client.settle()
    told = webhook.messages[0]
    assert (told["type"], told["from"], "contacts" in webhook.values[0]) == ("system", CUSTOMER, False)
    assert told["system"] == {
        "body": f"User Mira changed from {CUSTOMER} to 4915550009",
        "type": "user_changed_number",
        "wa_id": "4915550009",
        "user_id": user_id,
        "previous_user_id": former,
    }
    assert user_id != former
    assert (await simulator.send(to=None, recipient=former)).json()["error"]["code"] == 131026
    assert (await simulator.send(to=None, recipient=user_id)).status_code == 200


async def test_a_changed_number_that_is_not_shared_tells_of_the_bsuid_alone(
    simulator: Simulated, webhook: Webhook
) -> None:
    await simulator.client.customer_sends(NUMBER, BSUID, "text", {"body": "hi"})
    user_id = await simulator.client.customer_changes_number(NUMBER, BSUID, names_previous=False)
    await simulator.client.settle()
    told = webhook.messages[-1]
    assert "from" not in told
    assert (told["system"]["type"], told["system"]["user_id"]) == ("user_changed_user_id", user_id)
    assert "previous_user_id" not in told["system"]
    assert BSUID in told["system"]["body"]


@pytest.mark.parametrize("kind", ["text", "image", "location", "edit", "revoke"])
async def test_what_the_business_writes_in_its_app_comes_as_an_echo(
    simulator: Simulated, webhook: Webhook, kind: str
) -> None:
    wamid = await simulator.client.business_app_sends(NUMBER, CUSTOMER, kind, KINDS[kind])
    await simulator.client.settle()
    assert webhook.bodies[0]["entry"][0]["changes"][0]["field"] == "smb_message_echoes"
    echo = webhook.values[0]["message_echoes"][0]
    assert (echo["from"], echo["to"], echo["id"], echo[kind]) == ("15550783881", CUSTOMER, wamid, KINDS[kind])
    assert echo["to_user_id"].startswith("US.")
    assert not (await simulator.client.conversation(NUMBER, CUSTOMER))["window_open"]


async def test_a_file_that_the_business_sends_in_its_app_is_given_out_too(
    simulator: Simulated, webhook: Webhook
) -> None:
    await simulator.client.customer_sends_file(NUMBER, CUSTOMER, "image", b"a picture", "image/jpeg", echo=True)
    await simulator.client.settle()
    image = webhook.values[0]["message_echoes"][0]["image"]
    assert (await simulator.call("GET", image["url"])).content == b"a picture"
    assert (await simulator.client.conversation(NUMBER, CUSTOMER))["said_count"] == 0


async def test_an_echo_to_a_customer_without_a_shared_number_has_no_to(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.business_app_sends(NUMBER, BSUID, "text", {"body": "hi"})
    await simulator.client.settle()
    echo = webhook.values[0]["message_echoes"][0]
    assert ("to" in echo, echo["to_user_id"]) == (False, BSUID)


@pytest.mark.parametrize("value", ["stop", "resume", "signup"])
async def test_a_customer_says_what_marketing_is_wanted(simulator: Simulated, webhook: Webhook, value: Any) -> None:
    told_at = datetime(2026, 11, 1, tzinfo=UTC)
    assert await simulator.client.customer_prefers(NUMBER, CUSTOMER, value, timestamp=told_at)
    await simulator.client.settle()
    assert webhook.bodies[0]["entry"][0]["changes"][0]["field"] == "user_preferences"
    preference = webhook.values[0]["user_preferences"][0]
    assert (preference["wa_id"], preference["category"]) == (CUSTOMER, "marketing_messages")
    assert (preference["value"], preference["timestamp"]) == (value, int(told_at.timestamp()))


def test_the_page_names_every_kind_with_what_it_needs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()
    lines = re.findall(r"^\|(.+)\|$", page, re.MULTILINE)
    rows = [[re.findall(r"`(\w+)`", cell) for cell in line.split("|")] for line in lines]
    told = {kind: tuple(row[1]) for row in reversed(rows) if len(row) == 3 for kind in row[0]}
    assert {kind: told.get(kind, ())[: len(needed)] for kind, needed in NEEDS.items()} == NEEDS


async def test_a_file_comes_with_its_hash_in_base64_and_a_url(simulator: Simulated, webhook: Webhook) -> None:
    data = b"OggS a voice"
    wamid = await simulator.client.customer_sends_file(
        NUMBER, CUSTOMER, "audio", data, "audio/ogg; codecs=opus", voice=True
    )
    await simulator.client.customer_sends_file(
        NUMBER, CUSTOMER, "document", b"%PDF-1.7", "application/pdf", filename="a.pdf", caption="a bill", url=False
    )
    assert await simulator.client.settle()
    by_type = {message["type"]: message for message in webhook.messages}
    assert by_type["audio"]["id"] == wamid
    voice = by_type["audio"]["audio"]
    assert voice["sha256"] == base64.b64encode(hashlib.sha256(data).digest()).decode()
    assert (voice["voice"], voice["mime_type"]) == (True, "audio/ogg; codecs=opus")
    assert voice["url"].startswith(simulator.client.base_url)
    document = by_type["document"]["document"]
    assert (document["filename"], document["caption"], "url" in document) == ("a.pdf", "a bill", False)
    assert await simulator.client.file(voice["id"]) == data
