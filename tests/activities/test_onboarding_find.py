"""From the token to the number: which it is, whose choice it is, and who holds it already."""

from typing import Any

import pytest

from store.errors import InvalidRequestError, NumberTakenError
from store.integrations import set_state
from store.onboarding_answers import choose_number
from store.onboardings import Hints, OnboardingRunningError
from tests.activities.signup import Signup


async def test_the_only_number_is_found_without_any_hint(signup: Signup) -> None:
    number = await signup.meta.prepare_number()
    await signup.start(number, hints=False)
    assert (await signup.go(to="find")).state == "done"
    shown = (await signup.shown()).number
    assert shown is not None
    assert (shown.waba_id, shown.phone_number_id) == (number.waba_id, number.phone_number_id)
    assert shown.phone_number == f"+{number.display_phone_number}"


async def test_ids_that_the_browser_made_up_are_not_believed(signup: Signup) -> None:
    number, foreign = await signup.meta.prepare_number(), await signup.meta.prepare_number()
    code = await signup.meta.issue_code(number.waba_id)
    await signup.start_with(code, hints=Hints("FINISH", foreign.waba_id, foreign.phone_number_id))
    assert (await signup.go(to="find")).state == "done"
    assert (await signup.row()).phone_number_id == number.phone_number_id


async def test_access_to_everything_is_narrowed_by_the_browsers_account_once_it_is_read(signup: Signup) -> None:
    number = await signup.meta.prepare_number()
    other = await signup.meta.prepare_number(business_id=number.business_id)
    code = await signup.meta.issue_code(number.waba_id, names_targets=False)
    await signup.start_with(code, hints=Hints("FINISH", other.waba_id))
    assert (await signup.go(to="find")).state == "done"
    assert (await signup.row()).phone_number_id == other.phone_number_id


async def test_access_to_everything_without_a_hint_is_listed_by_the_businesses(signup: Signup) -> None:
    number = await signup.meta.prepare_number()
    scopes = ["whatsapp_business_management", "whatsapp_business_messaging", "business_management"]
    code = await signup.meta.issue_code(number.waba_id, names_targets=False, scopes=scopes)
    await signup.start_with(code)
    assert (await signup.go(to="find")).state == "done"
    assert (await signup.row()).phone_number_id == number.phone_number_id


async def test_no_account_and_an_account_without_a_number_are_told_apart(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go(to="inspect")
    await signup.meta.change_tokens(waba_id=number.waba_id, remove_wabas=[number.waba_id])
    assert (await signup.take("find")).code == "no_waba"
    waba_id = await signup.meta.add_waba()
    await signup.start_with(await signup.meta.issue_code(waba_id))
    outcome = await signup.go(to="find")
    assert outcome.code == "no_number"
    assert "WhatsApp Manager" in ((await signup.step("find")).next_step or "")


async def test_several_numbers_wait_for_a_persons_choice(signup: Signup) -> None:
    first = await signup.meta.prepare_number()
    second = await signup.meta.prepare_number(waba_id=first.waba_id)
    await signup.start(first, hints=False)
    outcome = await signup.go(to="find")
    assert (outcome.state, outcome.waiting_for) == ("waiting", "number")
    assert {one.phone_number_id for one in (await signup.shown()).candidates} == {
        first.phone_number_id,
        second.phone_number_id,
    }
    with pytest.raises(InvalidRequestError, match="none of the candidates"):
        await choose_number(signup.database, phone_number_id="106540352242922", **signup.names)
    await choose_number(signup.database, phone_number_id=second.phone_number_id, **signup.names)
    assert (await signup.shown()).waiting_for is None
    assert (await signup.take("find")).state == "done"
    assert (await signup.row()).phone_number_id == second.phone_number_id


async def test_a_number_that_another_organization_holds_is_refused(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go(to="activate")
    other = await signup.of_another()
    await other.start(number)
    assert (await other.go(to="find")).code == "number_taken"


@pytest.mark.parametrize(("state", "reason"), [("held", "permission"), ("held", "app"), ("stopped", "stopped")])
async def test_a_number_that_does_not_send_for_another_reason_than_its_token_is_its_holders_still(
    signup: Signup, state: Any, reason: str
) -> None:
    number = await signup.prepared()
    await signup.go(to="activate")
    owner = {"organization_id": signup.organization_id, "integration_id": (await signup.integration()).id}
    await set_state(signup.database, state=state, reason=reason, **owner)
    other = await signup.of_another()
    await other.start(number)
    assert (await other.go(to="find")).code == "number_taken"
    assert (await signup.integration()).state == state


async def test_a_candidate_held_elsewhere_is_shown_so_and_cannot_be_chosen(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go(to="activate")
    free = await signup.meta.prepare_number(waba_id=number.waba_id)
    other = await signup.of_another()
    await other.start(number, hints=False)
    assert (await other.go(to="find")).waiting_for == "number"
    taken = {one.phone_number_id: one.taken for one in (await other.shown()).candidates}
    assert taken == {number.phone_number_id: "elsewhere", free.phone_number_id: None}
    with pytest.raises(NumberTakenError):
        await choose_number(other.database, phone_number_id=number.phone_number_id, **other.names)
    assert (await other.shown()).waiting_for == "number"
    owner = {"organization_id": signup.organization_id, "integration_id": (await signup.integration()).id}
    await set_state(signup.database, state="held", reason="token", **owner)
    assert (await other.take("find")).waiting_for == "number"
    assert {one.taken for one in (await other.shown()).candidates} == {None}, "a dead token holds nothing"
    await choose_number(other.database, phone_number_id=number.phone_number_id, **other.names)


async def test_a_number_is_connected_by_one_onboarding_at_a_time(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go(to="find")
    other = await signup.of_another()
    await other.start(number)
    assert (await other.go(to="find")).code == "onboarding_running"
    second = await signup.meta.prepare_number(waba_id=number.waba_id)
    third = await signup.of_another()
    await third.start(second, hints=False)
    await third.go(to="find")
    assert {one.taken for one in (await third.shown()).candidates} == {"onboarding", None}
    with pytest.raises(OnboardingRunningError):
        await choose_number(third.database, phone_number_id=number.phone_number_id, **third.names)
    await signup.end()
    await choose_number(third.database, phone_number_id=number.phone_number_id, **third.names)


async def test_a_new_sign_in_replaces_the_recovery_that_waited_for_it(signup: Signup) -> None:
    number = await signup.meta.prepare_number()
    lost = await signup.start_with(None, way="recovery", hints=Hints(waba_id=number.waba_id))  # type: ignore[arg-type]
    await signup.take("exchange")
    await signup.start(number)
    await signup.go(to="find")
    signup.onboarding_id = lost
    assert (await signup.standing()).cancelled
