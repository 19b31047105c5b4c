import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from simulator.client import SimulatorClient
from tests.simulator.stage import APP_SECRET, CUSTOMER, NUMBER, TOKEN, WABA, Simulated, Webhook

WINDOW = timedelta(hours=24)


async def test_a_text_is_accepted_with_wamid_and_contact(simulator: Simulated) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    answer = await simulator.send()
    assert answer.status_code == 200
    body = answer.json()
    assert body["contacts"] == [{"input": f"+{CUSTOMER}", "wa_id": CUSTOMER}]
    assert body["messages"][0]["id"].startswith("wamid.")
    assert [reply.text for reply in await simulator.client.wait_for_replies(NUMBER, CUSTOMER)] == ["hello"]


async def test_a_bsuid_is_answered_without_a_phone_number(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.customer_says(NUMBER, "US.13491208655302741918", "hi")
    answer = await simulator.send(to=None, recipient="US.13491208655302741918")
    contact = {"input": "US.13491208655302741918", "user_id": "US.13491208655302741918"}
    assert answer.json()["contacts"] == [contact]
    assert await simulator.client.settle()
    assert "from" not in webhook.messages[0]
    assert webhook.messages[0]["from_user_id"] == "US.13491208655302741918"
    assert all("recipient_id" not in status for status in webhook.statuses)
    assert "wa_id" not in webhook.values[0]["contacts"][0]


async def test_a_recipient_without_plus_gets_the_business_own_country_code(simulator: Simulated) -> None:
    await simulator.send(to="4915550001")
    account = await simulator.client.account(lists=True)
    assert account["without_plus"] == 1
    assert account["accepted_messages"][0]["customer"] == "14915550001"


@pytest.mark.parametrize(
    ("token", "number", "code", "subcode"),
    [("wrong", NUMBER, 190, 463), (TOKEN, "999", 100, 33), ("other", NUMBER, 100, 33)],
)
async def test_a_dead_token_and_an_invisible_number_are_told_apart(
    simulator: Simulated, token: str, number: str, code: int, subcode: int
) -> None:
    await simulator.client.add_number("888", "777", display_phone_number="4930555", token="other")
    answer = await simulator.post({}, token=token, number=number)
    error = answer.json()["error"]
    assert (error["code"], error["error_subcode"]) == (code, subcode)
    assert error["fbtrace_id"]


async def test_a_number_loses_its_token_and_its_asset_at_any_moment(simulator: Simulated) -> None:
    await simulator.client.change_number(NUMBER, revoked=True)
    assert (await simulator.send()).json()["error"]["code"] == 190
    await simulator.client.change_number(NUMBER, revoked=False, removed=True)
    assert (await simulator.send()).json()["error"]["error_subcode"] == 33
    await simulator.client.change_number(NUMBER, removed=False, token="renewed")
    assert (await simulator.send()).status_code == 401


async def test_the_app_secret_proof_is_checked(simulator: Simulated, strict: Simulated) -> None:
    proof = hmac.new(APP_SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
    text = {"messaging_product": "whatsapp", "to": f"+{CUSTOMER}", "text": {"body": "hello"}}
    wrong = await simulator.post(text, appsecret_proof="0" * 64)
    assert wrong.json()["error"]["message"].startswith("Invalid appsecret_proof")
    assert (await strict.post(text)).json()["error"]["code"] == 100
    assert (await strict.post(text, appsecret_proof=proof)).status_code == 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"messaging_product": "sms"}, 100),
        ({"to": None}, 100),
        ({"text": {"body": "x" * 4097}}, 100),
        ({"text": {}}, 131008),
        ({"type": "image"}, 131008),
        ({"type": "poll"}, 131051),
        ({"biz_opaque_callback_data": "x" * 513}, 100),
        ({"context": {"message_id": 5}}, 131009),
        ({"category": "utility"}, 100),
        ({"recipient": "US.404", "to": None}, 131026),
        ({"to": "+15550783881"}, 131021),
    ],
)
async def test_a_message_of_the_wrong_shape_is_refused_in_metas_words(
    simulator: Simulated, change: dict[str, object], code: int
) -> None:
    answer = await simulator.send(**change)  # type: ignore[arg-type]
    assert answer.json()["error"]["code"] == code
    account = await simulator.client.account(NUMBER)
    assert (account["accepted"], account["refused"]) == (0, {str(code): 1})


@pytest.mark.parametrize("payload", [b"no json", b"[]"])
async def test_a_body_that_is_no_object_is_refused(simulator: Simulated, payload: bytes) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = await simulator.graph.post(f"/v26.0/{NUMBER}/messages", content=payload, headers=headers)
    assert answer.json()["error"]["code"] == 100


async def test_a_path_without_a_version_is_no_path(simulator: Simulated) -> None:
    answer = await simulator.graph.post(f"/latest/{NUMBER}/messages", json={})
    assert answer.json()["error"]["code"] == 2500


