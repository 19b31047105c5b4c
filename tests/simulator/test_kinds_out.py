"""What the business sends, of every kind: what Graph takes, refuses and fails later, and what the customer gets."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.simulator.letters import LINK, REFUSED, TAKEN, buttons
from tests.simulator.stage import CUSTOMER, NUMBER, WABA, Simulated, Webhook

PNG = b"\x89PNG\r\n\x1a\n a picture"


async def _post(simulator: Simulated, kind: str, content: Any, **fields: Any) -> Any:
    """The answer's error, or the wamid."""
    payload = {"messaging_product": "whatsapp", "to": f"+{CUSTOMER}", "type": kind, kind: content} | fields
    answer = (await simulator.post(payload)).json()
    return answer.get("error") or answer["messages"][0]["id"]


async def _upload(simulator: Simulated, data: bytes = PNG, mime_type: str = "image/png") -> str:
    files = {"file": ("a", data, mime_type)}
    form = {"messaging_product": "whatsapp", "type": mime_type}
    return str((await simulator.call("POST", f"{NUMBER}/media", data=form, files=files)).json()["id"])


@pytest.mark.parametrize(("kind", "content"), TAKEN)
async def test_a_message_within_its_limits_reaches_the_customer_whole(
    simulator: Simulated, kind: str, content: Any
) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    wamid = await _post(simulator, kind, content, biz_opaque_callback_data="m1.1")
    reply = await simulator.client.wait_for_reply(NUMBER, CUSTOMER)
    assert (reply.wamid, reply.type, reply.content) == (wamid, kind, content)
    sent = (await simulator.client.sent(NUMBER, CUSTOMER))[0]
    assert (sent.outcome, sent.content, sent.payload["biz_opaque_callback_data"]) == ("delivered", content, "m1.1")


@pytest.mark.parametrize(("kind", "content", "code"), REFUSED)
async def test_a_message_beyond_a_limit_is_refused_and_says_why(
    simulator: Simulated, kind: str, content: Any, code: int
) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    error = await _post(simulator, kind, content)
    assert error["code"] == code
    assert error.get("error_data", {}).get("details") or "Param" in error["message"] or "key" in error["message"]
    assert await simulator.client.sent() == []


async def test_an_error_names_the_parameter(simulator: Simulated) -> None:
    long_title = await _post(simulator, "interactive", buttons("x" * 21))
    details = "Param interactive['action']['buttons'][0]['reply']['title'] must be at most 20 characters long."
    assert long_title["error_data"]["details"] == details
    unknown = await _post(simulator, "image", {"id": "404"})
    expected = "(#100) Param image['id'] is not a valid whatsapp business account media attachment ID"
    assert unknown["message"] == expected


async def test_a_file_is_sent_by_its_id_until_the_id_is_over(simulator: Simulated) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    media_id = await _upload(simulator)
    await _post(simulator, "image", {"id": media_id})
    await _post(simulator, "interactive", buttons("a") | {"header": {"type": "image", "image": {"id": media_id}}})
    assert len(await simulator.client.wait_for_replies(NUMBER, CUSTOMER, 2)) == 2
    await simulator.client.move_clock(timedelta(days=31))
    assert (await _post(simulator, "image", {"id": media_id}))["code"] == 100


async def test_an_id_of_another_number_is_none(simulator: Simulated) -> None:
    media_id = await _upload(simulator)
    await simulator.client.add_number("888", "777", display_phone_number="4930555", token="other")
    payload = {"messaging_product": "whatsapp", "to": "+49155", "type": "image", "image": {"id": media_id}}
    answer = await simulator.post(payload, number="888", token="other")
    assert answer.json()["error"]["code"] == 100


@pytest.mark.parametrize(
    ("kind", "content", "mime_type", "code"),
    [
        ("sticker", {}, "image/png", 131053),
        ("video", {}, "image/png", 131053),
        ("audio", {"voice": True}, "audio/mpeg", 131053),
        ("audio", {"voice": True}, "audio/ogg; codecs=opus", None),
        ("document", {"filename": "a.png"}, "image/png", None),
    ],
)
async def test_a_file_of_the_wrong_kind_fails_after_it_was_accepted(
    simulator: Simulated, webhook: Webhook, kind: str, content: dict[str, Any], mime_type: str, code: int | None
) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    data = PNG if mime_type == "image/png" else b"a sound"
    await _post(simulator, kind, content | {"id": await _upload(simulator, data, mime_type)})
    assert await simulator.client.settle()
    assert (await simulator.client.sent())[0].code == code
    if code is not None:
        failed = webhook.statuses[0]
        assert (failed["status"], failed["errors"][0]["code"]) == ("failed", code)
        assert "mime type" in failed["errors"][0]["error_data"]["details"] or "audio/ogg" in str(failed["errors"])


