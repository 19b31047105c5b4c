"""What a check does to a number's state, its rate and its Schedule, and what may happen beside it."""

from datetime import timedelta
from typing import Any, Literal

import pytest

from store import findings, number_states
from store.engine import Database
from store.errors import MetaUnavailableError, UnavailableError
from store.findings import Found, Owner
from tests.activities.checked import DAY, ReplacesTheToken, check_house
from tests.rows import RING, change, conversation, queued, row

_PAYMENT = {"error_code": 141006, "error_description": "Payment problem", "possible_solution": "Pay."}


async def test_a_dead_token_holds_and_a_new_one_releases_what_waited_in_order(database: Database) -> None:
    async with check_house(database) as house:
        conversation_id = await conversation(database, house.number)
        await queued(database, house.number, conversation_id)
        await change(database, "UPDATE conversations SET due_at = NULL")
        await house.meta.client.change_tokens(phone_number_id=house.number.phone_number_id, revoked=460)
        assert (await house.check()).state == "held"
        integration = await house.integration()
        assert (integration.state, integration.state_reason) == ("held", "token")
        assert (await row(database, "conversations", conversation_id)).due_at is None
        new = await house.meta.client.issue_token(house.number.waba_id)
        sealed = RING.seal(new, table="integrations", column="access_token_sealed", row=house.number.integration_id)
        await change(database, "UPDATE integrations SET access_token_sealed = :sealed", sealed=sealed)
        assert (await house.check()).state == "live"
        assert (await row(database, "conversations", conversation_id)).due_at is not None
        told = await house.told("integration.held", "integration.live")
    assert [event.type for event in told] == ["integration.held", "integration.live"]
    assert "access token" in told[0].data["reason"]
    assert told[0].data["next_step"]


async def test_a_number_without_a_token_is_held(database: Database) -> None:
    async with check_house(database) as house:
        await change(database, "UPDATE integrations SET access_token_sealed = NULL")
        assert (await house.check()).found == ["token_missing"]
        assert (await house.integration()).state == "held"


async def test_a_stopped_number_goes_on_when_it_is_connected_and_unrestricted(database: Database) -> None:
    async with check_house(database) as house:
        await house.hold("stopped", "stopped")
        blocked = {"can_send_message": "BLOCKED", "errors": [_PAYMENT]}
        await house.meta.client.add_waba(house.number.waba_id, health=blocked)
        assert (await house.check()).state == "stopped"
        assert house.interval == timedelta(minutes=15)
        await house.meta.client.add_waba(house.number.waba_id, health={"can_send_message": "AVAILABLE"})
        assert (await house.check()).state == "live"
        assert house.interval == DAY


async def test_a_number_that_is_being_connected_is_left_alone(database: Database) -> None:
    async with check_house(database) as house:
        await house.hold("connecting", "")
        await house.meta.client.change_tokens(phone_number_id=house.number.phone_number_id, revoked=460)
        assert (await house.check()).state == "connecting"
        assert await house.findings() == []


async def test_the_schedule_of_a_disconnected_number_is_removed(database: Database) -> None:
    async with check_house(database) as house:
        await house.check()
        await house.hold("disconnected", "")
        assert (await house.check()).state == "disconnected"
        assert house.interval is None


@pytest.mark.parametrize(
    ("standing", "per_second"),
    [
        ({"throughput_level": "STANDARD"}, 80),
        ({"throughput_level": "HIGH"}, 1000),
        ({"throughput_level": "HIGH", "is_on_biz_app": True}, 20),
        ({"throughput_level": "SOMETHING_NEW"}, 7),
    ],
)
async def test_the_rate_follows_metas_throughput(database: Database, standing: dict[str, Any], per_second: int) -> None:
    async with check_house(database) as house:
        await change(database, "UPDATE rate_slots SET per_second = 7")
        await house.meta.client.set_number(house.number.phone_number_id, **standing)
        await house.check()
        (slots,) = await house.rows("SELECT per_second FROM rate_slots")
        integration = await house.integration()
    assert slots.per_second == per_second
    assert integration.coexistence is bool(standing.get("is_on_biz_app"))


