"""What Meta says of accounts and numbers, and what becomes of the numbers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from store.engine import Database
from tests.intake.letters import Letters, ago, envelope, outcomes, take_in
from tests.rows import Number, change, connected_number, queued, rows
from tests.rows import conversation as begun
from tests.rows import row as read

REMOVED = {"event": "PARTNER_REMOVED"}
OFFBOARDED = {"event": "ACCOUNT_OFFBOARDED"}
RECONNECTED = {"event": "ACCOUNT_RECONNECTED"}
DISABLE = {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}
REINSTATE = {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}}


def told(number: Number, value: Any, *, field: str = "account_update", at: datetime | None = None) -> bytes:
    entry = {"id": number.waba_id, "changes": [{"field": field, "value": value}]}
    return envelope(entry | {"time": int((at or datetime.now(UTC)).timestamp())})


def restricted(kind: str, expires: timedelta) -> dict[str, Any]:
    expiration = int((datetime.now(UTC) + expires).timestamp())
    return {
        "event": "ACCOUNT_RESTRICTION",
        "restriction_info": [{"restriction_type": kind, "expiration": expiration}],
    }


async def state(database: Database, number: Number) -> tuple[str, str | None]:
    found = await read(database, "integrations", number.integration_id)
    return found.state, found.state_reason


async def findings(database: Database) -> dict[str, bool]:
    """The codes of all findings, and whether each is open."""
    found = await rows(database, "SELECT code, cleared_at IS NULL AS is_open FROM findings ORDER BY id")
    return {one.code: one.is_open for one in found}


async def told_of(database: Database) -> list[str]:
    return [one.type for one in await rows(database, "SELECT type FROM events ORDER BY id")]


async def audited(database: Database) -> list[tuple[str, str]]:
    return [(one.actor, one.action) for one in await rows(database, "SELECT * FROM audit_log ORDER BY id")]


@pytest.mark.parametrize(
    ("value", "moved", "code"),
    [
        (DISABLE, "stopped", "account_disabled"),
        ({"event": "ACCOUNT_DELETED"}, "stopped", "account_deleted"),
        (
            restricted("RESTRICTED_CUSTOMER_INITIATED_MESSAGING", timedelta(days=1)),
            "stopped",
            "account_restricted",
        ),
        (REMOVED, "held", "access_removed"),
        ({"event": "PARTNER_APP_UNINSTALLED"}, "held", "access_removed"),
        (OFFBOARDED, "held", "offboarded"),
    ],
)
async def test_what_ends_sending_moves_the_number_names_why_and_tells_the_business(
    database: Database, value: Any, moved: str, code: str
) -> None:
    number, other = await connected_number(database), await connected_number(database, digits="15550002")
    await take_in(database, told(number, value))
    assert (await state(database, number))[0] == moved
    assert await state(database, other) == ("live", None)
    assert await findings(database) == {code: True}
    assert sorted(await told_of(database)) == sorted([f"integration.{moved}", "finding.opened"])
    assert ("meta", f"integration.{moved}") in await audited(database)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (restricted("RESTRICTED_BIZ_INITIATED_MESSAGING", timedelta(days=1)), "account_restricted"),
        (restricted("RESTRICTED_ADD_PHONE_NUMBER_ACTION", timedelta(days=1)), "account_restricted"),
        ({"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "ADULT"}}, "account_violation"),
        (
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "SCHEDULE_FOR_DISABLE"}},
            "account_to_be_disabled",
        ),
    ],
)
async def test_what_leaves_replies_possible_is_told_and_stops_nothing(
    database: Database, value: Any, code: str
) -> None:
    number = await connected_number(database)
    await take_in(database, told(number, value))
    assert await state(database, number) == ("live", None)
    assert await findings(database) == {code: True}


async def test_a_restriction_that_is_over_when_it_comes_means_nothing(database: Database) -> None:
    number = await connected_number(database)
    over = restricted("RESTRICTED_CUSTOMER_INITIATED_MESSAGING", timedelta(days=-1))
    await take_in(database, told(number, over))
    assert await state(database, number) == ("live", None)
    assert await findings(database) == {}


@pytest.mark.parametrize(("ends", "frees"), [(DISABLE, REINSTATE), (OFFBOARDED, RECONNECTED), (REMOVED, RECONNECTED)])
async def test_what_meta_gives_back_sends_again_what_waited(database: Database, ends: Any, frees: Any) -> None:
    number = await connected_number(database)
    conversation_id = await begun(database, number)
    await queued(database, number, conversation_id)
    await take_in(database, told(number, ends, at=ago(seconds=20)))
    await take_in(database, told(number, frees))
    assert await state(database, number) == ("live", None)
    assert (await read(database, "conversations", conversation_id)).due_at is not None
    assert list((await findings(database)).values()) == [False]
    assert "integration.live" in await told_of(database)


async def test_a_ban_that_is_lifted_does_not_release_a_number_whose_token_is_dead(database: Database) -> None:
    number = await connected_number(database)
    await change(database, "UPDATE integrations SET state = 'held', state_reason = 'token'")
    await take_in(database, told(number, REINSTATE), told(number, RECONNECTED))
    assert await state(database, number) == ("held", "token")


async def test_the_same_body_again_has_no_second_effect(database: Database) -> None:
    number = await connected_number(database)
    body = told(number, DISABLE)
    await take_in(database, body, body, body)
    before = await told_of(database), await audited(database)
    await change(database, "UPDATE integrations SET state = 'live', state_reason = NULL")
    await change(database, "UPDATE findings SET cleared_at = clock_timestamp()")
    await take_in(database, body)
    assert await state(database, number) == ("live", None)
    assert (await told_of(database), await audited(database)) == before
    assert await findings(database) == {"account_disabled": False}


async def test_an_older_event_that_comes_late_does_not_undo_a_newer_one(database: Database) -> None:
    number = await connected_number(database)
    await take_in(database, told(number, DISABLE, at=ago(seconds=30)), told(number, REINSTATE, at=ago(seconds=10)))
    await take_in(database, told(number, REMOVED, at=ago(seconds=20)))
    assert await state(database, number) == ("live", None)


async def test_an_event_from_before_the_number_was_connected_again_does_not_hold_it(database: Database) -> None:
    number = await connected_number(database)
    await take_in(database, told(number, REMOVED, at=ago(hours=3)))
    assert await state(database, number) == ("live", None)
    assert await findings(database) == {}


@pytest.mark.parametrize("kept", ["connecting", "held", "stopped"])
async def test_only_a_live_number_is_held_or_stopped(database: Database, kept: str) -> None:
    number = await connected_number(database)
    await change(database, "UPDATE integrations SET state = :state, state_reason = 'token'", state=kept)
    await take_in(database, told(number, DISABLE), told(number, REMOVED))
    assert await state(database, number) == (kept, "token")


async def test_metas_events_of_a_partner_are_routed_by_the_customers_account(database: Database) -> None:
    number = await connected_number(database)
    portfolio = {"id": "2949482758682047", "time": int(datetime.now(UTC).timestamp())}
    value = REMOVED | {"waba_info": {"waba_id": number.waba_id}}
    await take_in(database, envelope(portfolio | {"changes": [{"field": "account_update", "value": value}]}))
    assert await state(database, number) == ("held", "permission")


async def test_an_event_without_a_time_is_believed(database: Database) -> None:
    number = await connected_number(database)
    entry = {"id": number.waba_id, "changes": [{"field": "account_update", "value": DISABLE}]}
    await take_in(database, envelope(entry))
    assert (await state(database, number))[0] == "stopped"


async def test_limits_throughput_and_names_are_kept_with_the_number_they_are_of(database: Database) -> None:
    number = await connected_number(database, per_second=80)
    shown = {"display_phone_number": number.phone_number.removeprefix("+")}
    await take_in(
        database,
        told(number, {"max_daily_conversations_per_business": 2000}, field="business_capability_update"),
        told(number, shown | {"event": "THROUGHPUT_UPGRADE"}, field="phone_number_quality_update"),
        told(
            number,
            shown | {"decision": "APPROVED", "requested_verified_name": "Shop"},
            field="phone_number_name_update",
        ),
        told(
            number,
            {"display_phone_number": "1999", "decision": "APPROVED", "requested_verified_name": "Other"},
            field="phone_number_name_update",
        ),
    )
    found = await read(database, "integrations", number.integration_id)
    assert (found.messaging_limit, found.throughput, found.verified_name) == ("TIER_2K", "HIGH", "Shop")
    (slot,) = await rows(database, "SELECT per_second FROM rate_slots")
    assert slot.per_second == 1000


async def test_a_higher_limit_releases_templates_that_wait_for_room(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await begun(database, number, opened=None)
    waits = await queued(database, number, conversation_id, type="template", hold="portfolio")
    await take_in(
        database, told(number, {"max_daily_conversations_per_business": 2000}, field="business_capability_update")
    )
    assert (await read(database, "messages", waits)).hold is None
    assert (await read(database, "conversations", conversation_id)).due_at is not None


async def test_what_a_check_read_since_is_not_overwritten(database: Database) -> None:
    number = await connected_number(database)
    await change(database, "UPDATE integrations SET messaging_limit = 'TIER_10K', checked_at = clock_timestamp()")
    old = told(
        number, {"max_daily_conversations_per_business": 250}, field="business_capability_update", at=ago(days=1)
    )
    await take_in(database, old)
    assert (await read(database, "integrations", number.integration_id)).messaging_limit == "TIER_10K"


async def test_rejections_alerts_and_pins_are_findings_that_end_by_metas_word(database: Database) -> None:
    number = await connected_number(database)
    shown = {"display_phone_number": number.phone_number}
    entity = {"entity_type": "PHONE_NUMBER", "entity_id": number.phone_number_id}
    alert = {"alert_severity": "CRITICAL", "alert_status": "ACTIVE", "alert_type": "T"}
    await take_in(
        database,
        told(number, shown | {"decision": "REJECTED"}, field="phone_number_name_update"),
        told(number, {"decision": "REJECTED"}, field="account_review_update"),
        told(number, entity | {"alert_info": alert}, field="account_alerts"),
        told(number, shown | {"event": "PIN_RESET_REQUEST"}, field="security"),
    )
    codes = ["name_rejected", "account_rejected", "account_alert", "pin_reset_requested"]
    assert await findings(database) == dict.fromkeys(codes, True)
    await take_in(
        database,
        told(number, shown | {"decision": "APPROVED"}, field="phone_number_name_update"),
        told(number, {"decision": "APPROVED"}, field="account_review_update"),
        told(number, entity | {"alert_info": alert | {"alert_status": "RESOLVED"}}, field="account_alerts"),
        told(number, shown | {"event": "PIN_CHANGED"}, field="security"),
    )
    assert await findings(database) == dict.fromkeys(codes, False)
    assert ("meta", "integration.pin_changed") in await audited(database)


async def test_an_event_of_tomorrow_is_applied_by_being_kept(database: Database) -> None:
    number = await connected_number(database)
    await take_in(database, told(number, {"event": "SOMETHING_NEW"}), Letters(number).message())
    assert await outcomes(database) == {"applied": 2}
    assert await state(database, number) == ("live", None)