@pytest.mark.parametrize(("category", "code"), [("AUTHENTICATION", 131062), ("UTILITY", None)])
async def test_a_code_is_sent_to_a_phone_number_alone(simulator: Simulated, category: str, code: int | None) -> None:
    body = [{"type": "BODY", "text": "Your code"}]
    await simulator.client.add_template(WABA, "code", "en_US", body, category=category)
    await simulator.client.customer_says(NUMBER, "US.1", "hi")
    template = {"name": "code", "language": {"code": "en_US"}}
    assert isinstance(await _post(simulator, "template", template), str)
    answer = await _post(simulator, "template", template, to=None, recipient="US.1")
    assert (answer["code"] if isinstance(answer, dict) else None) == code


@pytest.mark.parametrize("voice", [True, False])
async def test_only_a_voice_message_is_played(simulator: Simulated, webhook: Webhook, *, voice: bool) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await _post(simulator, "audio", {"link": LINK, "voice": voice})
    assert await simulator.client.settle()
    expected = ["sent", "delivered", "read", "played"] if voice else ["sent", "delivered", "read"]
    assert sorted(status["status"] for status in webhook.statuses) == sorted(expected)


async def test_a_reaction_brings_sent_alone_and_is_taken_back_by_an_empty_one(
    simulator: Simulated, webhook: Webhook
) -> None:
    wamid = await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    for emoji in ("👍", ""):
        await _post(simulator, "reaction", {"message_id": wamid, "emoji": emoji})
    assert await simulator.client.settle()
    assert [status["status"] for status in webhook.statuses] == ["sent", "sent"]
    assert [reply.content["emoji"] for reply in await simulator.client.wait_for_replies(NUMBER, CUSTOMER, 2)] == [
        "👍",
        "",
    ]


async def test_what_cannot_be_reacted_to_is_refused(simulator: Simulated) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    old = await simulator.client.customer_says(
        NUMBER, CUSTOMER, "old", timestamp=datetime.now(UTC) - timedelta(days=30, minutes=1)
    )
    theirs = await simulator.client.customer_sends(
        NUMBER, CUSTOMER, "reaction", {"message_id": "wamid.1", "emoji": "👍"}
    )
    elsewhere = await simulator.client.customer_says(NUMBER, "4915550002", "hi")
    own = await _post(simulator, "text", {"body": "hello"})
    ours = await _post(simulator, "reaction", {"message_id": own, "emoji": "👍"})
    for target in (old, theirs, ours, elsewhere):
        assert (await _post(simulator, "reaction", {"message_id": target, "emoji": "👍"}))["code"] == 131009
    for emoji in ("ok", "👍 great", None, 5):
        refused = await _post(simulator, "reaction", {"message_id": own, "emoji": emoji})
        assert refused["code"] in {131008, 131009}
    assert isinstance(await _post(simulator, "reaction", {"message_id": own, "emoji": "1️⃣"}), str)  # a keycap


async def test_a_reply_goes_to_a_message_of_the_same_conversation(simulator: Simulated) -> None:
    wamid = await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    echo = await simulator.client.business_app_sends(NUMBER, CUSTOMER, "text", {"body": "from the app"})
    for target in (wamid, echo):
        assert isinstance(await _post(simulator, "text", {"body": "x"}, context={"message_id": target}), str)
    replies = await simulator.client.wait_for_replies(NUMBER, CUSTOMER, 2)
    assert [reply.reply_to for reply in replies] == [wamid, echo]
    elsewhere = await simulator.client.customer_says(NUMBER, "4915550002", "hi")
    unknown: tuple[Any, ...] = (elsewhere, "wamid.unknown", 5, None)
    for target in unknown:
        refused = await _post(simulator, "text", {"body": "x"}, context={"message_id": target})
        assert refused["code"] == 131009


async def test_messages_that_a_test_put_into_a_webhook_can_be_referred_to(simulator: Simulated) -> None:
    message = {"id": "wamid.own", "type": "text", "timestamp": str(int(datetime.now(UTC).timestamp()))}
    await simulator.client.emit("1", "messages", {"messages": [message]})
    assert isinstance(await _post(simulator, "reaction", {"message_id": "wamid.own", "emoji": "👍"}), str)


async def test_every_message_of_a_closed_window_fails_whatever_its_kind(simulator: Simulated) -> None:
    wamid = await simulator.client.customer_says(
        NUMBER, CUSTOMER, "hi", timestamp=datetime.now(UTC) - timedelta(hours=24, seconds=2)
    )
    await _post(simulator, "location", {"latitude": 1, "longitude": 2})
    await _post(simulator, "reaction", {"message_id": wamid, "emoji": "👍"})
    assert await simulator.client.settle()
    assert [sent.code for sent in await simulator.client.sent()] == [131047, 131047]
