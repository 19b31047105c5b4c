import html
import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.simulator.stage import APP_ID, CUSTOMER, NUMBER, WABA, Simulated, Webhook

REDIRECT = "https://app.example/oauth/callback?flow=1"
ASKED = {"client_id": APP_ID, "config_id": "77", "response_type": "code", "redirect_uri": REDIRECT, "state": "s1"}
POPUP = {
    "client_id": APP_ID,
    "config_id": "77",
    "response_type": "code",
    "display": "popup",
    "cb": "f1",
    "origin": "https://app.example",
}


async def _choose(simulator: Simulated, asked: dict[str, str], **form: Any) -> httpx.Response:
    return await simulator.graph.post("/v26.0/dialog/oauth", data=asked | form)


def _redirected(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 303
    address = urlsplit(answer.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == "https://app.example/oauth/callback"
    return dict(parse_qsl(address.query))


def _posts(answer: httpx.Response) -> list[str]:
    """What the popup will post to its opener."""
    assert answer.status_code == 200, answer.text
    found = re.search(r'data-posts="([^"]*)"', answer.text)
    assert found is not None
    posts: list[str] = json.loads(html.unescape(found[1]))
    return posts


async def test_the_dialog_redirects_with_code_and_state(simulator: Simulated) -> None:
    page = await simulator.graph.get("/v26.0/dialog/oauth", params=ASKED)
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    answer = _redirected(await _choose(simulator, ASKED, ending="finish", scope=["whatsapp_business_management"]))
    assert (answer["flow"], answer["state"]) == ("1", "s1")
    exchanged = await simulator.exchange(answer["code"], redirect_uri=REDIRECT)
    token = exchanged.json()["access_token"]
    [login] = await simulator.client.logins()
    assert (await simulator.call("GET", login["phone_number_ids"][0], token=token)).status_code == 200
    [made] = [t for t in await simulator.client.tokens() if t["text"] == token]
    assert made["scopes"] == ["whatsapp_business_management"]


async def test_the_dialog_redirects_with_the_refusal(simulator: Simulated) -> None:
    answer = _redirected(await _choose(simulator, ASKED, ending="cancel"))
    assert (answer["error"], answer["error_reason"], answer["state"]) == ("access_denied", "user_denied", "s1")
    assert "code" not in answer


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "1"},
        {"config_id": ""},
        {"response_type": "token"},
        {"redirect_uri": "https://app.example/oauth/callback"},
        {"redirect_uri": "javascript:alert(1)"},
    ],
)
async def test_a_dialog_that_is_asked_for_wrongly_says_what_is_wrong(
    simulator: Simulated, wrong: dict[str, str]
) -> None:
    await simulator.client.set_app(redirect_uris=[REDIRECT])
    assert (await simulator.graph.get("/v26.0/dialog/oauth", params=ASKED)).status_code == 200
    answer = await simulator.graph.get("/v26.0/dialog/oauth", params=ASKED | wrong)
    assert answer.status_code == 400
    assert (await _choose(simulator, ASKED | wrong, ending="finish")).status_code == 400
    assert await simulator.client.logins() == []


async def test_a_preset_ending_needs_no_click_and_is_used_once(simulator: Simulated) -> None:
    await simulator.client.preset_ending("finish", phone_number_ids=[NUMBER])
    answer = await simulator.graph.get("/v26.0/dialog/oauth", params=ASKED)
    assert "code" in _redirected(answer)
    assert (await simulator.graph.get("/v26.0/dialog/oauth", params=ASKED)).status_code == 200
    [login] = await simulator.client.logins()
    assert (login["waba_id"], login["phone_number_ids"]) == (WABA, [NUMBER])


async def test_a_prepared_ending_waits_for_a_click(simulator: Simulated) -> None:
    await simulator.client.preset_ending("cancel", step="PERMISSIONS_REVIEW", auto=False)
    assert "End as prepared" in (await simulator.graph.get("/v26.0/dialog/oauth", params=POPUP)).text
    message, callback = _posts(await _choose(simulator, POPUP, ending="preset"))
    assert json.loads(message)["data"] == {"current_step": "PERMISSIONS_REVIEW"}
    assert callback == "cb=f1"


