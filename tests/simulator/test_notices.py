import asyncio
import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.simulator.stage import APP_ID, APP_SECRET, NUMBER, WABA, Simulated, Webhook, served

PORTFOLIO = "900000000000001"


def _told(webhook: Webhook) -> list[tuple[str, str, dict[str, Any]]]:
    """Entry id, field and value of each change."""
    return [
        (entry["id"], change["field"], change["value"])
        for body in webhook.bodies
        for entry in body["entry"]
        for change in entry["changes"]
    ]


async def test_a_signup_is_announced_under_the_partners_own_portfolio(simulator: Simulated, webhook: Webhook) -> None:
    prepared = await simulator.client.prepare_number()
    await simulator.client.issue_code(prepared.waba_id)
    await simulator.client.settle()
    [(entry, field, value)] = _told(webhook)
    assert (entry, field, value["event"]) == (PORTFOLIO, "account_update", "PARTNER_APP_INSTALLED")
    assert value["waba_info"] == {
        "waba_id": prepared.waba_id,
        "owner_business_id": prepared.business_id,
        "partner_app_id": APP_ID,
    }
    assert isinstance(webhook.bodies[0]["entry"][0]["time"], int)


async def test_a_removed_partner_no_longer_sees_the_waba(simulator: Simulated, webhook: Webhook) -> None:
    reason = {"reason": "PRIMARY_INACTIVITY", "initiated_by": "SYSTEM"}
    assert await simulator.client.account_update("PARTNER_REMOVED", WABA, disconnection_info=reason)
    answer = await simulator.call("GET", NUMBER)
    assert answer.json()["error"]["error_subcode"] == 33
    await simulator.client.settle()
    [(entry, _, value)] = _told(webhook)
    assert (entry, value["disconnection_info"], value["waba_info"]["waba_id"]) == (PORTFOLIO, reason, WABA)


async def test_a_number_is_offboarded_reconnected_and_banned(simulator: Simulated, webhook: Webhook) -> None:
    async def status() -> str:
        return str((await simulator.client.number(NUMBER))["status"])

    await simulator.client.account_update("ACCOUNT_OFFBOARDED", WABA)
    assert await status() == "DISCONNECTED"
    assert (await simulator.send()).json()["error"]["code"] == 133010
    await simulator.client.account_update("ACCOUNT_RECONNECTED", WABA)
    assert await status() == "CONNECTED"
    ban = {"waba_ban_state": "DISABLE", "waba_ban_date": "November 21, 2026"}
    await simulator.client.account_update("DISABLED_UPDATE", WABA, ban_info=ban)
    assert await status() == "BANNED"
    assert (await simulator.send()).json()["error"]["code"] == 131031
    restriction = [{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1641330498}]
    await simulator.client.account_update("ACCOUNT_RESTRICTION", WABA, restriction_info=restriction)
    await simulator.client.settle()
    events = [value["event"] for _, _, value in _told(webhook)]
    assert sorted(events) == ["ACCOUNT_OFFBOARDED", "ACCOUNT_RECONNECTED", "ACCOUNT_RESTRICTION", "DISABLED_UPDATE"]
    assert {entry for entry, _, _ in _told(webhook)} == {WABA}


async def test_throughput_name_and_limit_change_with_their_webhooks(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.quality_update(NUMBER, limit="TIER_2K")
    await simulator.client.name_update(NUMBER, "APPROVED", name="Better Name")
    await simulator.client.capability_update(WABA, "TIER_10K", most_numbers=20)
    await simulator.client.settle()
    told = {field: value for _, field, value in _told(webhook)}
    assert told["phone_number_quality_update"]["event"] == "THROUGHPUT_UPGRADE"
    assert told["phone_number_name_update"]["requested_verified_name"] == "Better Name"
    assert told["business_capability_update"]["max_daily_conversations_per_business"] == "TIER_10K"
    number = await simulator.client.number(NUMBER)
    assert (number["throughput_level"], number["verified_name"]) == ("HIGH", "Better Name")
    assert number["messaging_limit"] == "TIER_10K"
    assert simulator.world.numbers[NUMBER].per_second == 1000
    await simulator.client.set_number(NUMBER, throughput_level="STANDARD")
    assert simulator.world.numbers[NUMBER].per_second == 80


async def test_what_the_app_has_not_subscribed_to_is_not_sent(simulator: Simulated, webhook: Webhook) -> None:
    assert not await simulator.client.account_update("ACCOUNT_VIOLATION", await simulator.client.add_waba())
    await simulator.client.set_app(fields=["messages"])
    assert not await simulator.client.account_update("ACCOUNT_VIOLATION", WABA)
    assert not await simulator.client.account_update("PARTNER_REMOVED", WABA)
    await simulator.client.settle()
    assert webhook.bodies == []


async def test_a_signed_request_is_posted_to_a_callback(simulator: Simulated) -> None:
    received: asyncio.Queue[str] = asyncio.Queue()

    async def callback(request: Request) -> Response:
        received.put_nowait(parse_qs((await request.body()).decode())["signed_request"][0])
        return JSONResponse({"url": "https://app.example/deletion/1", "confirmation_code": "1"})

    async with served(Starlette(routes=[Route("/delete", callback, methods=["POST"])])) as url:
        answer = await simulator.client.signed_request(f"{url}/delete", "7000001")
        await simulator.client.signed_request(f"{url}/delete", "7000001", signature="wrong")
    assert answer.status == 200
    assert json.loads(answer.body)["confirmation_code"] == "1"
    assert (await simulator.client.signed_request(f"{url}/delete", "7000001")).status is None
    right, wrong = received.get_nowait(), received.get_nowait()
    assert _is_signed(right)
    assert not _is_signed(wrong)
    payload = json.loads(base64.urlsafe_b64decode(right.split(".")[1] + "=="))
    assert (payload["user_id"], payload["algorithm"]) == ("7000001", "HMAC-SHA256")


def _is_signed(signed_request: str) -> bool:
    signature, payload = signed_request.split(".")
    expected = hmac.new(APP_SECRET.encode(), payload.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64decode(signature + "=") == expected
