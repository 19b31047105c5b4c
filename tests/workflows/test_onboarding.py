"""The onboarding's run on a real Temporal server, in the sandbox; its activities follow a script.

What the steps themselves do is proven with Postgres and the simulator elsewhere; here: which is taken when, for whom
the run waits, and how it ends.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from tests.workflows.scripted import events_of, until
from tests.workflows.scripted_onboarding import (
    MS,
    Run,
    Scripted,
    details,
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
from workflows.onboarding_contracts import STEPS, Acted, EndOnboarding, Step, StepOutcome


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


@pytest.mark.parametrize(("step", "kind"), [("find", "number"), ("register", "pin"), ("check", "retry")])
async def test_an_answer_that_is_waited_for_is_taken_at_once_and_no_other(
    temporal_client: Client, step: Step, kind: Any
) -> None:
    script = Scripted({step: first(step, waiting(step, kind))})
    async with running(temporal_client, script) as run:
        await until_shown(run, step, kind)
        others = {"number", "pin", "retry", "proof"} - {kind}
        for other in others:
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await run.execute_update("act", Acted(other))  # type: ignore[arg-type]
            assert isinstance(refused.value.cause, ApplicationError)
            assert refused.value.cause.type == "not_waited_for"
        assert "It waits for a person" in await details(run)
        assert script.taken.count(step) == 1
        await run.execute_update("act", Acted(kind))
        await result(run)
        events = await events_of(run)
    assert script.taken.count(step) == 2
    assert events["WORKFLOW_EXECUTION_UPDATE_ACCEPTED"] == 1, "what was refused leaves no trace"


async def test_an_answer_that_nobody_waits_for_is_refused_while_a_step_is_taken(temporal_client: Client) -> None:
    gate = asyncio.Event()

    async def find(_: int) -> StepOutcome:
        await gate.wait()
        return done("find")

    script = Scripted({"find": find})
    async with running(temporal_client, script) as run:
        await until(lambda: "find" in script.taken)
        with pytest.raises(WorkflowUpdateFailedError):
            await run.execute_update("act", Acted("pin"))
        gate.set()
        await result(run)
    assert script.taken == list(STEPS)


async def test_a_wrong_pin_is_waited_for_again(temporal_client: Client) -> None:
    script = Scripted({"register": lambda n: waiting("register", "pin") if n < 3 else done("register")})
    async with running(temporal_client, script) as run:
        for n in (1, 2):
            await until_shown(run, "register", "pin")
            await until(lambda n=n: script.taken.count("register") == n)  # type: ignore[misc]
            await until_answered(run, "pin")
        await result(run)
    assert script.taken.count("register") == 3


async def until_answered(run: Run, act: Any) -> None:
    """Act as soon as the run waits for it."""
    async with asyncio.timeout(10):
        while True:
            try:
                await run.execute_update("act", Acted(act))
            except WorkflowUpdateFailedError:
                await asyncio.sleep(0.02)
            else:
                return


async def test_a_look_reads_the_row_and_takes_the_waiting_step_again(temporal_client: Client) -> None:
    script = Scripted({"prove": first("prove", waiting("prove", "proof"))})
    async with running(temporal_client, script) as run:
        await until_shown(run, "prove", "proof")
        assert script.reads == 1
        await run.signal("look")
        await result(run)
    assert (script.taken.count("prove"), script.reads) == (2, 2)


async def test_an_answer_that_is_stored_while_its_step_still_runs_is_not_missed(temporal_client: Client) -> None:
    """The step has read the row before the PIN was there; the look comes before the step's answer does."""
    looked = asyncio.Event()

    async def register(n: int) -> StepOutcome:
        if n == 1:
            await looked.wait()
            return waiting("register", "pin")
        return done("register")

    script = Scripted({"register": register})
    async with running(temporal_client, script) as run:
        await until(lambda: "register" in script.taken)
        await run.signal("look")
        await until(lambda: script.reads == 2)
        looked.set()
        await result(run)
    assert script.taken.count("register") == 2


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


async def test_a_wait_of_its_own_takes_the_step_again_by_itself(temporal_client: Client) -> None:
    script = Scripted({"register": first("register", waiting("register", "retry", 150 * MS))})
    async with running(temporal_client, script) as run:
        await result(run)
        assert (await events_of(run))["TIMER_FIRED"] == 1
    assert script.taken.count("register") == 2


async def test_looks_while_it_waits_change_no_attribute_and_no_timer(temporal_client: Client) -> None:
    script = Scripted({"register": lambda _: waiting("register", "pin")})
    async with running(temporal_client, script) as run:
        await until_shown(run, "register", "pin")
        before = await events_of(run)
        for n in (2, 3, 4):
            await run.signal("look")
            await until(lambda n=n: script.taken.count("register") == n)  # type: ignore[misc]
        await asyncio.sleep(0.3)
        after = await events_of(run)
    cost = after - before
    assert "TIMER_STARTED" not in cost
    assert "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES" not in cost


async def test_patience_that_ends_fails_the_onboarding_with_words(temporal_client: Client) -> None:
    script = Scripted({"register": lambda _: waiting("register", "pin")})
    async with running(temporal_client, script, patience=300 * MS) as run:
        await result(run)
        assert await shown(run) == ("failed", "")
    (end,) = script.ends
    assert (end.state, end.code) == ("failed", "gave_up_waiting")
    assert "PIN" in end.detail


async def test_all_waits_share_one_patience(temporal_client: Client) -> None:
    script = Scripted(
        {"find": first("find", waiting("find", "number")), "register": lambda _: waiting("register", "pin")}
    )
    async with running(temporal_client, script, patience=timedelta(seconds=1.5)) as run:
        await until_shown(run, "find", "number")
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(0.8)
        await run.execute_update("act", Acted("number"))
        await result(run)
        assert asyncio.get_running_loop().time() - began < 2.2
        assert (await events_of(run))["TIMER_STARTED"] == 1
    assert script.ends[0].code == "gave_up_waiting"


async def test_the_rows_know_how_much_patience_is_left(temporal_client: Client) -> None:
    script = Scripted({"register": lambda _: waiting("register", "pin")}, patience_ends=datetime.now(UTC))
    async with running(temporal_client, script) as run:
        await result(run)
    assert script.ends[0].code == "gave_up_waiting"


async def test_an_end_of_patience_that_the_rows_have_moved_on_is_waited_for_anew(temporal_client: Client) -> None:
    def read(n: int) -> None:
        if n == 2:
            script.patience_ends = datetime.now(UTC) + timedelta(seconds=2)

    script = Scripted({"register": lambda _: waiting("register", "pin")}, reading=read, patience_ends=datetime.now(UTC))
    async with running(temporal_client, script) as run:
        began = asyncio.get_running_loop().time()
        await result(run)
        assert asyncio.get_running_loop().time() - began > 2
    assert (script.taken.count("register"), script.ends[0].code) == (2, "gave_up_waiting")


async def test_a_proof_that_never_comes_ends_the_run_with_a_notice_and_no_failure(temporal_client: Client) -> None:
    script = Scripted({"prove": lambda _: waiting("prove", "proof")})
    async with running(temporal_client, script, patience=300 * MS) as run:
        await result(run)
        assert await shown(run) == ("live", "")
    assert [command.gives_up for command in script.commands if command.step == "prove"] == [False, True]
    assert script.ends == []


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