@pytest.mark.parametrize("call", ["debug_token", "number", "subscribed_apps", "subscriptions"])
@pytest.mark.parametrize(
    "fault",
    [{"kind": "server_error"}, {"kind": "drop"}, {"kind": "refuse", "code": 4}, {"kind": "refuse", "code": 80007}],
    ids=lambda fault: f"{fault['kind']}{fault.get('code', '')}",
)
async def test_what_passes_by_itself_is_raised_and_changes_nothing(
    database: Database, call: str, fault: dict[str, Any]
) -> None:
    async with check_house(database) as house:
        await house.meta.client.add_fault(call=call, **fault)
        with pytest.raises(MetaUnavailableError) as away:
            await house.check()
        assert house.number.token not in away.value.detail
        integration = await house.integration()
        assert (integration.state, integration.checked_at) == ("live", None)
        await house.meta.client.end_faults()
        assert (await house.check()).found == []
        assert await house.told() == []


async def test_a_token_that_was_replaced_during_the_check_is_looked_at_itself(database: Database) -> None:
    """The dead one's verdict must not hold the number that has a new one."""
    async with check_house(database, accounts=ReplacesTheToken) as house:
        replaces = house.activities.meta
        assert isinstance(replaces, ReplacesTheToken)
        new = await house.meta.client.issue_token(house.number.waba_id)
        replaces.begin(house, new)
        await house.meta.client.change_tokens(token=house.number.token, revoked=460)
        checked = await house.check()
        assert (checked.state, checked.found) == ("live", [])
        assert await house.told() == []


async def test_a_state_that_somebody_changed_during_the_check_stays_theirs(database: Database) -> None:
    async with check_house(database, accounts=ReplacesTheToken) as house:
        await house.hold("held", "token")
        replaces = house.activities.meta
        assert isinstance(replaces, ReplacesTheToken)
        replaces.begin(house, None)
        assert (await house.check()).state == "stopped"
        assert (await house.integration()).state_reason == "stopped"


async def test_a_check_whose_next_one_cannot_be_planned_is_repeated(database: Database) -> None:
    async with check_house(database) as house:
        house.schedules.away = True
        with pytest.raises(UnavailableError):
            await house.check()
        house.schedules.away = False
        await house.check()
        assert house.interval == DAY


async def test_what_events_of_metas_stopped_is_released_and_cleared_by_a_check_that_finds_it_well(
    database: Database,
) -> None:
    async with check_house(database) as house:
        await house.hold("stopped", "Meta has disabled the WhatsApp Business account.")
        owner = Owner(house.number.integration_id, house.number.organization_id)
        disabled = Found("account", "account_disabled", "error", "Meta has disabled the account.", "Appeal.")
        violation = Found("account", "account_violation", "warning", "It breaks a policy.", "Look.")
        async with database.transaction() as connection:
            for found in (disabled, violation):
                await findings.see(connection, owner, found)
        checked = await house.check()
        assert (checked.state, checked.cleared) == ("live", ["account_disabled"])
        (still,) = await house.findings(open_only=True)
    assert still.code == "account_violation"


async def test_a_stopped_number_that_is_still_stopped_keeps_the_words_that_say_why(database: Database) -> None:
    async with check_house(database) as house:
        await house.hold("stopped", "Meta has disabled the WhatsApp Business account.")
        await house.meta.client.set_number(
            house.number.phone_number_id, status="BANNED", code_verification_status="EXPIRED"
        )
        assert (await house.check()).state == "stopped"
        assert (await house.integration()).state_reason == "Meta has disabled the WhatsApp Business account."
        assert await house.told("integration.stopped") == []


@pytest.mark.parametrize(("state", "reason"), [("held", "token"), ("stopped", "stopped")])
async def test_a_number_that_sending_holds_is_told_of_once(
    database: Database, state: str, reason: Literal["token", "stopped"]
) -> None:
    async with check_house(database) as house:
        for _ in range(2):
            async with database.transaction() as connection:
                await number_states.hold(
                    connection, house.number.integration_id, hold=reason, says="It is dead.", next_step="Renew it."
                )
        (told,) = await house.told()
    assert told.type == f"integration.{state}"
    assert (told.data["reason"], told.data["next_step"]) == ("It is dead.", "Renew it.")


async def test_a_held_number_is_released_only_once_meta_has_shown_all_of_it(database: Database) -> None:
    async with check_house(database) as house:
        waits = await queued(database, house.number, await conversation(database, house.number))
        await change(database, "UPDATE conversations SET due_at = NULL")
        await house.hold("held", "token")
        await house.meta.client.add_fault("refuse", call="number", code=368)
        checked = await house.check()
        assert (checked.state, checked.found) == ("held", ["number_unreadable"])
        conversation_id = (await row(database, "messages", waits)).conversation_id
        assert (await row(database, "conversations", conversation_id)).due_at is None
        await house.meta.client.end_faults()
        assert (await house.check()).state == "live"
        assert (await row(database, "conversations", conversation_id)).due_at is not None
