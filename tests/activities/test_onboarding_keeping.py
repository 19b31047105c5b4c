"""What the end of an onboarding must not take back: what was there before it, and what others need."""

import asyncio

from store.onboarding_answers import show_pin
from tests.activities.signup import Signup
from tests.rows import RING, change, conversation, queued, row


async def test_a_number_that_was_registered_before_us_is_never_deregistered(signup: Signup) -> None:
    number = await signup.prepared(
        registered=True, status="CONNECTED", platform_type="CLOUD_API", throughput_level="STANDARD"
    )
    await signup.go()
    await signup.end()
    assert await signup.changes_at_meta() == ["subscribe", "unsubscribe"]
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
    assert await signup.is_subscribed(first.waba_id)
    assert "stays subscribed" in ((await signup.step("subscribe")).says or "")
    signup.onboarding_id = two
    await change(signup.database, "UPDATE onboardings SET subscribed_by_us = true WHERE id = :id", id=two)
    await signup.end()
    assert not await signup.is_subscribed(first.waba_id)


async def test_another_organizations_number_of_the_same_account_keeps_the_subscription(signup: Signup) -> None:
    first = await signup.prepared()
    await signup.go()
    other = await signup.of_another()
    second = await signup.meta.prepare_number(waba_id=first.waba_id)
    await other.start(second)
    await other.go()
    await signup.end()
    assert await signup.is_subscribed(first.waba_id)


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
    assert await signup.is_subscribed(first.waba_id)


async def test_a_pin_that_we_set_at_meta_is_still_shown_after_the_end(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go(to="register")
    await signup.end()
    assert (await signup.shown()).pin_to_be_shown
    pin = await show_pin(signup.database, RING, **signup.names)
    assert pin == (await signup.meta.number(number.phone_number_id))["pin"]
    assert (await signup.row()).pin_sealed is None


async def test_a_cancelled_reconnect_holds_the_number_for_another_token_and_disconnects_nothing(
    signup: Signup,
) -> None:
    number = await signup.prepared()
    await signup.go()
    there = await signup.number()
    message_id = await queued(signup.database, there, await conversation(signup.database, there))
    await signup.start(number)
    await signup.go(to="check")
    await signup.end()
    integration = await signup.integration()
    assert integration.id == there.integration_id
    assert (integration.state, integration.state_reason) == ("held", "token")
    assert integration.access_token_sealed is None
    assert (await row(signup.database, "messages", message_id)).state == "queued"
    assert await signup.is_subscribed(number.waba_id)
    await signup.start(number)
    await signup.go()
    assert (await signup.integration()).state == "live"