async def test_a_read_receipt_with_typing_is_counted(simulator: Simulated) -> None:
    wamid = await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    assert (await simulator.post(read)).json() == {"success": True}
    await simulator.post(read | {"typing_indicator": {"type": "text"}})
    assert (await simulator.post(read | {"message_id": ""})).json()["error"]["code"] == 131008
    account = await simulator.client.account()
    assert (account["reads"], account["typing"], account["accepted"]) == (2, 1, 0)


@pytest.mark.parametrize(("age", "code"), [(-2, None), (2, 131047)])
async def test_the_window_closes_24_hours_after_the_customers_own_timestamp(
    simulator: Simulated, webhook: Webhook, age: int, code: int | None
) -> None:
    written = datetime.now(UTC) - WINDOW - timedelta(seconds=age)
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi", timestamp=written)
    assert (await simulator.send(biz_opaque_callback_data="m1.1")).status_code == 200
    await simulator.client.settle()
    account = await simulator.client.account(lists=True)
    assert account["accepted_messages"][0]["code"] == code
    log = await simulator.client.conversation(NUMBER, CUSTOMER)
    assert len(log["replies"]) == (1 if code is None else 0)
    if code is not None:
        failed = webhook.statuses[0]
        assert (failed["status"], failed["errors"][0]["code"]) == ("failed", 131047)
        assert "biz_opaque_callback_data" not in failed


async def test_the_clock_that_was_moved_closes_a_window(simulator: Simulated) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    moved = await simulator.client.move_clock(timedelta(hours=25))
    assert moved - datetime.now(UTC) > timedelta(hours=24, minutes=59)
    await simulator.send()
    await simulator.send(type="template", template={"name": "hello_world", "language": {"code": "en"}})
    account = await simulator.client.account()
    assert (account["failed"], account["delivered"]) == (1, 1)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "reaction", "content": {"message_id": "wamid.1", "emoji": "x"}},
        {"text": "hi", "group_id": "group-1"},
    ],
)
async def test_reactions_and_group_messages_open_no_window(simulator: Simulated, message: dict[str, object]) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, **message)  # type: ignore[arg-type]
    await simulator.send()
    account = await simulator.client.account()
    assert (account["failed"], account["unanswered"]) == (1, 0)


async def test_throughput_counts_what_came_in_and_what_went_out(simulator: Simulated) -> None:
    await simulator.client.change_number(NUMBER, throughput=5, throughput_burst=1, pair_limit=False)
    for _ in range(3):
        await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    answers = [await simulator.send() for _ in range(5)]
    codes = [answer.json().get("error", {}).get("code") for answer in answers]
    assert codes == [None, None, None, 130429, 130429]
    await simulator.client.move_clock(timedelta(seconds=1.1))
    assert (await simulator.send()).status_code == 200
    assert (await simulator.client.account())["peak_per_second"] == {NUMBER: 6}


async def test_a_pair_has_a_burst_of_45_and_then_one_in_6_seconds(simulator: Simulated) -> None:
    await simulator.client.change_number(NUMBER, throughput=0)
    answers = [await simulator.send() for _ in range(46)]
    assert [answer.status_code for answer in answers[:45]] == [200] * 45
    assert answers[45].json()["error"]["code"] == 131056
    assert (await simulator.send(to="+16505559999")).status_code == 200
    await simulator.client.move_clock(timedelta(seconds=6))
    assert [(await simulator.send()).status_code for _ in range(2)] == [200, 400]


async def test_the_simulator_refuses_an_order_it_does_not_know(simulator: Simulated) -> None:
    with pytest.raises(httpx.HTTPStatusError):
        await simulator.client.change_number(NUMBER, anser_delay=1)
    with pytest.raises(httpx.HTTPStatusError):
        await simulator.client.customer_says("404", CUSTOMER, "hi")


async def test_waiting_for_a_reply_names_how_many_came(simulator: Simulated) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.send()
    second = await simulator.client.customer_says(NUMBER, CUSTOMER, "and?")
    with pytest.raises(TimeoutError, match="0 of 1"):
        await simulator.client.wait_for_reply(NUMBER, CUSTOMER, after=second, timeout=timedelta(milliseconds=30))
    await simulator.send("this")
    assert (await simulator.client.wait_for_reply(NUMBER, CUSTOMER, after=second)).text == "this"


async def test_the_page_lists_conversations_and_writes_as_a_customer(simulator: Simulated, webhook: Webhook) -> None:
    form = {"number": NUMBER, "wa_id": "+49155512345", "text": "<b>good day</b>"}
    assert (await simulator.graph.post("/say", data=form)).status_code == 303
    page = (await simulator.graph.get("/")).text
    assert "49155512345" in page
    assert "&lt;b&gt;good day&lt;/b&gt;" in page
    await simulator.client.settle()
    assert webhook.messages[0]["text"]["body"] == "<b>good day</b>"
    assert webhook.bodies[0]["entry"][0]["id"] == WABA


async def test_a_client_without_a_simulator_says_so() -> None:
    async with SimulatorClient("http://127.0.0.1:9") as client:
        with pytest.raises(httpx.TransportError):
            await client.account()
