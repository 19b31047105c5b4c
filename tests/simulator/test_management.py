import json
from typing import Any

import httpx
import pytest

from tests.simulator.stage import APP_ID, APP_TOKEN, CUSTOMER, NUMBER, TOKEN, WABA, Simulated, Webhook

BUSINESS = "business_management"
BOTH = ["whatsapp_business_management", "whatsapp_business_messaging"]


def _error(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    return error["code"], error["message"]


async def _get(simulator: Simulated, path: str, *, token: str = TOKEN, **params: Any) -> Any:
    answer = await simulator.call("GET", path, token=token, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_number_answers_the_fields_asked_for(simulator: Simulated) -> None:
    await simulator.client.set_number(NUMBER, pin="123456", status="RESTRICTED", quality_rating="RED")
    fields = "status,quality_rating,is_pin_enabled,throughput{level},is_on_biz_app,platform_type"
    number = await _get(simulator, NUMBER, fields=fields)
    assert number.pop("id") == NUMBER
    assert number == {
        "status": "RESTRICTED",
        "quality_rating": "RED",
        "is_pin_enabled": True,
        "throughput": {"level": "STANDARD"},
        "is_on_biz_app": False,
        "platform_type": "CLOUD_API",
    }
    answer = await simulator.call("GET", NUMBER, params={"fields": "status,unified_cert_status"})
    assert _error(answer)[0] == 100
    assert "unified_cert_status" in _error(answer)[1]


async def test_health_is_as_bad_as_its_worst_entity(simulator: Simulated) -> None:
    fine = (await _get(simulator, NUMBER, fields="health_status"))["health_status"]
    assert fine["can_send_message"] == "AVAILABLE"
    payment = {"error_code": 141006, "error_description": "payment", "possible_solution": "add a card"}
    await simulator.client.add_waba(WABA, health={"can_send_message": "BLOCKED", "errors": [payment]})
    sick = (await _get(simulator, NUMBER, fields="health_status"))["health_status"]
    assert sick["can_send_message"] == "BLOCKED"
    assert {entity["entity_type"]: entity["can_send_message"] for entity in sick["entities"]} == {
        "PHONE_NUMBER": "AVAILABLE",
        "WABA": "BLOCKED",
        "BUSINESS": "AVAILABLE",
        "APP": "AVAILABLE",
    }
    assert sick["entities"][1]["errors"] == [payment]


async def test_numbers_of_a_waba_are_paged_by_cursors_newest_first(simulator: Simulated) -> None:
    made = [(await simulator.client.prepare_number(waba_id=WABA)).phone_number_id for _ in range(3)]
    newest_first = [*reversed(made), NUMBER]
    first = await _get(simulator, f"{WABA}/phone_numbers", limit=3)
    assert "next" in first["paging"]
    second = await _get(simulator, f"{WABA}/phone_numbers", limit=3, after=first["paging"]["cursors"]["after"])
    assert [row["id"] for row in first["data"] + second["data"]] == newest_first
    assert "next" not in second["paging"]
    oldest = await _get(simulator, f"{WABA}/phone_numbers", sort="['last_onboarded_time_ascending']")
    assert [row["id"] for row in oldest["data"]] == newest_first[::-1]
    assert first["data"][0].keys() == {"id", "display_phone_number", "verified_name", "quality_rating"}


async def test_account_lists_need_business_management(simulator: Simulated) -> None:
    own, foreign = await simulator.client.add_business(), await simulator.client.add_business()
    waba = await simulator.client.add_waba(business_id=own)
    hidden = await simulator.client.add_waba(business_id=own, shared=False)
    token = await simulator.token_of(waba, names_targets=False)
    answer = await simulator.call("GET", f"{own}/owned_whatsapp_business_accounts", token=token)
    assert _error(answer)[0] == 200
    token = await simulator.token_of(waba, names_targets=False, scopes=[*BOTH, BUSINESS])
    owned = await _get(simulator, f"{own}/owned_whatsapp_business_accounts", token=token)
    assert [row["id"] for row in owned["data"]] == [waba]
    portfolio = "900000000000001"
    clients = await _get(simulator, f"{portfolio}/client_whatsapp_business_accounts", token=token)
    assert [row["id"] for row in clients["data"]] == [waba]
    for path in (f"{foreign}/owned_whatsapp_business_accounts", hidden):
        answer = await simulator.call("GET", path, token=token)
        assert answer.json()["error"]["error_subcode"] == 33


async def test_an_override_comes_only_after_the_subscription(simulator: Simulated, webhook: Webhook) -> None:
    prepared = await simulator.client.prepare_number()
    token = await simulator.token_of(prepared.waba_id)
    path, number = f"{prepared.waba_id}/subscribed_apps", prepared.phone_number_id
    override = {"override_callback_uri": webhook.url + "?tenant=1", "verify_token": "verify-me"}
    for refused in (path, number):
        body = override if refused == path else {"webhook_configuration": override}
        code, message = _error(await simulator.call("POST", refused, token=token, json=body))
        assert code == 100
        assert "Before override the current callback uri, your app must be subscribed" in message
    assert (await _get(simulator, path, token=token))["data"] == []
    assert (await simulator.call("POST", path, token=token)).json() == {"success": True}
    assert (await simulator.call("POST", path, token=token, json=override)).status_code == 200
    [row] = (await _get(simulator, path, token=token))["data"]
    assert row["whatsapp_business_api_data"]["id"] == APP_ID
    assert row["override_callback_uri"] == override["override_callback_uri"]
    await simulator.call("POST", path, token=token)
    [row] = (await _get(simulator, path, token=token))["data"]
    assert "override_callback_uri" not in row
    assert (await simulator.call("DELETE", path, token=token)).status_code == 200
    assert (await _get(simulator, path, token=token))["data"] == []


@pytest.mark.parametrize("wrong", [{"verify_token": "wrong"}, {"override_callback_uri": "http://127.0.0.1:9/none"}])
async def test_an_override_that_does_not_prove_itself_is_refused(
    simulator: Simulated, webhook: Webhook, wrong: dict[str, str]
) -> None:
    override = {"override_callback_uri": webhook.url, "verify_token": "verify-me"} | wrong
    answer = await simulator.call("POST", NUMBER, json={"webhook_configuration": override})
    assert _error(answer)[0] == 2200
    assert (await simulator.client.number(NUMBER))["override_callback_uri"] is None


async def test_webhooks_follow_the_numbers_override_then_the_wabas_then_the_apps(
    simulator: Simulated, webhook: Webhook
) -> None:
    other = await simulator.client.prepare_number(waba_id=WABA)
    override = {"override_callback_uri": webhook.url, "verify_token": "verify-me"}
    await simulator.call("POST", f"{WABA}/subscribed_apps", json=override)
    await simulator.call("POST", NUMBER, json={"webhook_configuration": override})
    await simulator.client.set_webhook("http://127.0.0.1:9/nobody")
    for number in (NUMBER, other.phone_number_id):
        await simulator.client.customer_says(number, CUSTOMER, "hi")
    assert await simulator.client.settle()
    assert len(webhook.messages) == 2
    fields = (await _get(simulator, NUMBER, fields="webhook_configuration"))["webhook_configuration"]
    assert fields == {
        "phone_number": webhook.url,
        "whatsapp_business_account": webhook.url,
        "application": "http://127.0.0.1:9/nobody",
    }
    gone = {"webhook_configuration": {"override_callback_uri": "", "verify_token": ""}}
    await simulator.call("POST", NUMBER, json=gone)
    assert (await simulator.client.number(NUMBER))["override_callback_uri"] is None


async def test_nobody_hears_of_a_waba_that_is_not_subscribed(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.call("DELETE", f"{WABA}/subscribed_apps")
    await simulator.client.customer_says(NUMBER, CUSTOMER, "unheard")
    await simulator.call("POST", f"{WABA}/subscribed_apps")
    await simulator.client.customer_says(NUMBER, CUSTOMER, "heard")
    await simulator.client.settle()
    assert [message["text"]["body"] for message in webhook.messages] == ["heard"]


async def test_the_app_sees_its_own_subscription(simulator: Simulated, webhook: Webhook) -> None:
    [row] = (await _get(simulator, f"{APP_ID}/subscriptions", token=APP_TOKEN))["data"]
    assert (row["object"], row["callback_url"], row["active"]) == ("whatsapp_business_account", webhook.url, True)
    assert {"messages", "account_update", "history"} <= {field["name"] for field in row["fields"]}
    await simulator.client.set_app(active=False, fields=["account_update"])
    [row] = (await _get(simulator, f"{APP_ID}/subscriptions", token=APP_TOKEN))["data"]
    assert (row["active"], [field["name"] for field in row["fields"]]) == (False, ["account_update"])
    await simulator.client.customer_says(NUMBER, CUSTOMER, "unheard")
    await simulator.client.settle()
    assert webhook.messages == []
    assert _error(await simulator.call("GET", f"{APP_ID}/subscriptions"))[0] == 190


@pytest.mark.parametrize(
    ("call", "method", "path"),
    [
        ("waba", "GET", WABA),
        ("phone_numbers", "GET", f"{WABA}/phone_numbers"),
        ("number", "GET", NUMBER),
        ("change_number", "POST", NUMBER),
        ("register", "POST", f"{NUMBER}/register"),
        ("deregister", "POST", f"{NUMBER}/deregister"),
        ("sync", "POST", f"{NUMBER}/smb_app_data"),
        ("subscribed_apps", "GET", f"{WABA}/subscribed_apps"),
        ("subscribe", "POST", f"{WABA}/subscribed_apps"),
        ("unsubscribe", "DELETE", f"{WABA}/subscribed_apps"),
    ],
)
async def test_each_call_can_be_refused_by_name(simulator: Simulated, call: str, method: str, path: str) -> None:
    await simulator.client.add_fault("refuse", call=call, code=2, count=1)
    assert _error(await simulator.call(method, path))[0] == 2
    [seen] = await simulator.client.calls(call, path.split("/", maxsplit=1)[0])
    assert (seen.outcome, seen.code) == ("refused", 2)


async def test_a_throttle_says_in_a_header_when_to_come_back(simulator: Simulated) -> None:
    answer = await simulator.call("GET", WABA)
    assert json.loads(answer.headers["x-app-usage"])["call_count"] == 1
    await simulator.client.add_fault("refuse", call="waba", code=80007, seconds=300)
    answer = await simulator.call("GET", WABA)
    [usage] = json.loads(answer.headers["x-business-use-case-usage"])[WABA]
    assert (usage["type"], usage["estimated_time_to_regain_access"]) == ("whatsapp", 5)


async def test_the_calls_about_everything_of_an_account_count_together(simulator: Simulated) -> None:
    template = await simulator.client.add_template(WABA, "news", "en", [{"type": "BODY", "text": "Hello"}])
    profile = f"{NUMBER}/whatsapp_business_profile"
    answers = [await simulator.call("GET", path) for path in [WABA, NUMBER, template["id"], profile] * 13]
    header = json.loads(answers[-1].headers["x-business-use-case-usage"])
    assert [usage["call_count"] for usage in header[WABA]] == [2]  # 52 of 5,000 an hour: 1.04 %


async def test_management_calls_want_the_proof_too(strict: Simulated) -> None:
    assert _error(await strict.call("GET", WABA)) == (
        100,
        "API calls from the server require an appsecret_proof argument",
    )
    answer = await strict.call("GET", WABA, params={"appsecret_proof": "0" * 64})
    assert _error(answer)[1].startswith("Invalid appsecret_proof")


async def test_a_token_in_the_query_is_noted(simulator: Simulated) -> None:
    await simulator.graph.get(f"/v26.0/{WABA}", params={"access_token": TOKEN})
    await simulator.call("GET", WABA)
    assert [call.token_in_query for call in await simulator.client.calls("waba")] == [True, False]


async def test_a_sync_is_asked_for_once_within_a_day_and_sends_the_past(simulator: Simulated, webhook: Webhook) -> None:
    coexists: dict[str, Any] = {
        "registered": True,
        "status": "CONNECTED",
        "platform_type": "CLOUD_API",
        "is_on_biz_app": True,
    }
    prepared = await simulator.client.prepare_number(waba_id=WABA, **coexists)
    path = f"{prepared.phone_number_id}/smb_app_data"
    contacts, history = (
        {"messaging_product": "whatsapp", "sync_type": kind} for kind in ("smb_app_state_sync", "history")
    )
    assert "request_id" in (await simulator.call("POST", path, json=contacts)).json()
    assert _error(await simulator.call("POST", path, json=contacts))[0] == 2593107
    await simulator.call("POST", path, json=history)
    await simulator.client.settle()
    fields = [change["field"] for body in webhook.bodies for entry in body["entry"] for change in entry["changes"]]
    assert sorted(fields) == ["history"] * 3 + ["smb_app_state_sync"]
    late = await simulator.client.prepare_number(waba_id=WABA, onboarded_at=1.0, **coexists)
    answer = await simulator.call("POST", f"{late.phone_number_id}/smb_app_data", json=history)
    assert _error(answer)[0] == 2593108
    assert _error(await simulator.call("POST", f"{NUMBER}/smb_app_data", json=history))[0] == 100


async def test_a_business_that_declined_its_history_sends_an_error_instead(
    simulator: Simulated, webhook: Webhook
) -> None:
    await simulator.client.set_number(NUMBER, history_shared=False)
    assert await simulator.client.send_past(NUMBER, "history")
    await simulator.client.settle()
    assert webhook.values[0]["history"][0]["errors"][0]["code"] == 2593109
