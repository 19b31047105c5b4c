"""The onboarding's run on a real Temporal server, in the sandbox; its activities follow a script.

What the steps themselves do is proven with Postgres and the simulator elsewhere; here: which is taken when, for whom
the run waits, and how it ends.
"""

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import Client

from tests.waiting import until
from tests.workflows.scripted import events_of
from tests.workflows.scripted_onboarding import (
    MS,
    Scripted,
    done,
    first,
    result,
    running,
    shown,
    start,
    until_shown,
    waiting,
    worker,
)
from workflows.onboarding_contracts import STEPS, Acted, EndOnboarding, StepOutcome


async def test_every_step_is_taken_once_in_order_and_the_run_ends(temporal_client: Client) -> None:
    script = Scripted()
    async with running(temporal_client, script) as run:
        await result(run)
        assert script.taken == list(STEPS)
        assert script.ends == []
        assert script.reads == 1
        assert await shown(run) == ("live", "")
        events = await events_of(run)
    assert events["UPSERT_WORKFLOW_SEARCH_ATTRIBUTES"] == len(STEPS)
    assert events["TIMER_STARTED"] == 0


async def test_a_skipped_step_is_passed_over(temporal_client: Client) -> None:
    script = Scripted({"register": lambda _: StepOutcome("register", "skipped", "It is registered already.")})
    async with running(temporal_client, script) as run:
        await result(run)
    assert script.taken == list(STEPS)


async def test_a_step_that_the_rows_hold_as_done_before_its_answer_arrives_takes_no_other_with_it(
    temporal_client: Client,
) -> None:
    read = asyncio.Event()

    async def connect(_: int) -> StepOutcome:
        script.left = ["subscribe", "register", "check", "activate", "prove"]
        await read.wait()
        return done("connect")

    script = Scripted({"connect": connect})
    async with running(temporal_client, script) as run:
        await until(lambda: "connect" in script.taken)
        await run.signal("look")
        await until(lambda: script.reads == 2)
        read.set()
        await result(run)
    assert script.taken == list(STEPS)


async def test_a_proof_that_nobody_can_look_for_any_more_takes_nothing_back(temporal_client: Client) -> None:
    says = "The onboarding has ended."
    script = Scripted({"prove": lambda _: StepOutcome("prove", "failed", says, code="cancelled")})
    async with running(temporal_client, script) as run:
        await result(run)
        assert await shown(run) == ("live", "")
    assert script.ends == []


async def test_a_step_that_fails_ends_the_onboarding_with_its_code_and_words(temporal_client: Client) -> None:
    says = "The scope whatsapp_business_messaging is missing."
    script = Scripted({"inspect": lambda _: StepOutcome("inspect", "failed", says, code="missing_permission")})
    async with running(temporal_client, script) as run:
        await result(run)
        assert await shown(run) == ("failed", "")
    assert [(end.state, end.code, end.detail) for end in script.ends] == [("failed", "missing_permission", says)]
    assert script.taken == ["exchange", "inspect"]


@pytest.mark.parametrize("state", ["failed", "cancelled", "live"])
async def test_a_run_for_an_onboarding_that_has_ended_returns_at_once(temporal_client: Client, state: str) -> None:
    script = Scripted(state=state, left=[])
    async with running(temporal_client, script) as run:
        await result(run)
        assert await shown(run) == (state, "")
    assert (script.taken, script.ends, script.reads) == ([], [], 1)


async def test_with_an_emptied_temporal_a_new_run_takes_only_what_is_left(temporal_client: Client) -> None:
    script = Scripted({"register": first("register", waiting("register", "pin"))})
    async with running(temporal_client, script) as run:
        await until_shown(run, "register", "pin")
        await run.terminate()
        taken = list(script.taken)
        again = await start(temporal_client)
        await result(again)
    assert script.taken == [*taken, "register", "check", "activate", "prove"]


async def test_a_live_number_whose_proof_is_awaited_goes_on_in_a_new_run(temporal_client: Client) -> None:
    script = Scripted({"prove": first("prove", waiting("prove", "proof"))}, state="live", left=["prove"])
    async with running(temporal_client, script) as run:
        await until_shown(run, "prove", "proof")
        await run.execute_update("act", Acted("proof"))
        await result(run)
    assert script.ends == []


async def test_a_run_that_grows_long_continues_as_new_and_keeps_its_patience(temporal_client: Client) -> None:
    script = Scripted({"register": lambda _: waiting("register", "retry", 300 * MS)})
    async with running(temporal_client, script, patience=timedelta(seconds=2), events_per_run=40) as run:
        began = asyncio.get_running_loop().time()
        await result(run, seconds=20)
        assert 1.5 < asyncio.get_running_loop().time() - began < 15
    assert script.taken.count("exchange") == 1
    assert script.reads > 1
    assert script.ends[0] == EndOnboarding(
        script.commands[0].onboarding_id, "failed", "gave_up_waiting", script.ends[0].detail
    )


async def test_another_worker_goes_on_where_one_was_lost(temporal_client: Client) -> None:
    script = Scripted({"find": first("find", waiting("find", "number"))})
    async with worker(temporal_client, script, max_cached_workflows=0):
        run = await start(temporal_client)
        await until_shown(run, "find", "number")
    async with worker(temporal_client, script, max_cached_workflows=0):
        await run.execute_update("act", Acted("number"))
        await result(run)
    assert script.taken == ["exchange", "inspect", "find", *STEPS[2:]]
