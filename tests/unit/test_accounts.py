import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import pytest

import egress
from tests.unit.meta import APP, NUMBER, SECRET, TOKEN, WABA, accounts, meta
from tests.unit.servers import raw_server
from whatsapp.accounts import (
    Accounts,
    AppSubscription,
    Done,
    Lost,
    NotWritten,
    Refused,
    Subscription,
    SyncRequested,
    Token,
    TokenFacts,
    Waba,
)
from whatsapp.signature import appsecret_proof

CODE, PIN, VERIFY = "AQDcode/+1", "604213", "verify-me"
PROOF = appsecret_proof(TOKEN, SECRET)
SUCCESS = {"success": True}


async def test_a_code_is_exchanged_with_id_and_secret_and_without_a_token() -> None:
    async with meta({"access_token": TOKEN, "token_type": "bearer", "expires_in": 5184000}) as stage:
        assert await stage.accounts.exchange_code(CODE) == Token(TOKEN, timedelta(days=60))
    assert (stage.only.method, stage.only.path) == ("GET", "/v26.0/oauth/access_token")
    assert stage.only.query == {"client_id": APP, "client_secret": SECRET, "code": CODE}
    assert "Authorization" not in stage.only.headers


async def test_a_code_of_the_redirect_repeats_its_address_and_a_token_without_an_end_has_none() -> None:
    async with meta({"business_token": TOKEN}) as stage:
        assert await stage.accounts.exchange_code(CODE, redirect_uri="https://x.test/cb?a=1") == Token(TOKEN, None)
    assert stage.only.query["redirect_uri"] == "https://x.test/cb?a=1"


async def test_a_token_is_renewed_for_60_days() -> None:
    async with meta({"access_token": "EAABnew", "expires_in": 5184000}) as stage:
        assert await stage.accounts.renew_token(TOKEN) == Token("EAABnew", timedelta(days=60))
    assert stage.only.query == {
        "grant_type": "fb_exchange_token",
        "client_id": APP,
        "client_secret": SECRET,
        "set_token_expires_in_60_days": "true",
        "fb_exchange_token": TOKEN,
    }


async def test_a_token_is_inspected_with_the_apps_own_in_the_header() -> None:
    told = {
        "app_id": APP,
        "type": "SYSTEM_USER",
        "is_valid": True,
        "expires_at": 1795262400,
        "user_id": 7,
        "scopes": ["whatsapp_business_management", "whatsapp_business_messaging"],
        "granular_scopes": [
            {"scope": "whatsapp_business_management", "target_ids": ["1", 2]},
            {"scope": "whatsapp_business_messaging", "target_ids": ["2", "3"]},
            {"scope": "business_management"},
        ],
    }
    async with meta({"data": told}) as stage:
        facts = await stage.accounts.inspect_token(TOKEN)
    assert isinstance(facts, TokenFacts)
    assert (facts.app_id, facts.is_valid, facts.type, facts.user_id) == (APP, True, "SYSTEM_USER", "7")
    assert facts.expires_at == datetime.fromtimestamp(1795262400, UTC)
    assert facts.targets_of("whatsapp_business_management", "whatsapp_business_messaging") == ("1", "2", "3")
    assert facts.targets_of("business_management") == ()
    assert stage.only.query == {"input_token": TOKEN}
    assert stage.only.headers["Authorization"] == f"Bearer {APP}|{SECRET}"


async def test_a_dead_token_tells_why_and_one_for_ever_has_no_end() -> None:
    dead = {"is_valid": False, "error": {"code": 190, "message": "Session has expired"}, "expires_at": 0}
    async with meta({"data": dead}) as stage:
        facts = await stage.accounts.inspect_token(TOKEN)
    assert isinstance(facts, TokenFacts)
    assert (facts.is_valid, facts.error, facts.expires_at, facts.scopes) == (
        False,
        "Session has expired",
        None,
        frozenset(),
    )


async def test_calls_carry_the_token_in_the_header_and_the_proof_beside_it() -> None:
    async with meta({"id": WABA, "name": "Shop", "owner_business_info": {"id": "9", "name": "Shop Ltd"}}) as stage:
        assert await stage.accounts.waba(WABA, TOKEN) == Waba(WABA, "Shop", "9", "Shop Ltd")
    assert stage.only.path == f"/v26.0/{WABA}"
    assert stage.only.headers["Authorization"] == f"Bearer {TOKEN}"
    assert stage.only.query["appsecret_proof"] == PROOF
    assert TOKEN not in json.dumps(stage.only.query)


