"""PINs that are known from before, and how often one is tried."""

from store.onboarding_answers import retry
from tests.activities.signup import Signup
from tests.activities.test_onboarding_register import PIN, given, registered
from tests.rows import change


async def test_a_pin_that_an_earlier_onboarding_made_and_nobody_has_seen_is_used_again(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go(to="register")
    await signup.end()
    made = await signup.meta.number(number.phone_number_id)
    assert (made["registered"], made["pin"] is not None) == (False, True), "Meta keeps the PIN that we set"
    await signup.start(number)
    outcome = await signup.go(to="register")
    assert (outcome.state, await registered(signup)) == ("done", 2)
    assert (await signup.meta.number(number.phone_number_id))["pin"] == made["pin"]


async def test_another_organizations_pin_is_not_used_for_the_same_number(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go(to="register")
    await signup.end()
    other = await signup.of_another()
    await other.start(number)
    outcome = await other.go(to="register")
    assert (outcome.waiting_for, await registered(signup)) == ("pin", 1)


async def test_a_number_that_meta_puts_off_again_and_again_is_left_to_a_person_before_the_ten_calls(
    signup: Signup,
) -> None:
    await signup.prepared(pin=PIN)
    await signup.go(to="register")
    await given(signup, PIN)
    await signup.meta.add_fault("refuse", call="register", code=133009, details="Too fast.")
    outcome = await signup.take("register")
    while outcome.wait is not None and await registered(signup) < 10:
        await change(signup.database, "UPDATE onboardings SET register_not_before = clock_timestamp()")
        outcome = await signup.take("register")
    assert (outcome.waiting_for, outcome.wait, await registered(signup)) == ("retry", None, 6)
    await change(signup.database, "UPDATE onboardings SET register_not_before = clock_timestamp()")
    assert (await signup.take("register")).waiting_for == "retry"
    assert await registered(signup) == 6, "nothing but a person repeats it"
    await signup.meta.end_faults()
    await retry(signup.database, **signup.names)
    assert (await signup.take("register")).state == "done"


async def test_a_stored_pin_that_is_wrong_by_now_is_wiped_and_never_tried_again(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go()
    assert (await signup.integration()).pin_sealed is not None
    lost = {"platform_type": "NOT_APPLICABLE", "throughput_level": "NOT_APPLICABLE", "status": "PENDING"}
    await signup.meta.set_number(number.phone_number_id, registered=False, pin=PIN, **lost)
    await signup.start(number)
    outcome = await signup.go(to="register")
    assert (outcome.waiting_for, await registered(signup)) == ("pin", 2)
    assert (await signup.integration()).pin_sealed is None
    assert (await signup.take("register")).waiting_for == "pin"
    assert await registered(signup) == 2
    await given(signup, PIN)
    assert (await signup.take("register")).state == "done"
