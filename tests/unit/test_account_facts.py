from typing import Any

import pytest

from tests.unit.meta import NUMBER, TOKEN, meta
from whatsapp.account_facts import Health, HealthEntity, HealthError, NumberFacts, number_facts

LIVE = {
    "id": NUMBER,
    "display_phone_number": "+1 555-078-3881",
    "verified_name": "Shop",
    "status": "CONNECTED",
    "name_status": "APPROVED",
    "code_verification_status": "VERIFIED",
    "quality_rating": "GREEN",
    "platform_type": "CLOUD_API",
    "throughput": {"level": "STANDARD"},
    "whatsapp_business_manager_messaging_limit": "TIER_250",
    "is_on_biz_app": False,
    "is_pin_enabled": True,
    "webhook_configuration": {"phone_number": "https://x.test/n", "application": "https://x.test"},
}


def facts(**told: Any) -> NumberFacts:
    found = number_facts({**LIVE, **told})
    assert found is not None
    return found


async def test_a_number_is_read_with_all_that_an_onboarding_asks_of_it() -> None:
    async with meta(LIVE) as stage:
        found = await stage.accounts.number(NUMBER, TOKEN)
    assert isinstance(found, NumberFacts)
    assert (found.verified_name, found.quality, found.throughput) == ("Shop", "GREEN", "STANDARD")
    assert (found.messaging_limit, found.is_pin_enabled, found.callback_override) == (
        "TIER_250",
        True,
        "https://x.test/n",
    )
    assert {"is_pin_enabled", "health_status", "platform_type"} <= set(stage.only.query["fields"].split(","))


@pytest.mark.parametrize(
    ("told", "needs"),
    [
        ({}, False),
        ({"platform_type": "NOT_APPLICABLE"}, True),
        ({"throughput": {"level": "NOT_APPLICABLE"}}, True),
        ({"status": "DISCONNECTED"}, True),
        ({"status": "PENDING", "code_verification_status": "NOT_VERIFIED"}, False),
        ({"status": None}, False),
        ({"code_verification_status": "EXPIRED"}, False),
        ({"status": "DISCONNECTED", "is_on_biz_app": True}, False),
        ({"platform_type": "NOT_APPLICABLE", "is_on_biz_app": True}, True),
    ],
)
def test_only_a_number_that_is_not_yet_of_the_cloud_api_needs_registering(told: dict[str, Any], *, needs: bool) -> None:
    assert facts(**told).needs_registering is needs


@pytest.mark.parametrize(
    ("told", "coexists"),
    [({}, False), ({"is_on_biz_app": True}, True), ({"is_on_biz_app": True, "platform_type": "NOT_APPLICABLE"}, False)],
)
def test_coexistence_is_the_app_and_the_cloud_api_together(told: dict[str, Any], *, coexists: bool) -> None:
    assert facts(**told).is_coexistence is coexists


@pytest.mark.parametrize(("status", "connected"), [("CONNECTED", True), ("FLAGGED", False), (None, False)])
def test_connected_is_one_status_only(status: str | None, *, connected: bool) -> None:
    assert facts(status=status).is_connected is connected


def test_health_names_each_part_with_its_errors() -> None:
    error = {"error_code": 141006, "error_description": "Payment", "possible_solution": "Pay"}
    told = {
        "can_send_message": "BLOCKED",
        "entities": [
            {"entity_type": "WABA", "id": 1, "can_send_message": "BLOCKED", "errors": [error]},
            {"entity_type": "BUSINESS", "id": "2", "can_send_message": "LIMITED", "additional_info": ["a"]},
        ],
    }
    assert facts(health_status=told).health == Health(
        "BLOCKED",
        (
            HealthEntity("WABA", "1", "BLOCKED", (HealthError(141006, "Payment", "Pay"),)),
            HealthEntity("BUSINESS", "2", "LIMITED", (), ("a",)),
        ),
    )


@pytest.mark.parametrize(
    "told", [{"throughput": "X"}, {"health_status": []}, {"webhook_configuration": 1}, {"status": {}}]
)
def test_a_number_of_another_shape_is_read_as_far_as_it_goes(told: dict[str, Any]) -> None:
    assert facts(**told).verified_name == "Shop"
    assert number_facts({**told, "id": None}) is None