async def test_a_business_lists_its_clients_accounts_and_its_own_each_once() -> None:
    pages = {"data": [{"id": "1"}, {"id": "2"}]}, {"data": [{"id": "2"}, {"id": "3"}]}
    async with meta(*pages) as stage:
        found = await stage.accounts.wabas_of_business("9", TOKEN)
    assert isinstance(found, list)
    assert [one.id for one in found] == ["1", "2", "3"]
    edges = [one.path.rsplit("/", 1)[1] for one in stage.asked]
    assert edges == ["client_whatsapp_business_accounts", "owned_whatsapp_business_accounts"]


async def test_one_of_a_businesss_two_lists_may_be_refused() -> None:
    refusal = {"error": {"code": 200, "message": "no permission"}}
    async with meta(refusal, {"data": [{"id": "3"}]}) as stage:
        assert await stage.accounts.wabas_of_business("9", TOKEN) == [Waba("3")]
    async with meta(refusal) as stage:
        answer = await stage.accounts.wabas_of_business("9", TOKEN)
    assert isinstance(answer, Refused)
    assert answer.code == 200


async def test_a_list_that_did_not_come_is_no_short_list() -> None:
    async with meta({"data": [{"id": "3"}]}, b"<html>", status=200) as stage:
        assert await stage.accounts.wabas_of_business("9", TOKEN) == Lost("HTTP 200 without a list")


async def test_all_pages_of_numbers_are_read_by_cursor() -> None:
    first = {
        "data": [{"id": "1"}],
        "paging": {"cursors": {"after": "AA=="}, "next": f"https://elsewhere.test/?access_token={TOKEN}"},
    }
    async with meta(first, {"data": [{"id": "2"}], "paging": {"cursors": {"after": "BB=="}}}) as stage:
        found = await stage.accounts.numbers(WABA, TOKEN)
    assert isinstance(found, list)
    assert [one.id for one in found] == ["1", "2"]
    assert [one.query.get("after") for one in stage.asked] == [None, "AA=="]
    assert all(one.path == f"/v26.0/{WABA}/phone_numbers" for one in stage.asked)


async def test_a_list_that_never_ends_is_given_up() -> None:
    async with meta({"data": [], "paging": {"cursors": {"after": "A"}, "next": "x"}}) as stage:
        assert isinstance(await stage.accounts.numbers(WABA, TOKEN), Lost)
    assert len(stage.asked) == 50


async def test_subscriptions_name_the_apps_and_their_overrides() -> None:
    apps = [
        {"whatsapp_business_api_data": {"id": APP, "name": "Holdfast"}, "override_callback_uri": "https://x.test"},
        {"whatsapp_business_api_data": {}},
    ]
    async with meta({"data": apps}) as stage:
        assert await stage.accounts.subscriptions(WABA, TOKEN) == [Subscription(APP, "Holdfast", "https://x.test")]


async def test_our_apps_own_subscriptions_are_asked_with_its_own_token() -> None:
    told = {
        "object": "whatsapp_business_account",
        "callback_url": "https://x.test/hook",
        "active": True,
        "fields": [{"name": "messages", "version": "v26.0"}, "account_update"],
    }
    async with meta({"data": [told, {}]}) as stage:
        answer = await stage.accounts.app_subscriptions()
    fields = frozenset({"messages", "account_update"})
    assert answer == [AppSubscription("whatsapp_business_account", "https://x.test/hook", active=True, fields=fields)]
    assert stage.only.path == f"/v26.0/{APP}/subscriptions"
    assert stage.only.headers["Authorization"] == f"Bearer {APP}|{SECRET}"


Ask = Callable[[Accounts], Awaitable[Any]]


@pytest.mark.parametrize(
    ("ask", "method", "path", "body"),
    [
        (lambda it: it.subscribe(WABA, TOKEN), "POST", f"{WABA}/subscribed_apps", None),
        (lambda it: it.unsubscribe(WABA, TOKEN), "DELETE", f"{WABA}/subscribed_apps", None),
        (
            lambda it: it.subscribe_with_override(WABA, TOKEN, url="https://x.test", verify_token=VERIFY),
            "POST",
            f"{WABA}/subscribed_apps",
            {"override_callback_uri": "https://x.test", "verify_token": VERIFY},
        ),
        (
            lambda it: it.set_number_callback(NUMBER, TOKEN, "https://x.test", VERIFY),
            "POST",
            NUMBER,
            {"webhook_configuration": {"override_callback_uri": "https://x.test", "verify_token": VERIFY}},
        ),
        (
            lambda it: it.set_number_callback(NUMBER, TOKEN, "", ""),
            "POST",
            NUMBER,
            {"webhook_configuration": {"override_callback_uri": ""}},
        ),
        (
            lambda it: it.register(NUMBER, TOKEN, PIN),
            "POST",
            f"{NUMBER}/register",
            {"messaging_product": "whatsapp", "pin": PIN},
        ),
        (lambda it: it.deregister(NUMBER, TOKEN), "POST", f"{NUMBER}/deregister", None),
    ],
)
async def test_what_changes_something_is_asked_as_meta_wants_it(ask: Ask, method: str, path: str, body: Any) -> None:
    async with meta(SUCCESS) as stage:
        assert await ask(stage.accounts) == Done()
    assert (stage.only.method, stage.only.path, stage.only.body) == (method, f"/v26.0/{path}", body)


