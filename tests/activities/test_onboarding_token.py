"""From the code to the token: exchange and inspect."""

import asyncio
from datetime import timedelta

import pytest

import egress
from activities.onboarding.exchanging import exchange
from store import onboarding_steps
from store.errors import MetaUnavailableError, NotWaitedForError, SealingError
from store.onboarding_answers import give_code
from store.onboardings import Hints
from tests.activities.signup import DiedError, Signup, accounts_at
from tests.rows import RING, change


async def test_a_code_becomes_a_sealed_token_and_is_gone(signup: Signup) -> None:
    await signup.prepared()
    outcome = await signup.take("exchange")
    row = await signup.row()
    assert outcome.state == "done"
    assert row.code_sealed is None
    token = RING.open(row.token_sealed, table="onboardings", column="token_sealed", row=row.id)
    assert token in {one["text"] for one in await signup.meta.tokens()}
    assert row.token_last4 == token[-4:]
    assert (await signup.take("exchange")).state == "done"
    assert await signup.meta.count("exchange") == 1


async def test_a_code_of_31_seconds_is_not_even_asked_for(signup: Signup) -> None:
    await signup.prepared()
    await change(signup.database, "UPDATE onboardings SET code_received_at = clock_timestamp() - interval '31 seconds'")
    outcome = await signup.take("exchange")
    assert (outcome.state, outcome.code) == ("failed", "code_expired")
    assert await signup.meta.count("exchange") == 0
    assert (await signup.row()).code_sealed is None


async def test_meta_calls_a_code_expired_or_used(signup: Signup) -> None:
    await signup.prepared()
    await signup.meta.move_clock(timedelta(seconds=31))
    assert (await signup.take("exchange")).code == "code_expired"
    number = await signup.meta.prepare_number()
    code = await signup.meta.issue_code(number.waba_id)
    await signup.start_with(code)
    assert (await signup.take("exchange")).state == "done"
    await signup.start_with(code)
    assert (await signup.take("exchange")).code == "code_used"
    step = await signup.step("exchange")
    assert (step.state, step.meta_code, step.meta_subcode) == ("failed", 100, 36009)
    assert step.next_step
    assert step.fbtrace_id


@pytest.mark.parametrize("fault", ["drop", "cut", "server_error"])
async def test_a_code_that_was_written_and_not_answered_is_lost_and_never_written_again(
    signup: Signup, fault: str
) -> None:
    await signup.prepared()
    await signup.meta.add_fault(fault, call="exchange", count=1)
    assert (await signup.take("exchange")).code == "code_lost"
    assert (await signup.take("exchange")).code == "code_lost"
    assert await signup.meta.count("exchange") == 1


async def test_a_worker_that_dies_after_the_exchange_leaves_a_lost_code_not_a_second_exchange(signup: Signup) -> None:
    await signup.prepared()
    with pytest.raises(DiedError):
        await signup.dying_after("exchange_code").take("exchange")
    outcome = await signup.take("exchange")
    assert (outcome.state, outcome.code) == ("failed", "code_lost")
    assert await signup.meta.count("exchange") == 1


async def test_a_code_that_was_certainly_not_written_is_tried_again(signup: Signup) -> None:
    await signup.prepared()
    async with egress.graph_client(max_connections=1) as client:
        nowhere = signup.with_desk(accounts=accounts_at(client, "http://127.0.0.1:9"))
        with pytest.raises(MetaUnavailableError):
            await nowhere.take("exchange")
    step = await signup.step("exchange")
    assert (step.state, step.attempts) == ("running", 1)
    assert "could not be reached" in (step.says or "")
    assert (await signup.take("exchange")).state == "done"
    assert (await signup.step("exchange")).attempts == 2


async def test_the_wrong_app_secret_is_said_to_be_holdfasts_own_fault(signup: Signup) -> None:
    await signup.prepared()
    await signup.meta.add_fault(
        "refuse", call="exchange", code=1, details="Error validating application. Cannot get application info."
    )
    assert (await signup.take("exchange")).code == "app_refused"


