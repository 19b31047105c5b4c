"""A check over real HTTP: each thing that can be wrong is found, told once, repaired or cleared."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from store.engine import Database
from tests.activities.checked import CALLBACK, DAY, CheckHouse, check_house
from tests.rows import RING, change, conversation, queued, row
from tests.simulator.stage import APP_ID, Webhook, served
from whatsapp.accounts import Accounts, Done
from whatsapp.signup import COEXISTENCE_FIELDS, REQUIRED_FIELDS

Break = Callable[[CheckHouse], Awaitable[Any]]


async def test_a_number_that_is_as_it_should_be_has_nothing_to_tell(database: Database) -> None:
    async with check_house(database) as house:
        checked = await house.check()
        integration = await house.integration()
    assert (checked.state, checked.found, checked.repaired) == ("live", [], [])
    assert checked.says == "Everything is as it should be."
    assert await house.findings() == []
    assert await house.told() == []
    assert integration.checked_at is not None
    assert (integration.number_status, integration.quality, integration.throughput) == (
        "CONNECTED",
        "GREEN",
        "STANDARD",
    )
    assert integration.messaging_limit == "TIER_250"
    assert integration.access_token_scopes == ["whatsapp_business_management", "whatsapp_business_messaging"]
    assert house.interval == DAY


async def test_a_limit_that_a_check_reads_releases_templates_that_wait_for_room(database: Database) -> None:
    async with check_house(database) as house:
        conversation_id = await conversation(database, house.number, opened=None)
        waits = await queued(database, house.number, conversation_id, type="template", hold="portfolio")
        await house.check()
    assert (await row(database, "messages", waits)).hold is None


def _number(**standing: Any) -> Break:
    return lambda house: house.meta.client.set_number(house.number.phone_number_id, **standing)


def _app(**app: Any) -> Break:
    return lambda house: house.meta.client.set_app(**app)


def _waba(**waba: Any) -> Break:
    return lambda house: house.meta.client.add_waba(house.number.waba_id, **waba)


def _tokens(**token: Any) -> Break:
    return lambda house: house.meta.client.change_tokens(phone_number_id=house.number.phone_number_id, **token)


def _webhook(url: str) -> Break:
    return lambda house: house.meta.client.set_webhook(url)


_FIELDS = [*REQUIRED_FIELDS, *COEXISTENCE_FIELDS]
_SCOPE = "whatsapp_business_messaging"
_PAYMENT = {"error_code": 141006, "error_description": "Payment problem", "possible_solution": "Pay."}
_WRONG: list[tuple[str, str, Break, Break, str]] = [
    ("token_invalid", "error", _tokens(revoked=460), _tokens(revoked=0), "held"),
    ("token_of_another_app", "error", _tokens(app_id="7"), _tokens(app_id=APP_ID), "held"),
    ("scopes_missing", "error", _tokens(remove_scopes=[_SCOPE]), _tokens(add_scopes=[_SCOPE]), "held"),
    ("access_lost", "error", _waba(shared=False), _waba(shared=True), "held"),
    ("app_not_subscribed", "error", _app(fields=[]), _app(fields=_FIELDS), "live"),
    ("app_fields_missing", "error", _app(fields=["account_update"]), _app(fields=_FIELDS), "live"),
    ("app_subscription_inactive", "error", _app(active=False), _app(active=True), "live"),
    ("app_callback_differs", "error", _webhook("https://elsewhere.example/x"), _webhook(CALLBACK), "live"),
    ("number_not_connected", "error", _number(status="UNVERIFIED", code_verification_status="EXPIRED"),
     _number(status="CONNECTED"), "live"),
    ("number_not_connected", "error", _number(status="BANNED", code_verification_status="EXPIRED"),
     _number(status="CONNECTED"), "stopped"),
    ("number_limited", "warning", _number(status="FLAGGED", code_verification_status="EXPIRED"),
     _number(status="CONNECTED"), "live"),
    ("number_not_registered", "error", _number(platform_type="NOT_APPLICABLE"), _number(platform_type="CLOUD_API"),
     "stopped"),
    ("name_not_approved", "warning", _number(name_status="DECLINED"), _number(name_status="APPROVED"), "live"),
    ("quality_low", "notice", _number(quality_rating="YELLOW"), _number(quality_rating="GREEN"), "live"),
    ("health_141006", "error", _waba(health={"can_send_message": "BLOCKED", "errors": [_PAYMENT]}),
     _waba(health={"can_send_message": "AVAILABLE"}), "live"),
    ("health_waba", "warning", _waba(health={"can_send_message": "LIMITED"}),
     _waba(health={"can_send_message": "AVAILABLE"}), "live"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "severity", "wrong", "right", "state"), _WRONG, ids=lambda given: str(given)[:30])
async def test_what_is_wrong_is_told_once_and_cleared_when_it_is_gone(
    database: Database, code: str, severity: str, wrong: Break, right: Break, state: str
) -> None:
    async with check_house(database) as house:
        await wrong(house)
        first, second = await house.check(), await house.check()
        assert first.found == second.found == [code]
        (finding,) = await house.findings()
        assert (finding.code, finding.severity, finding.cleared_at) == (code, severity, None)
        assert finding.last_seen_at > finding.first_seen_at
        assert finding.says
        assert finding.next_step
        assert (await house.integration()).state == first.state == state
        assert house.interval == (DAY if state == "live" else timedelta(minutes=15))
        (told,) = await house.told("finding.opened")
        assert (told.data["code"], told.data["finding_id"]) == (code, str(finding.id))
        await right(house)
        assert (await house.check()).cleared == [code]
        assert await house.findings(open_only=True) == []
        assert (await house.integration()).state == "live"
        assert house.interval == DAY
        types = [event.type for event in await house.told()]
    held = [] if state == "live" else [f"integration.{state}", "integration.live"]
    assert types == ["finding.opened", *held[:1], "finding.cleared", *held[1:]]


async def test_a_worse_finding_is_told_again_and_a_better_one_is_not(database: Database) -> None:
    async with check_house(database) as house:
        for quality in ("YELLOW", "RED", "RED", "YELLOW"):
            await house.meta.client.set_number(house.number.phone_number_id, quality_rating=quality)
            await house.check()
        assert [event.data["severity"] for event in await house.told()] == ["notice", "warning"]
        (finding,) = await house.findings()
    assert finding.severity == "notice"


async def test_a_lost_subscription_is_made_again_and_told_as_repaired(database: Database) -> None:
    async with check_house(database) as house:
        await house.meta.client.add_waba(house.number.waba_id, subscribed=False)
        checked = await house.check()
        (waba,) = [one for one in await house.meta.client.wabas() if one["waba_id"] == house.number.waba_id]
        (finding,) = await house.findings("subscription_missing")
        assert (await house.check()).repaired == []
        assert await house.meta.client.count("subscribe") == 1
        (told,) = await house.told()
    assert (checked.repaired, checked.found, checked.state) == (["subscription_missing"], [], "live")
    assert APP_ID in waba["subscribed"]
    assert finding.repaired_at == finding.cleared_at is not None
    assert (told.type, told.data["repaired"]) == ("finding.opened", True)


async def test_a_subscription_that_cannot_be_made_stays_open_with_metas_words(database: Database) -> None:
    async with check_house(database) as house:
        await house.meta.client.add_waba(house.number.waba_id, subscribed=False)
        await house.meta.client.add_fault("refuse", call="subscribe", code=100, details="no")
        assert (await house.check()).found == ["subscription_missing"]
        (finding,) = await house.findings(open_only=True)
        assert finding.meta_detail.startswith("100: ")
        await house.meta.client.end_faults()
        assert (await house.check()).repaired == ["subscription_missing"]
        (finding,) = await house.findings()
        assert [event.type for event in await house.told()] == ["finding.opened", "finding.cleared"]
    assert finding.repaired_at is not None


async def test_an_override_that_meta_lost_is_set_again(database: Database) -> None:
    webhook = Webhook()
    app = Starlette(routes=[Route("/hook", webhook.get, methods=["GET"])])
    async with served(app) as url, check_house(database, override_url=f"{url}/hook") as house:
        sealed = RING.seal(
            "verify-me", table="integrations", column="verify_token_sealed", row=house.number.integration_id
        )
        await change(database, "UPDATE integrations SET verify_token_sealed = :sealed", sealed=sealed)
        assert (await house.check()).repaired == ["callback_override_lost"]
        there = await house.meta.client.number(house.number.phone_number_id)
        assert there["override_callback_uri"] == f"{url}/hook"
        assert (await house.check()).repaired == []


async def test_an_override_that_meta_does_not_take_stays_open(database: Database) -> None:
    async with check_house(database, override_url="http://127.0.0.1:1/hook") as house:
        assert (await house.check()).found == ["callback_override_lost"]
        (finding,) = await house.findings(open_only=True)
    assert "Callback verification failed" in finding.meta_detail


async def test_webhooks_that_go_elsewhere_by_an_override_are_found(database: Database) -> None:
    app = Starlette(routes=[Route("/theirs", Webhook().get, methods=["GET"])])
    async with served(app) as url, check_house(database) as house:
        configuration = {"override_callback_uri": f"{url}/theirs", "verify_token": "verify-me"}
        answer = await house.meta.call(
            "POST",
            house.number.phone_number_id,
            token=house.number.token,
            json={"webhook_configuration": configuration},
        )
        assert answer.status_code == 200
        assert (await house.check()).found == ["callback_elsewhere"]
        (finding,) = await house.findings()
    assert f"{url}/theirs" in finding.says


async def test_a_number_that_the_app_uses_too_needs_the_fields_that_bring_its_past(database: Database) -> None:
    async with check_house(database) as house:
        await house.meta.client.set_app(fields=list(REQUIRED_FIELDS))
        assert (await house.check()).found == [], "any other number does without"
        await house.meta.client.set_number(house.number.phone_number_id, is_on_biz_app=True)
        await change(database, "UPDATE integrations SET coexistence = true")
        assert (await house.check()).found == ["app_fields_missing"]
        (finding,) = await house.findings()
        assert finding.severity == "warning"
        assert [name for name in COEXISTENCE_FIELDS if name not in finding.says] == []
        await house.meta.client.set_app(fields=_FIELDS)
        assert (await house.check()).found == []


class SaysItSubscribed:
    """Meta's side, which says that it subscribed our app and has not."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._accounts, name)

    async def subscribe(self, _: str, __: str) -> Done:
        return Done()


async def test_a_subscription_counts_as_repaired_only_when_meta_shows_it(database: Database) -> None:
    async with check_house(database, accounts=SaysItSubscribed) as house:
        await house.meta.client.add_waba(house.number.waba_id, subscribed=False)
        checked = await house.check()
        assert (checked.found, checked.repaired) == (["subscription_missing"], [])
        (finding,) = await house.findings(open_only=True)
    assert finding.repaired_at is None


async def test_a_business_that_meta_has_not_verified_is_said_so_with_what_helps(database: Database) -> None:
    unverified = {"error_code": 141010, "error_description": "Not verified", "possible_solution": "Verify."}
    async with check_house(database) as house:
        portfolio = house.number.waba_id  # where nobody says otherwise the account is its own portfolio's
        await house.meta.client.add_business(portfolio, health={"can_send_message": "LIMITED", "errors": [unverified]})
        checked = await house.check()
        (finding,) = await house.findings()
    assert (checked.state, checked.found) == ("live", ["health_141010"])
    assert finding.severity == "warning"
    assert finding.says == "The business portfolio is not verified by Meta."
    assert "business verification" in finding.next_step
    assert "141010" in finding.meta_detail
