"""Files beside a conversation's loop, on a real Temporal server; what moves them follows a script."""

import asyncio
from datetime import timedelta

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from tests.waiting import until
from tests.workflows.scripted import Scripted, events_of, idle, running
from workflows.contracts import FileMoved, Look, MoveFile


async def test_files_are_moved_beside_the_loop_which_looks_again_when_each_is_there(temporal_client: Client) -> None:
    there = asyncio.Event()

    async def slowly(command: MoveFile) -> FileMoved:
        await there.wait()
        return FileMoved(command.media_id, "fetched")

    script = Scripted(lambda n: idle(files=("f1", "f2"), integration_id="i", to_send=[f"m{n}"]) if n < 3 else idle())
    script.move_as = slowly
    async with running(temporal_client, script) as run:
        await until(lambda: len(script.moves) == 2)
        await run.signal("look")
        await until(lambda: script.sent == ["m1", "m2"])
        moves = sorted(script.moves, key=lambda move: move.media_id)
        assert moves == [MoveFile("f1", "i"), MoveFile("f2", "i")], "told twice, moved once"
        looks = script.looks
        there.set()
        await until(lambda: script.looks > looks)


async def test_a_run_does_not_end_while_a_file_is_being_moved(temporal_client: Client) -> None:
    there = asyncio.Event()

    async def slowly(command: MoveFile) -> FileMoved:
        await there.wait()
        return FileMoved(command.media_id, "fetched")

    script = Scripted(lambda n: Look("", files=("f1",), integration_id="i") if n == 1 else Look(""))
    script.move_as = slowly
    async with running(temporal_client, script, linger=timedelta(milliseconds=100)) as run:
        await until(lambda: len(script.moves) == 1)
        await asyncio.sleep(1)
        assert (await run.describe()).status == 1, "it ended under the file"
        there.set()
        async with asyncio.timeout(40):
            await run.result()
    assert script.looks == 2


async def test_a_run_does_not_continue_as_new_while_a_file_is_being_moved(temporal_client: Client) -> None:
    there = asyncio.Event()

    async def slowly(command: MoveFile) -> FileMoved:
        await there.wait()
        return FileMoved(command.media_id, "fetched")

    script = Scripted(lambda n: idle(files=("f1",), integration_id="i") if n < 6 else idle())
    script.move_as = slowly
    async with running(temporal_client, script, events_per_run=20) as run:
        first = (await run.describe()).run_id
        await until(lambda: len(script.moves) == 1)
        for n in range(2, 6):
            await run.signal("look")
            await until(lambda n=n: script.looks >= n)  # type: ignore[misc]
        assert (await run.describe()).run_id == first
        assert len(script.moves) == 1
        there.set()
        async with asyncio.timeout(40):
            while (await run.describe()).run_id == first:  # noqa: ASYNC110 - it happens on a server
                await asyncio.sleep(0.1)


async def test_a_run_that_grows_long_leaves_its_files_to_the_next_which_has_them_moved_anew(
    temporal_client: Client,
) -> None:
    there = asyncio.Event()

    async def slowly(command: MoveFile) -> FileMoved:
        await there.wait()
        return FileMoved(command.media_id, "fetched")

    script = Scripted(lambda _: idle() if there.is_set() else idle(files=("f1",), integration_id="i"))
    script.move_as = slowly
    async with running(temporal_client, script, events_per_run=20) as run:
        first = (await run.describe()).run_id
        async with asyncio.timeout(40):
            while (await run.describe()).run_id == first:
                looks = script.looks
                await run.signal("look")
                await until(lambda looks=looks: script.looks > looks)  # type: ignore[misc]
        await until(lambda: len(script.moves) == 2)
        looks = script.looks
        there.set()
        await until(lambda: script.looks > looks)
        length = (await temporal_client.get_workflow_handle(run.id, run_id=first).describe()).history_length
    assert length < 60


async def test_a_worker_that_dies_with_a_file_is_followed_by_another_within_seconds(temporal_client: Client) -> None:
    async def dies_once(command: MoveFile) -> FileMoved:
        if activity.info().attempt == 1:
            await asyncio.Event().wait()  # no heartbeat comes any more
        return FileMoved(command.media_id, "fetched")

    script = Scripted(lambda n: idle(files=("f1",), integration_id="i") if n == 1 else idle())
    script.move_as, script.heart_beats = dies_once, False
    async with running(temporal_client, script):
        await until(lambda: len(script.moves) == 2, seconds=15)
        await until(lambda: script.looks >= 2)


async def test_a_failed_attempt_is_repeated_and_no_failure_ends_the_run(temporal_client: Client) -> None:
    async def fails(command: MoveFile) -> FileMoved:
        if activity.info().attempt < 3 and command.media_id == "f1":
            raise ApplicationError("Postgres does not answer.", type="unavailable")
        if command.media_id == "f2":
            raise ApplicationError("A defect of ours.", type="defect", non_retryable=True)
        return FileMoved(command.media_id, "fetched")

    script = Scripted(lambda n: idle(files=("f1", "f2"), integration_id="i") if n == 1 else idle())
    script.move_as = fails
    async with running(temporal_client, script) as run:
        await until(lambda: [move.media_id for move in script.moves].count("f1") == 3, seconds=15)
        await until(lambda: script.looks >= 2)
        assert (await run.describe()).status == 1


async def test_a_look_without_files_costs_what_it_did(temporal_client: Client) -> None:
    script = Scripted(lambda _: idle())
    async with running(temporal_client, script) as run:
        await until(lambda: script.looks == 1)
        await asyncio.sleep(0.3)
        assert "ACTIVITY_TASK_SCHEDULED" not in await events_of(run)