async def test_a_recovered_signup_waits_for_a_code_and_goes_on_with_one(signup: Signup) -> None:
    number = await signup.meta.prepare_number()
    await signup.start_with(None, way="recovery", hints=Hints(waba_id=number.waba_id))  # type: ignore[arg-type]
    outcome = await signup.take("exchange")
    assert (outcome.state, outcome.waiting_for) == ("waiting", "code")
    await give_code(signup.database, RING, code=await signup.meta.issue_code(number.waba_id), **signup.names)
    assert (await signup.take("exchange")).state == "done"
    with pytest.raises(NotWaitedForError):
        await give_code(signup.database, RING, code="another", **signup.names)


async def test_a_code_sealed_for_another_onboarding_does_not_open(signup: Signup) -> None:
    await signup.prepared()
    first = await signup.row()
    await signup.prepared()
    await change(signup.database, "UPDATE onboardings SET code_sealed = :code", code=first.code_sealed)
    with pytest.raises(SealingError):
        await signup.take("exchange")
    assert await signup.meta.count("exchange") == 0


async def test_a_token_of_another_app_is_refused(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.take("exchange")
    await signup.meta.change_tokens(waba_id=number.waba_id, app_id="200000000000002")
    assert (await signup.take("inspect")).code == "wrong_app"


async def test_a_token_that_is_dead_already_is_refused(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.take("exchange")
    await signup.meta.change_tokens(waba_id=number.waba_id, revoked=460)
    assert (await signup.take("inspect")).code == "token_invalid"


async def test_a_missing_permission_is_named(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.take("exchange")
    await signup.meta.change_tokens(waba_id=number.waba_id, remove_scopes=["whatsapp_business_messaging"])
    outcome = await signup.take("inspect")
    assert outcome.code == "missing_permission"
    assert "whatsapp_business_messaging" in outcome.says
    assert "whatsapp_business_management" not in outcome.says


async def test_the_facts_of_the_token_are_kept(signup: Signup) -> None:
    number = await signup.meta.prepare_number()
    code = await signup.meta.issue_code(number.waba_id, expires_in=timedelta(days=60))
    await signup.start_with(code)
    await signup.go(to="inspect")
    row = await signup.row()
    assert row.token_type == "SYSTEM_USER"
    assert set(row.token_scopes) == {"whatsapp_business_management", "whatsapp_business_messaging"}
    assert timedelta(days=59) < row.token_expires_at - row.created_at < timedelta(days=61)


@pytest.mark.parametrize(
    ("step", "call"), [("inspect", "debug_token"), ("find", "waba"), ("find", "phone_numbers"), ("find", "debug_token")]
)
async def test_what_meta_does_not_answer_is_told_on_the_step_and_tried_again(
    signup: Signup, step: str, call: str
) -> None:
    await signup.prepared()
    await signup.go(to="exchange" if step == "inspect" else "inspect")
    await signup.meta.add_fault("server_error", call=call, count=1)
    with pytest.raises(MetaUnavailableError):
        await signup.take(step)  # type: ignore[arg-type]
    told = await signup.step(step)  # type: ignore[arg-type]
    assert (told.state, told.attempts) == ("running", 1)
    assert told.says
    assert (await signup.take(step)).state == "done"  # type: ignore[arg-type]


async def test_two_attempts_at_once_write_the_code_once(signup: Signup) -> None:
    await signup.prepared()
    taken = await onboarding_steps.take(signup.database, signup.onboarding_id, "exchange")
    outcomes = await asyncio.gather(*(exchange(signup.desk, taken) for _ in range(2)), return_exceptions=True)
    assert sum(isinstance(outcome, MetaUnavailableError) for outcome in outcomes) == 1
    assert await signup.meta.count("exchange") == 1


async def test_a_step_that_failed_fails_the_same_again_for_a_run_that_was_lost_before_the_end(signup: Signup) -> None:
    await signup.prepared()
    await signup.meta.move_clock(timedelta(seconds=31))
    first = await signup.take("exchange")
    assert (await signup.standing()).left[0] == "exchange"
    assert await signup.take("exchange") == first
    assert (first.code, await signup.meta.count("exchange")) == ("code_expired", 1)
