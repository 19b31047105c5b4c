"""For whom an onboarding's run waits, and for how long: an answer, a look, a time of its own, the end of patience."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from tests.waiting import until
from tests.workflows.scripted import events_of
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
    until_shown,
    waiting,
)
from workflows.onboarding_contracts import STEPS, Acted, Step, StepOutcome


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
