"""From the registered number to the proven one: check, activate, prove."""

from datetime import UTC, datetime, timedelta

import pytest

from store.disconnecting import delete_integration
from store.errors import UnavailableError
from store.onboarding_answers import decline_proof
from tests.activities.signup import Signup
from tests.rows import RING, change, conversation, queued, received, row, rows


async def test_what_blocks_sending_is_named_and_the_number_goes_live_all_the_same(signup: Signup) -> None:
    number = await signup.prepared(name_status="DECLINED")
    error = {"error_code": 141006, "error_description": "There is an error with the payment method."}
    await signup.meta.add_waba(number.waba_id, health={"can_send_message": "BLOCKED", "errors": [error]})
    assert (await signup.go()).step == "prove"
    shown = await signup.shown()
    assert shown.state == "live"
    assert {(one.code, one.severity) for one in shown.blockers} == {("payment", "error"), ("display_name", "error")}
    assert all(one.next_step for one in shown.blockers)


async def test_the_facts_of_the_number_are_kept(signup: Signup) -> None:
    await signup.prepared(quality_rating="GREEN", verified_name="Bakery")
    await signup.go(to="check")
    integration = await signup.integration()
    assert (integration.number_status, integration.quality, integration.verified_name) == (
        "CONNECTED",
        "GREEN",
        "Bakery",
    )
    assert integration.checked_at is not None


async def test_what_came_in_while_it_was_connected_is_looked_at_once_it_is_live(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="check")
    number = await signup.number()
    conversation_id = await conversation(signup.database, number)
    await received(signup.database, number, conversation_id)
    assert (await row(signup.database, "conversations", conversation_id)).due_at is None
    await signup.take("activate")
    assert (await row(signup.database, "conversations", conversation_id)).due_at is not None


async def test_a_schedule_that_temporal_does_not_take_is_tried_again(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="check")
    signup.schedules.is_away = True
    with pytest.raises(UnavailableError):
        await signup.take("activate")
    assert (await signup.shown()).state == "running"
    signup.schedules.is_away = False
    assert (await signup.take("activate")).state == "done"
    assert (await signup.shown()).state == "live"
    events = await rows(signup.database, "SELECT type FROM events WHERE type LIKE '%.live'")
    assert sorted(event.type for event in events) == ["integration.live", "onboarding.live"]


async def test_a_first_message_proves_the_number_and_ends_the_onboarding(signup: Signup) -> None:
    await signup.prepared()
    await signup.go()
    number = await signup.number()
    message_id = await received(signup.database, number, await conversation(signup.database, number))
    assert (await signup.take("prove")).state == "done"
    shown = await signup.shown()
    assert (shown.proof.kind, shown.proof.wamid) == ("inbound", f"wamid.in.{message_id}")
    assert (shown.state, shown.waiting_for) == ("live", None)
    assert shown.ended_at is not None
    assert (await signup.standing()).left == []


async def test_a_message_from_before_the_activation_proves_nothing(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="check")
    number = await signup.number()
    await received(signup.database, number, await conversation(signup.database, number))
    assert (await signup.go()).state == "waiting"


async def test_a_template_proves_the_number_once_it_is_delivered(signup: Signup) -> None:
    await signup.prepared()
    await signup.go()
    number = await signup.number()
    conversation_id = await conversation(signup.database, number)
    message_id = await queued(signup.database, number, conversation_id, type="template", delivery="sent")
    assert (await signup.take("prove")).state == "waiting"
    await change(signup.database, "UPDATE messages SET delivery = 'delivered' WHERE id = :id", id=message_id)
    assert (await signup.take("prove")).state == "done"
    assert (await signup.shown()).proof.kind == "template"


async def test_a_declined_proof_and_one_nobody_gives_leave_the_number_live(signup: Signup) -> None:
    await signup.prepared()
    await signup.go()
    await decline_proof(signup.database, **signup.names)
    assert (await signup.take("prove")).state == "done"
    assert ((await signup.shown()).state, (await signup.shown()).proof.kind) == ("live", "declined")
    await signup.prepared()
    await signup.go()
    assert (await signup.take("prove", gives_up=True)).state == "done"
    assert ((await signup.shown()).state, (await signup.shown()).proof.kind) == ("live", None)
    assert (await signup.integration()).state == "live"


async def test_the_rows_know_that_a_proof_was_waited_for_long_enough_whichever_run_asks(signup: Signup) -> None:
    await signup.prepared()
    await signup.go()
    waited = (
        "UPDATE onboardings SET waited = interval '3 days', waiting_since = clock_timestamp() - CAST(:d AS interval)"
    )
    await change(signup.database, waited, d=timedelta(days=3.9))
    assert (await signup.take("prove")).state == "waiting"
    await change(signup.database, waited, d=timedelta(days=4))
    assert (await signup.take("prove")).state == "done"
    assert (await signup.shown()).state == "live"


async def test_a_number_that_is_disconnected_while_its_proof_is_awaited_has_nothing_left_to_prove(
    signup: Signup,
) -> None:
    await signup.prepared()
    await signup.go()
    integration = await signup.integration()
    secrets = ("access_token_sealed", "access_token_last4", "verify_token_sealed", "verify_token_hash", "pin_sealed")
    assert None not in [getattr(integration, name) for name in secrets]
    gone = await delete_integration(
        signup.database, RING, organization_id=signup.organization_id, integration_id=integration.id
    )
    assert gone.waba_used is False
    wiped = await signup.integration()
    assert [name for name in secrets if getattr(wiped, name) is not None] == []
    assert (await signup.row()).due_at <= datetime.now(UTC)
    assert (await signup.take("prove")).state == "skipped"
    assert (await signup.shown()).ended_at is not None
