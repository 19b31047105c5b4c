"""An end that is interrupted or repeated: what is left is taken back at the next try, and nothing twice."""

import asyncio

import pytest

from store.errors import MetaUnavailableError
from tests.activities.signup import DiedError, Signup


async def test_nothing_leaves_by_a_number_while_it_is_being_taken_back(signup: Signup) -> None:
    await signup.prepared()
    await signup.go()
    with pytest.raises(DiedError):
        await signup.dying_after("deregister").end()
    assert (await signup.integration()).state == "connecting"
    await signup.end()
    assert (await signup.integration()).state == "disconnected"


async def test_ended_twice_nothing_more_happens(signup: Signup) -> None:
    await signup.prepared()
    await signup.go()
    first = await signup.end()
    calls = await signup.changes_at_meta()
    again = await signup.end("failed", "token_invalid")
    assert (again.state, again.undone) == (first.state, first.undone)
    assert await signup.changes_at_meta() == calls
    assert (await signup.take("subscribe")).code == "cancelled"


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
    assert not await signup.is_subscribed(number.waba_id)
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