@pytest.mark.parametrize(
    ("form", "event", "keys"),
    [
        ({"ending": "finish"}, "FINISH", {"phone_number_id", "waba_id", "business_id"}),
        ({"ending": "finish", "connects": "several"}, "FINISH", {"waba_id", "business_id"}),
        ({"ending": "finish", "connects": "finish_only_waba"}, "FINISH_ONLY_WABA", {"waba_id", "business_id"}),
        (
            {"ending": "finish", "connects": "coexistence"},
            "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING",
            {"phone_number_id", "waba_id", "business_id"},
        ),
        ({"ending": "cancel"}, "CANCEL", {"current_step"}),
        ({"ending": "report"}, "CANCEL", {"error_message", "error_code", "session_id", "timestamp"}),
        ({"ending": "error"}, "ERROR", {"error_message", "error_code", "session_id", "timestamp"}),
    ],
)
async def test_each_ending_of_the_popup_has_its_message(
    simulator: Simulated, form: dict[str, str], event: str, keys: set[str]
) -> None:
    message, callback = _posts(await _choose(simulator, POPUP, **form))
    told = json.loads(message)
    assert (told["type"], told["event"], told["data"].keys()) == ("WA_EMBEDDED_SIGNUP", event, keys)
    assert ("code=" in callback) == event.startswith("FINISH")


async def test_the_last_screen_closed_is_a_success_without_a_message(simulator: Simulated) -> None:
    [callback] = _posts(await _choose(simulator, POPUP, ending="close"))
    assert (await simulator.exchange(dict(parse_qsl(callback))["code"])).status_code == 200


async def test_a_login_can_end_without_a_code(simulator: Simulated, webhook: Webhook) -> None:
    message, callback = _posts(await _choose(simulator, POPUP, ending="no_code"))
    assert (json.loads(message)["event"], callback) == ("FINISH", "cb=f1")
    await simulator.client.settle()
    assert [value["event"] for value in webhook.values] == ["PARTNER_APP_INSTALLED"]


async def test_the_callback_can_come_before_the_message(simulator: Simulated) -> None:
    callback, message = _posts(await _choose(simulator, POPUP, ending="finish", order="callback"))
    assert callback.startswith("cb=f1&code=")
    assert json.loads(message)["event"] == "FINISH"


async def test_a_number_comes_out_of_the_popup_as_it_was_wished_for(simulator: Simulated) -> None:
    await _choose(simulator, POPUP, ending="finish", connects="new", phone="+49 30 1234567", pin="111222")
    await _choose(simulator, POPUP, ending="finish", connects="coexistence")
    new, coexistent = [
        await simulator.client.number(login["phone_number_ids"][0]) for login in await simulator.client.logins()
    ]
    assert (new["display_phone_number"], new["pin"], new["registered"]) == ("49301234567", "111222", False)
    assert (coexistent["status"], coexistent["platform_type"]) == ("CONNECTED", "CLOUD_API")
    assert coexistent["is_on_biz_app"]
    assert (await _choose(simulator, POPUP, ending="finish", pin="11")).status_code == 422


async def test_what_was_asked_for_is_escaped(simulator: Simulated) -> None:
    page = await simulator.graph.get("/v26.0/dialog/oauth", params=ASKED | {"state": '"><script>alert(1)</script>'})
    assert "<script>alert" not in page.text


async def test_a_signup_reopens_an_account_that_was_taken_away(simulator: Simulated) -> None:
    await simulator.client.account_update("PARTNER_REMOVED", WABA)
    await simulator.client.preset_ending("finish", phone_number_ids=[NUMBER])
    answer = _redirected(await simulator.graph.get("/v26.0/dialog/oauth", params=ASKED))
    token = (await simulator.exchange(answer["code"], redirect_uri=REDIRECT)).json()["access_token"]
    text = {"messaging_product": "whatsapp", "to": f"+{CUSTOMER}", "text": {"body": "hello"}}
    assert (await simulator.post(text, token=token)).status_code == 200
