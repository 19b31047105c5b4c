"""What goes wrong in an onboarding, and what a person takes back: no run fails, nothing is done beside an attempt."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from tests.waiting import until
from tests.workflows.scripted import events_of
from tests.workflows.scripted_onboarding import (
    MS,
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


def _away(times: int, step: Step) -> Callable[[int], StepOutcome]:
    def answer(n: int) -> StepOutcome:
        if n <= times:
            raise ApplicationError("Meta does not answer.", type="meta_unavailable")
        return done(step)

    return answer


def _broken(_: int) -> StepOutcome:
    raise ApplicationError("A defect of ours, error id 7.", type="defect", non_retryable=True)


async def test_what_passes_by_itself_is_repeated_at_each_step_until_it_has_passed(temporal_client: Client) -> None:
    script = Scripted({step: _away(2, step) for step in STEPS})
    async with running(temporal_client, script) as run:
        await result(run, seconds=60)
    assert script.taken == [step for step in STEPS for _ in range(3)]
    assert script.ends == []


async def test_registering_is_never_repeated_by_temporal_but_taken_again_by_the_run(temporal_client: Client) -> None:
    attempts = []

    def register(n: int) -> StepOutcome:
        attempts.append(activity.info().attempt)
        return _away(2, "register")(n)

    script = Scripted({"register": register})
    async with running(temporal_client, script) as run:
        await result(run)
        assert (await events_of(run))["ACTIVITY_TASK_FAILED"] == 2
    assert attempts == [1, 1, 1]


async def test_a_step_that_cannot_be_repeated_is_told_in_words_and_taken_again(temporal_client: Client) -> None:
    script = Scripted({"find": lambda n: _broken(n) if n < 3 else done("find")})
    async with running(temporal_client, script, first_retry=timedelta(seconds=1)) as run:
        await until(lambda: script.taken.count("find") == 1)
        async with asyncio.timeout(5):
            while "error id 7" not in await details(run):  # noqa: ASYNC110 - it happens in Temporal's time
                await asyncio.sleep(0.05)
        assert await shown(run) == ("find", "")
        await run.signal("look")
        await result(run)
    assert script.taken.count("find") == 3


async def test_a_code_that_died_while_meta_was_away_is_asked_of_the_step_once_more(temporal_client: Client) -> None:
    expired = StepOutcome("exchange", "failed", "The code has expired. Start again.", code="code_expired")
    began = asyncio.get_running_loop().time()

    def exchange(n: int) -> StepOutcome:
        if asyncio.get_running_loop().time() - began < 0.6:
            return _away(n, "exchange")(n)
        return expired

    script = Scripted({"exchange": exchange})
    async with running(temporal_client, script, exchange_within=700 * MS, longest_retry=300 * MS) as run:
        await result(run)
    assert script.ends == [EndOnboarding(script.commands[0].onboarding_id, "failed", "code_expired", expired.says)]
    assert set(script.taken) == {"exchange"}


async def test_postgres_away_at_the_start_and_at_the_end_only_delays(temporal_client: Client) -> None:
    def away(n: int) -> None:
        if n < 4:
            raise ApplicationError("Postgres does not answer.", type="unavailable", non_retryable=n == 2)

    script = Scripted({"inspect": lambda _: StepOutcome("inspect", "failed", "No.", code="wrong_app")})
    script.reading = script.ending = away
    async with running(temporal_client, script) as run:
        await result(run)
        assert await shown(run) == ("failed", "")
    assert (script.reads, len(script.ends)) == (4, 4)


@pytest.mark.parametrize(("step", "kind"), [("find", "number"), ("register", "pin"), ("prove", "proof")])
async def test_a_cancellation_while_it_waits_takes_back_what_was_done(
    temporal_client: Client, step: Step, kind: str
) -> None:
    script = Scripted({step: lambda _: waiting(step, kind)})  # type: ignore[arg-type]
    async with running(temporal_client, script) as run:
        await until_shown(run, step, kind)
        await run.execute_update("act", Acted("cancel"))
        await result(run)
        assert await shown(run) == ("cancelled", "")
    assert [(end.state, end.code) for end in script.ends] == [("cancelled", "")]
    assert script.taken[-1] == step


@pytest.mark.parametrize("step", STEPS)
async def test_a_cancellation_during_a_step_waits_for_its_attempt_and_no_step_follows(
    temporal_client: Client, step: Step
) -> None:
    under_way = True

    async def slowly(_: int) -> StepOutcome:
        nonlocal under_way
        async with asyncio.timeout(10):
            while not activity.is_cancelled():
                activity.heartbeat()
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        under_way = False
        return done(step)

    def ending(_: int) -> None:
        assert not under_way, "Meta's answer was not recorded yet"

    script = Scripted({step: slowly}, ending=ending)
    async with running(temporal_client, script) as run:
        await until(lambda: step in script.taken)
        await run.execute_update("act", Acted("cancel"))
        await result(run)
    assert not under_way
    assert [end.state for end in script.ends] == ["cancelled"]
    assert script.taken == list(STEPS[: STEPS.index(step) + 1])


async def test_a_cancellation_between_two_attempts_is_carried_out_at_once(temporal_client: Client) -> None:
    script = Scripted({"subscribe": _away(1000, "subscribe")})
    long = timedelta(seconds=30)
    async with running(temporal_client, script, first_retry=long, longest_retry=long) as run:
        await until(lambda: "subscribe" in script.taken)
        await asyncio.sleep(0.3)
        await run.execute_update("act", Acted("cancel"))
        await result(run, seconds=5)
    assert (script.taken.count("subscribe"), [end.state for end in script.ends]) == (1, ["cancelled"])


async def test_a_cancellation_that_only_the_row_knows_of_is_found_by_a_look(temporal_client: Client) -> None:
    script = Scripted({"subscribe": _away(1000, "subscribe")})
    long = timedelta(seconds=30)
    async with running(temporal_client, script, first_retry=long, longest_retry=long) as run:
        await until(lambda: "subscribe" in script.taken)
        script.cancelled = True
        await run.signal("look")
        await result(run, seconds=5)
    assert [end.state for end in script.ends] == ["cancelled"]


async def test_a_cancellation_before_the_first_step_takes_none(temporal_client: Client) -> None:
    script = Scripted(cancelled=True)
    async with running(temporal_client, script) as run:
        await result(run)
    assert (script.taken, [end.state for end in script.ends]) == ([], ["cancelled"])


async def test_a_cancellation_while_a_failure_is_being_recorded_changes_nothing(temporal_client: Client) -> None:
    def ending(n: int) -> None:
        if n < 3:
            raise ApplicationError("Postgres does not answer.", type="unavailable")

    script = Scripted({"find": lambda _: StepOutcome("find", "failed", "No number.", code="no_number")}, ending=ending)
    async with running(temporal_client, script, first_retry=timedelta(seconds=0.5)) as run:
        await until(lambda: bool(script.ends))
        await run.execute_update("act", Acted("cancel"))
        await result(run)
    assert {(end.state, end.code) for end in script.ends} == {("failed", "no_number")}


async def test_a_worker_killed_within_a_step_has_it_taken_again_by_another(temporal_client: Client) -> None:
    """Not drained: the attempt never answers, its heartbeats end."""
    stuck = asyncio.Event()

    async def subscribe(n: int) -> StepOutcome:
        if n == 1:
            stuck.set()
            await asyncio.sleep(3600)
        return done("subscribe")

    script = Scripted({"subscribe": subscribe})
    lost = worker(temporal_client, script, max_cached_workflows=0, graceful_shutdown_timeout=timedelta(0))
    running_until_lost = asyncio.create_task(lost.run())
    run = await start(temporal_client)
    await asyncio.wait_for(stuck.wait(), timeout=10)
    await lost.shutdown()
    await running_until_lost
    async with worker(temporal_client, script, max_cached_workflows=0):
        await result(run, seconds=20)
    assert script.taken == [*STEPS[:5], *STEPS[4:]]


async def test_an_answer_to_a_step_that_is_being_repeated_is_refused(temporal_client: Client) -> None:
    script = Scripted({"register": first("register", waiting("register", "pin"))})
    script.answers["check"] = _away(1000, "check")
    async with running(temporal_client, script) as run:
        await until_shown(run, "register", "pin")
        await run.execute_update("act", Acted("pin"))
        await until(lambda: "check" in script.taken)
        with pytest.raises(WorkflowUpdateFailedError):
            await run.execute_update("act", Acted("pin"))
