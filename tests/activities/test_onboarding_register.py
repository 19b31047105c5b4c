"""Registering: only if it is needed, never by itself, and every refusal of Meta's in words."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import egress
from store.errors import MetaUnavailableError, NotWaitedForError
from store.onboarding_answers import retry
from tests.activities.registering import PIN, given, registered, shown_pin
from tests.activities.signup import DiedError, Signup, accounts_at
from tests.rows import change


async def test_a_number_that_is_registered_is_left_alone(signup: Signup) -> None:
    await signup.prepared(
        registered=True, status="CONNECTED", platform_type="CLOUD_API", throughput_level="STANDARD", pin=PIN
    )
    outcome = await signup.go(to="register")
    assert (outcome.state, await registered(signup)) == ("skipped", 0)
    assert (await signup.row()).was_registered is True


@pytest.mark.parametrize("fault", ["drop", "cut", "server_error"])
async def test_a_lost_answer_is_looked_up_at_the_number_and_found_registered(signup: Signup, fault: str) -> None:
    await signup.prepared()
    await signup.go(to="subscribe")
    await signup.meta.add_fault(fault, call="register", count=1)
    with pytest.raises(MetaUnavailableError):
        await signup.take("register")
    assert (await signup.take("register")).state == "done"
    assert await registered(signup) == 1
    row = await signup.row()
    assert (row.registered_by_us, row.was_registered) == (True, False)
    assert await shown_pin(signup)


async def test_a_lost_answer_that_did_not_register_waits_for_a_person(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="subscribe")
    await signup.meta.add_fault("server_error", call="register", count=1, accepted=False)
    with pytest.raises(MetaUnavailableError):
        await signup.take("register")
    for _ in range(3):
        outcome = await signup.take("register")
        assert (outcome.state, outcome.waiting_for, outcome.wait) == ("waiting", "retry", None)
    assert await registered(signup) == 1
    await retry(signup.database, **signup.names)
    assert (await signup.take("register")).state == "done"
    assert await registered(signup) == 2


async def test_a_worker_that_dies_after_registering_has_registered_once(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="subscribe")
    with pytest.raises(DiedError):
        await signup.dying_after("register").take("register")
    assert (await signup.take("register")).state == "done"
    assert await registered(signup) == 1
    assert await shown_pin(signup)


async def test_what_was_certainly_not_written_is_not_counted_and_tried_again(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="subscribe")
    async with egress.graph_client(max_connections=1) as client:
        accounts: Any = accounts_at(client, "http://127.0.0.1:9")
        nowhere = signup.with_desk(accounts=_Register(signup.desk.accounts, accounts.register))
        with pytest.raises(MetaUnavailableError):
            await nowhere.take("register")
    row = await signup.row()
    assert (row.register_posted_at, row.register_calls) == (None, 0)
    assert (await signup.take("register")).state == "done"


class _Register:
    """Accounts that reach Meta for all but one call."""

    def __init__(self, accounts: Any, register: Callable[..., Awaitable[Any]]) -> None:
        self._accounts = accounts
        self.register = register

    def __getattr__(self, name: str) -> Any:
        return getattr(self._accounts, name)


async def test_after_ten_calls_it_says_until_when_and_never_goes_on_by_itself(signup: Signup) -> None:
    await signup.prepared(registrations_made=10)
    outcome = await signup.go(to="register")
    assert (outcome.state, outcome.waiting_for, outcome.wait) == ("waiting", "retry", None)
    shown = await signup.shown()
    assert shown.register_not_before is not None
    assert timedelta(hours=71) < shown.register_not_before - datetime.now(UTC) < timedelta(hours=73)
    assert f"{shown.register_not_before:%Y-%m-%d %H:%M}" in (await signup.step("register")).says  # type: ignore[operator]
    with pytest.raises(NotWaitedForError, match="before"):
        await retry(signup.database, **signup.names)
    await signup.take("register")
    await change(signup.database, "UPDATE onboardings SET register_not_before = clock_timestamp()")
    assert (await signup.take("register")).waiting_for == "retry"
    assert await registered(signup) == 1
    await signup.meta.move_clock(timedelta(hours=73))
    await retry(signup.database, **signup.names)
    assert (await signup.take("register")).state == "done"


@pytest.mark.parametrize(
    ("code", "details", "wait"),
    [
        (133008, "Please wait 20 minutes before trying again.", timedelta(minutes=20)),
        (133009, "Too fast.", timedelta(minutes=1)),
        (133015, "Deleted a moment ago.", timedelta(minutes=5)),
    ],
)
async def test_a_wait_that_meta_names_is_kept_and_then_it_goes_on_by_itself(
    signup: Signup, code: int, details: str, wait: timedelta
) -> None:
    await signup.prepared(pin=PIN)
    await signup.go(to="register")
    await given(signup, PIN)
    await signup.meta.add_fault("refuse", call="register", code=code, details=details, count=1)
    outcome = await signup.take("register")
    assert (outcome.waiting_for, outcome.wait) == ("retry", wait)
    early = await signup.take("register")
    assert early.wait is not None
    assert wait - timedelta(seconds=20) < early.wait <= wait
    assert await registered(signup) == 1
    assert (await signup.step("register")).meta_code == code
    await change(signup.database, "UPDATE onboardings SET register_not_before = clock_timestamp()")
    assert (await signup.take("register")).state == "done"
    assert await registered(signup) == 2


@pytest.mark.parametrize(
    ("code", "waiting_for", "words"),
    [
        (131031, "pin", "locked"),
        (133006, "retry", "verified"),
        (133000, "retry", "deregistration"),
        (100, "retry", "Meta did not register"),
        (10, "retry", "permission"),
        (368, "retry", "Meta did not register"),
    ],
)
async def test_every_refusal_waits_for_the_person_who_can_help_and_is_not_repeated(
    signup: Signup, code: int, waiting_for: str, words: str
) -> None:
    await signup.prepared()
    await signup.go(to="subscribe")
    await signup.meta.add_fault("refuse", call="register", code=code)
    for _ in range(3):
        outcome = await signup.take("register")
        assert (outcome.state, outcome.waiting_for, outcome.wait) == ("waiting", waiting_for, None)
        if waiting_for == "pin":
            break
        assert words in outcome.says
        assert (await signup.step("register")).meta_code == code
    assert await registered(signup) == 1


async def test_a_number_that_was_never_verified_costs_no_call(signup: Signup) -> None:
    number = await signup.prepared(code_verification_status="NOT_VERIFIED")
    assert (await signup.go(to="register")).waiting_for == "retry"
    assert await registered(signup) == 0
    await signup.meta.set_number(number.phone_number_id, code_verification_status="VERIFIED")
    assert (await signup.take("register")).state == "done"


async def test_a_number_of_the_app_is_asked_for_its_past_once_and_never_registered(signup: Signup) -> None:
    number = await signup.prepared(
        registered=True,
        status="CONNECTED",
        platform_type="CLOUD_API",
        throughput_level="STANDARD",
        is_on_biz_app=True,
    )
    await signup.go(to="subscribe")
    await signup.meta.add_fault("server_error", call="sync", count=1)
    with pytest.raises(MetaUnavailableError):
        await signup.take("register")
    assert (await signup.take("register")).state == "skipped"
    integration = await signup.integration()
    assert integration.coexistence
    assert integration.history_sync_at is not None
    assert sorted((await signup.meta.number(number.phone_number_id))["synced"]) == ["history", "smb_app_state_sync"]
    assert await registered(signup) == 0
    await change(signup.database, "UPDATE onboarding_steps SET state = 'running' WHERE step = 'register'")
    calls = await signup.meta.count("sync")
    await signup.take("register")
    assert await signup.meta.count("sync") == calls


async def test_a_past_that_comes_too_late_is_said_and_stops_nothing(signup: Signup) -> None:
    await signup.prepared(
        registered=True,
        status="CONNECTED",
        platform_type="CLOUD_API",
        throughput_level="STANDARD",
        is_on_biz_app=True,
    )
    await signup.meta.move_clock(timedelta(hours=25))
    await signup.start_with(await signup.meta.issue_code((await signup.meta.wabas())[-1]["waba_id"]))
    outcome = await signup.go(to="register")
    assert outcome.state == "skipped"
    assert "within 24 hours" in outcome.says


async def test_two_attempts_at_once_write_one_registration(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="subscribe")
    await signup.meta.add_fault("slow", call="number", seconds=0.5)
    outcomes = await asyncio.gather(*(signup.take("register") for _ in range(2)), return_exceptions=True)
    assert sum(isinstance(outcome, MetaUnavailableError) for outcome in outcomes) == 1
    assert await registered(signup) == 1