async def test_a_sync_answers_with_its_request() -> None:
    async with meta({"messaging_product": "whatsapp", "request_id": "R1"}) as stage:
        assert await stage.accounts.request_sync(NUMBER, TOKEN, "history") == SyncRequested("R1")
    assert stage.only.body == {"messaging_product": "whatsapp", "sync_type": "history"}


@pytest.mark.parametrize("body", [b"", b"[]", {}, {"success": False}])
async def test_a_success_that_does_not_say_so_leaves_open_what_was_done(body: Any) -> None:
    async with meta(body) as stage:
        assert await stage.accounts.register(NUMBER, TOKEN, PIN) == Lost("HTTP 200 without success")


@pytest.mark.parametrize(
    "ask",
    [
        lambda it: it.exchange_code(CODE),
        lambda it: it.inspect_token(TOKEN),
        lambda it: it.waba(WABA, TOKEN),
        lambda it: it.number(NUMBER, TOKEN),
        lambda it: it.subscriptions(WABA, TOKEN),
    ],
)
async def test_an_answer_that_is_not_the_one_asked_for_is_no_answer(ask: Ask) -> None:
    async with meta({"something": "else"}) as stage:
        assert isinstance(await ask(stage.accounts), Lost)


@pytest.mark.parametrize("token", ["", "EAAB\n", "EÄB"])
async def test_a_token_that_no_header_can_carry_is_refused_before_anything_is_written(token: str) -> None:
    async with meta(SUCCESS) as stage:
        for answer in (await stage.accounts.subscribe(WABA, token), await stage.accounts.renew_token(token)):
            assert isinstance(answer, Refused)
            assert (answer.http_status, answer.code) == (None, 190)
    assert not stage.asked


async def test_what_the_network_does_is_a_value() -> None:
    async def close(*_: Any) -> None:
        return

    async with egress.graph_client(max_connections=2) as client:
        assert isinstance(await accounts(client, "http://graph.invalid").exchange_code(CODE), NotWritten)
        async with raw_server(close) as base_url:
            assert isinstance(await accounts(client, base_url).exchange_code(CODE), Lost)


async def test_no_value_shows_a_secret_even_when_meta_repeats_it() -> None:
    secrets = (CODE, TOKEN, SECRET, PROOF, PIN, VERIFY)
    said = " ".join([*secrets, *(quote_plus(secret) for secret in secrets)])
    error = {"message": said, "code": 100, "error_user_title": said, "error_data": {"details": "x" * 990 + said}}
    async with meta({"error": {**error, "fbtrace_id": said}}, status=400) as stage:
        it = stage.accounts
        shown = repr(it)
        for answer in (
            await it.exchange_code(CODE),
            await it.inspect_token(TOKEN),
            await it.renew_token(TOKEN),
            await it.register(NUMBER, TOKEN, PIN),
            await it.subscribe_with_override(WABA, TOKEN, url="https://x.test", verify_token=VERIFY),
            await it.set_number_callback(NUMBER, TOKEN, "https://x.test", VERIFY),
            await it.app_subscriptions(),
        ):
            assert isinstance(answer, Refused)
            assert "[redacted]" in (answer.title or "")
        exchanged, inspected, renewed = await it.exchange_code(CODE), await it.inspect_token(TOKEN), Token(TOKEN)
        registered = await it.register(NUMBER, TOKEN, PIN)
    assert not any(secret in repr(exchanged) for secret in (CODE, quote_plus(CODE), SECRET, quote_plus(SECRET)))
    assert not any(secret in repr(inspected) + repr(renewed) for secret in (TOKEN, SECRET, quote_plus(SECRET)))
    assert not any(secret in repr(registered) for secret in (PIN, TOKEN, PROOF, SECRET))
    assert SECRET not in shown


async def test_no_reason_of_the_network_shows_a_secret() -> None:
    async def close(*_: Any) -> None:
        return

    async with egress.graph_client(max_connections=2) as client, raw_server(close) as base_url:
        shown = ""
        for url in (base_url, "http://graph.invalid"):
            it = accounts(client, url)
            shown += repr([await it.exchange_code(CODE), await it.inspect_token(TOKEN)])
            shown += repr([await it.register(NUMBER, TOKEN, PIN), await it.renew_token(TOKEN)])
    secrets = (CODE, TOKEN, SECRET, PROOF, PIN)
    assert not any(form in shown for secret in secrets for form in (secret, quote_plus(secret)))
