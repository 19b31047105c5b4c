"""PINs: made or entered, sealed, shown once, known from before, and how often one is tried."""

import pytest

from store.errors import ConflictError, InvalidRequestError, NotWaitedForError, SealingError
from store.onboarding_answers import retry
from tests.activities.registering import PIN, given, registered, shown_pin
from tests.activities.signup import Signup
from tests.rows import RING, change


async def test_a_pin_is_made_sealed_and_shown_once(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go(to="subscribe")
    with pytest.raises(ConflictError):
        await shown_pin(signup)
    assert (await signup.take("register")).state == "done"
    pin = (await signup.meta.number(number.phone_number_id))["pin"]
    integration = await signup.integration()
    place = {"table": "integrations", "column": "pin_sealed", "row": integration.id}
    assert RING.open(integration.pin_sealed, **place) == pin
    assert (await signup.shown()).pin_to_be_shown
    assert await shown_pin(signup) == pin
    assert not (await signup.shown()).pin_to_be_shown
    with pytest.raises(ConflictError):
        await shown_pin(signup)
    assert (await signup.row()).pin_sealed is None


async def test_a_number_with_a_pin_is_not_registered_before_the_pin_is_known(signup: Signup) -> None:
    await signup.prepared(pin=PIN)
    outcome = await signup.go(to="register")
    assert (outcome.state, outcome.waiting_for, await registered(signup)) == ("waiting", "pin", 0)
    with pytest.raises(InvalidRequestError):
        await given(signup, "12345")
    with pytest.raises(InvalidRequestError):
        await given(signup, "12345६")
    await given(signup, PIN)
    with pytest.raises(NotWaitedForError):
        await given(signup, PIN)
    assert (await signup.take("register")).state == "done"
    assert (await registered(signup), (await signup.row()).pin_sealed) == (1, None)
    assert not (await signup.shown()).pin_to_be_shown


async def test_a_wrong_pin_waits_for_another_and_the_right_one_goes_on(signup: Signup) -> None:
    await signup.prepared(pin=PIN)
    await signup.go(to="register")
    await given(signup, "111111")
    outcome = await signup.take("register")
    assert (outcome.state, outcome.waiting_for) == ("waiting", "pin")
    step = await signup.step("register")
    assert (step.meta_code, (await signup.row()).pin_sealed) == (133005, None)
    assert "reset it in WhatsApp Manager" in (step.next_step or "")
    assert (await signup.take("register")).waiting_for == "pin"
    again = await signup.step("register")
    assert (again.says, again.meta_code) == (step.says, 133005), "looked at again, it is still the PIN that was wrong"
    assert await registered(signup) == 1
    await given(signup, PIN)
    assert (await signup.take("register")).state == "done"
    assert await registered(signup) == 2


async def test_a_pin_sealed_for_another_onboarding_does_not_open(signup: Signup) -> None:
    await signup.prepared(pin=PIN)
    await signup.go(to="register")
    await given(signup, PIN)
    stolen = (await signup.row()).pin_sealed
    await signup.prepared(pin=PIN)
    await signup.go(to="register")
    await given(signup, PIN)
    await change(signup.database, "UPDATE onboardings SET pin_sealed = :pin", pin=stolen)
    with pytest.raises(SealingError):
        await signup.take("register")
    assert await registered(signup) == 0


async def test_the_pin_of_a_number_that_was_connected_before_is_used_again(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go()
    await signup.meta.set_number(
        number.phone_number_id,
        registered=False,
        status="PENDING",
        platform_type="NOT_APPLICABLE",
        throughput_level="NOT_APPLICABLE",
    )
    await signup.start(number)
    assert (await signup.go(to="register")).state == "done"
    assert await registered(signup) == 2


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
