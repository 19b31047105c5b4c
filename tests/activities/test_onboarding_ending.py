"""What a cancelled or failed onboarding takes back, and what it must not."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from store.disconnecting import delete_integration
from store.errors import MetaUnavailableError, NotWaitedForError
from store.onboarding_answers import ask_cancel, give_pin, show_pin
from store.onboardings import HandedToken, NumberIds, start_by_hand
from tests.activities.signup import DiedError, Signup
from tests.rows import RING, Number, change, conversation, queued, row

SECRETS = ("code_sealed", "token_sealed", "verify_token_sealed", "pin_sealed")
INTEGRATION_SECRETS = ("access_token_sealed", "verify_token_hash", "verify_token_sealed", "pin_sealed")


async def at_meta(signup: Signup) -> list[str]:
    """What was called that changes something, in order."""
    changing = {"subscribe", "unsubscribe", "register", "deregister", "change_number"}
    return [call.call for call in await signup.meta.calls() if call.call in changing]


async def subscribed(signup: Signup, waba_id: str) -> bool:
    waba = next(one for one in await signup.meta.wabas() if one["waba_id"] == waba_id)
    return bool(waba["subscribed"])


async def test_a_cancelled_onboarding_takes_everything_back_newest_first(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go()
    await ask_cancel(signup.database, **signup.names)
    standing = await signup.standing()
    assert standing.cancelled
    ended = await signup.end()
    assert ended.state == "cancelled"
    assert ended.undone == ["prove", "activate", "register", "subscribe", "connect"]
    assert await at_meta(signup) == ["subscribe", "register", "deregister", "unsubscribe"]
    onboarding, integration = await signup.row(), await signup.integration()
    assert [getattr(integration, name) for name in INTEGRATION_SECRETS] == [None] * 4
    assert (onboarding.state, integration.state) == ("cancelled", "disconnected")
    assert (onboarding.due_at, onboarding.waiting_for) == (None, None)
    assert (await signup.meta.number(number.phone_number_id))["registered"] is False
    with pytest.raises(NotWaitedForError):
        await ask_cancel(signup.database, **signup.names)


async def test_a_code_that_nobody_has_exchanged_is_wiped_with_the_end(signup: Signup) -> None:
    await signup.prepared()
    assert (await signup.row()).code_sealed is not None
    await signup.end()
    assert (await signup.row()).code_sealed is None


async def test_nothing_leaves_by_a_number_while_it_is_being_taken_back(signup: Signup) -> None:
    await signup.prepared()
    await signup.go()
    with pytest.raises(DiedError):
        await signup.dying_after("deregister").end()
    assert (await signup.integration()).state == "connecting"
    await signup.end()
    assert (await signup.integration()).state == "disconnected"


async def test_a_number_that_was_disconnected_before_its_activation_is_not_called_live(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="check")
    integration_id = (await signup.integration()).id
    owner = {"organization_id": signup.organization_id, "integration_id": integration_id}
    await delete_integration(signup.database, RING, **owner)
    outcome = await signup.take("activate")
    assert (outcome.state, outcome.code) == ("failed", "disconnected")
    assert ((await signup.integration()).state, signup.schedules.ensured) == ("disconnected", [])


@pytest.mark.parametrize("reached", ["exchange", "inspect", "find", "connect", "subscribe", "register", "check"])
async def test_wherever_it_is_cancelled_nothing_is_left_and_the_number_is_free(signup: Signup, reached: Any) -> None:
    number = await signup.prepared()
    await signup.go(to=reached)
    ended = await signup.end()
    assert ended.state == "cancelled"
    assert not await subscribed(signup, number.waba_id)
    assert (await signup.meta.number(number.phone_number_id))["registered"] is False
    onboarding = await signup.row()
    assert [getattr(onboarding, name) for name in SECRETS[:3]] == [None] * 3
    assert onboarding.ended_at is not None
    await signup.start(number)
    assert (await signup.go()).step == "prove"


async def test_what_was_entered_by_hand_is_wiped_when_it_ends_before_there_is_an_integration(signup: Signup) -> None:
    number = await signup.meta.prepare_number()
    ids = NumberIds(number.waba_id, number.phone_number_id, f"+{number.display_phone_number}", number.business_id)
    signup.onboarding_id = await start_by_hand(
        signup.database,
        RING,
        organization_id=signup.organization_id,
        agent_flow_id=signup.agent_flow_id,
        number=ids,
        token=HandedToken("a token", scopes=()),
        verify_token="chosen by a person",
    )
    before = await signup.row()
    assert None not in (before.token_sealed, before.verify_token_sealed)
    await signup.end()
    after = await signup.row()
    assert (after.state, after.token_sealed, after.verify_token_sealed) == ("cancelled", None, None)


async def test_ended_twice_nothing_more_happens(signup: Signup) -> None:
    await signup.prepared()
    await signup.go()
    first = await signup.end()
    calls = await at_meta(signup)
    again = await signup.end("failed", "token_invalid")
    assert (again.state, again.undone) == (first.state, first.undone)
    assert await at_meta(signup) == calls
    assert (await signup.take("subscribe")).code == "cancelled"


async def test_a_number_that_was_registered_before_us_is_never_deregistered(signup: Signup) -> None:
    number = await signup.prepared(
        registered=True, status="CONNECTED", platform_type="CLOUD_API", throughput_level="STANDARD"
    )
    await signup.go()
    await signup.end()
    assert await at_meta(signup) == ["subscribe", "unsubscribe"]
    assert (await signup.meta.number(number.phone_number_id))["registered"] is True


async def test_a_number_known_to_be_registered_before_us_stays_so_whatever_we_asked(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="register")
    await change(signup.database, "UPDATE onboardings SET was_registered = true")
    await signup.end()
    assert await signup.meta.count("deregister") == 0


async def test_cancelling_one_of_two_numbers_of_an_account_never_silences_the_other(signup: Signup) -> None:
    first = await signup.prepared()
    await signup.go()
    one = signup.onboarding_id
    second = await signup.meta.prepare_number(waba_id=first.waba_id)
    await signup.start(second)
    await signup.go()
    two, signup.onboarding_id = signup.onboarding_id, one
    await signup.end()
    assert await subscribed(signup, first.waba_id)
    assert "stays subscribed" in ((await signup.step("subscribe")).says or "")
    signup.onboarding_id = two
    await change(signup.database, "UPDATE onboardings SET subscribed_by_us = true WHERE id = :id", id=two)
    await signup.end()
    assert not await subscribed(signup, first.waba_id)


async def test_another_organizations_number_of_the_same_account_keeps_the_subscription(signup: Signup) -> None:
    first = await signup.prepared()
    await signup.go()
    other = await signup.of_another()
    second = await signup.meta.prepare_number(waba_id=first.waba_id)
    await other.start(second)
    await other.go()
    await signup.end()
    assert await subscribed(signup, first.waba_id)


async def test_a_number_that_is_connected_while_the_app_is_being_unsubscribed_has_it_back(signup: Signup) -> None:
    first = await signup.prepared()
    await signup.go()
    second = await signup.meta.prepare_number(waba_id=first.waba_id)
    other = await signup.of_another()
    await other.start(second)
    await other.go(to="find")
    await signup.meta.add_fault("slow", call="unsubscribe", seconds=1.0)
    ending = asyncio.create_task(signup.end())
    await asyncio.sleep(0.5)
    await other.take("connect")
    await ending
    assert await subscribed(signup, first.waba_id)


@pytest.mark.parametrize("call", ["deregister", "unsubscribe"])
@pytest.mark.parametrize("fault", ["drop", "server_error"])
async def test_what_meta_does_not_answer_is_taken_back_at_the_next_try_and_only_once(
    signup: Signup, call: str, fault: str
) -> None:
    number = await signup.prepared()
    await signup.go()
    await signup.meta.add_fault(fault, call=call, count=1)
    with pytest.raises(MetaUnavailableError):
        await signup.end()
    assert (await signup.row()).ended_at is None
    assert (await signup.integration()).state == "connecting"
    await signup.end()
    assert not await subscribed(signup, number.waba_id)
    assert (await signup.meta.number(number.phone_number_id))["registered"] is False
    assert await signup.meta.count("deregister") == 1


async def test_a_worker_that_dies_while_it_takes_back_goes_on_where_it_was(signup: Signup) -> None:
    await signup.prepared()
    await signup.go()
    for call in ("deregister", "unsubscribe"):
        with pytest.raises(DiedError):
            await signup.dying_after(call).end()
    await signup.end()
    assert [await signup.meta.count(call) for call in ("deregister", "unsubscribe")] == [1, 2]
    assert (await signup.integration()).state == "disconnected"


async def test_a_registration_whose_answer_nobody_heard_is_taken_back_too(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go(to="subscribe")
    with pytest.raises(DiedError):
        await signup.dying_after("register").take("register")
    await signup.end()
    assert (await signup.meta.number(number.phone_number_id))["registered"] is False


async def test_what_a_dead_token_cannot_take_back_is_said(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go(to="register")
    await signup.meta.change_tokens(waba_id=number.waba_id, revoked=458)
    ended = await signup.end("failed", "token_invalid")
    assert ended.state == "failed"
    assert "Meta did not" in ((await signup.step("register")).says or "")
    assert (await signup.integration()).state == "disconnected"


async def test_a_pin_that_we_set_at_meta_is_still_shown_after_the_end(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go(to="register")
    await signup.end()
    assert (await signup.shown()).pin_to_be_shown
    pin = await show_pin(signup.database, RING, **signup.names)
    assert pin == (await signup.meta.number(number.phone_number_id))["pin"]
    assert (await signup.row()).pin_sealed is None


async def test_a_persons_pin_is_wiped_with_the_end(signup: Signup) -> None:
    await signup.prepared(pin="246810")
    await signup.go(to="register")
    await give_pin(signup.database, RING, pin="246810", **signup.names)
    await signup.end()
    onboarding = await signup.row()
    assert [getattr(onboarding, name) for name in SECRETS] == [None] * 4


async def test_a_cancelled_reconnect_holds_the_number_for_another_token_and_disconnects_nothing(
    signup: Signup,
) -> None:
    number = await signup.prepared()
    await signup.go()
    known = await signup.integration()
    there = Number(
        signup.organization_id, signup.agent_flow_id, known.id, known.waba_id, known.phone_number_id, "+1", ""
    )
    message_id = await queued(signup.database, there, await conversation(signup.database, there))
    await signup.start(number)
    await signup.go(to="check")
    await signup.end()
    integration = await signup.integration()
    assert integration.id == known.id
    assert (integration.state, integration.state_reason) == ("held", "token")
    assert integration.access_token_sealed is None
    assert (await row(signup.database, "messages", message_id)).state == "queued"
    assert await subscribed(signup, number.waba_id)
    await signup.start(number)
    await signup.go()
    assert (await signup.integration()).state == "live"


async def test_an_onboarding_that_nobody_answered_fails_with_words_and_tells_the_business(signup: Signup) -> None:
    await signup.prepared(pin="246810")
    await signup.go()
    await signup.end("failed", "gave_up_waiting", "Nobody answered in time: it waited for a PIN.")
    shown = await signup.shown()
    assert shown.error is not None
    assert (shown.state, shown.error.code) == ("failed", "gave_up_waiting")
    assert "PIN" in shown.error.detail
    assert shown.error.next_step
    assert shown.steps[5].state == "failed"
    async with signup.database.transaction() as connection:
        told = await connection.execute(text("SELECT data FROM events WHERE type = 'onboarding.failed'"))
        assert told.scalar_one()["code"] == "gave_up_waiting"


async def test_a_number_that_is_deleted_while_it_is_connected_cancels_its_onboarding(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="subscribe")
    integration = await signup.integration()
    await delete_integration(
        signup.database, RING, organization_id=signup.organization_id, integration_id=integration.id
    )
    assert (await signup.standing()).cancelled
    assert (await signup.take("register")).code == "disconnected"
    assert (await signup.end()).state == "cancelled"


async def test_an_onboarding_that_ended_meanwhile_records_nothing_more(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go(to="find")
    await signup.meta.add_fault("slow", call="subscribed_apps", seconds=1.0)
    await signup.take("connect")
    late = asyncio.create_task(signup.take("subscribe"))
    await asyncio.sleep(0.3)
    await signup.end()
    outcome = await late
    assert (outcome.state, outcome.code) == ("failed", "cancelled")
    assert (await signup.step("subscribe")).state != "done"
    assert (await signup.row()).state == "cancelled"
    assert number


async def test_secrets_are_in_no_sentence(signup: Signup) -> None:
    number = await signup.prepared(pin="246810")
    await signup.go()
    token = next(one["text"] for one in await signup.meta.tokens() if one["waba_ids"] == [number.waba_id])
    await signup.meta.add_fault("refuse", call="register", code=100, details=f"Bad {token} and 246810", count=1)
    await give_pin(signup.database, RING, pin="246810", **signup.names)
    told = repr(await signup.take("register")) + repr(await signup.shown())
    assert "Bad" in told
    assert token not in told
    assert "246810" not in told
