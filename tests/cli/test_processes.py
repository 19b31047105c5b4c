"""The supervisor: whatever ends it, nothing is left behind and nothing foreign is touched."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from cli.processes import InterruptedRunError, Part, PartError, Supervisor
from cli.runfile import AlreadyRunningError
from tests.cli.command import is_alive

# Two sleeping parts under a supervisor; prints their pids once both run, then waits.
_RUN = """
import asyncio, sys
from pathlib import Path
from cli.processes import InterruptedRunError, Part, Supervisor

async def now():
    return True

async def work(supervisor):
    for name in ("first", "second"):
        await supervisor.run(Part(name, ("sleep", "600"), now))
    print(supervisor.pid("first"), supervisor.pid("second"), flush=True)
    await asyncio.Event().wait()

with Supervisor(Path(sys.argv[1])) as supervisor:
    try:
        asyncio.run(supervisor.guard(work(supervisor)))
    except InterruptedRunError:
        print("interrupted", flush=True)
"""


async def _now() -> bool:
    return True


def _part(script: str, *, name: str = "part", ready: Path | None = None) -> Part:
    async def is_ready() -> bool:
        return ready is None or ready.exists()

    return Part(name, (sys.executable, "-c", script), is_ready, start_timeout=10)


def _run(folder: Path) -> tuple[subprocess.Popen[str], list[int]]:
    process = subprocess.Popen((sys.executable, "-c", _RUN, str(folder)), stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, [int(pid) for pid in process.stdout.readline().split()]


def _soon(condition: Callable[[], bool], *, within: float = 5) -> bool:
    deadline = time.monotonic() + within
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_leaves_no_child_behind(run_folder: Path, number: signal.Signals) -> None:
    process, children = _run(run_folder)
    process.send_signal(number)
    output, _ = process.communicate(timeout=10)
    assert output == "interrupted\n"
    assert [pid for pid in children if is_alive(pid)] == []
    assert json.loads((run_folder / "children.json").read_text()) == []


if sys.platform == "linux":  # elsewhere the next run ends what is left, as proved below

    def test_children_end_with_a_supervisor_that_is_killed(run_folder: Path) -> None:
        process, children = _run(run_folder)
        process.kill()
        process.communicate()
        assert _soon(lambda: not any(is_alive(pid) for pid in children))


def test_a_second_run_names_the_first_and_touches_nothing(run_folder: Path) -> None:
    process, children = _run(run_folder)
    with pytest.raises(AlreadyRunningError, match=f"process {process.pid}, running since"), Supervisor(run_folder):
        pass
    assert all(is_alive(pid) for pid in children)
    process.terminate()
    process.communicate()


def test_the_next_run_ends_a_leftover_that_is_provably_ours(run_folder: Path) -> None:
    with subprocess.Popen(("sleep", "600"), start_new_session=True) as left:
        started = psutil.Process(left.pid).create_time()
        _leave(run_folder, pid=left.pid, started=started)
        told: list[str] = []
        with Supervisor(run_folder, say=told.append):
            assert told == ["ended a leftover of an earlier run: left"]
            assert not is_alive(left.pid)


def test_a_process_that_only_has_a_leftovers_number_is_left_alone(run_folder: Path) -> None:
    with subprocess.Popen(("sleep", "600"), start_new_session=True) as foreign:
        _leave(run_folder, pid=foreign.pid, started=psutil.Process(foreign.pid).create_time() - 60)
        with Supervisor(run_folder):
            assert foreign.poll() is None
        foreign.kill()


def _leave(folder: Path, *, pid: int, started: float) -> None:
    (folder / "children.json").write_text(json.dumps([{"name": "left", "pid": pid, "started": started}]))


async def test_a_part_that_crashes_ends_the_run_and_its_last_words_are_shown(run_folder: Path) -> None:
    async def work(supervisor: Supervisor) -> None:
        await supervisor.run(Part("quiet", ("sleep", "600"), _now))
        await supervisor.run(_part("import sys, time; time.sleep(0.2); sys.exit('out of paper')", name="printer"))
        await asyncio.Event().wait()

    with Supervisor(run_folder) as supervisor:
        with pytest.raises(PartError, match=r"(?s)printer ended with code 1.*out of paper.*printer\.log"):
            await supervisor.guard(work(supervisor))
        assert not supervisor.is_running("quiet")


async def test_a_part_that_ends_before_it_is_ready_is_told_apart_from_a_slow_one(run_folder: Path) -> None:
    never = run_folder / "never"
    with Supervisor(run_folder) as supervisor:
        with pytest.raises(PartError, match="part ended with code 3"):
            await supervisor.run(_part("raise SystemExit(3)", ready=never))
        with pytest.raises(PartError, match="slow is not ready after 0 s"):
            await supervisor.run(Part("slow", ("sleep", "600"), _part("", ready=never).is_ready, start_timeout=0.3))


async def test_a_part_that_ignores_being_asked_is_killed_after_its_grace(run_folder: Path) -> None:
    ready = run_folder / "ready"
    deaf = f"import signal, time, pathlib; signal.signal(15, signal.SIG_IGN); pathlib.Path({str(ready)!r}).touch()"
    told: list[str] = []
    with Supervisor(run_folder, say=told.append) as supervisor:
        await supervisor.run(_part(f"{deaf}; time.sleep(600)", ready=ready))
        pid = supervisor.pid("part")
        await supervisor.stop("part", grace=0.2)
        assert told == ["part did not stop within 0 s and is killed"]
        assert not is_alive(pid)


async def test_parts_stop_in_the_opposite_order_of_their_start(run_folder: Path) -> None:
    order = run_folder / "order"
    with Supervisor(run_folder) as supervisor:
        for name in ("first", "second", "third"):
            ready = run_folder / f"{name}.ready"
            script = (
                "import pathlib, signal, sys, time\n"
                "def end(*_):\n"
                f"    with open({str(order)!r}, 'a') as file: file.write({name!r} + ' ')\n"
                "    sys.exit()\n"
                f"signal.signal(signal.SIGTERM, end); pathlib.Path({str(ready)!r}).touch(); time.sleep(600)\n"
            )
            await supervisor.run(_part(script, name=name, ready=ready))
        await supervisor.stop_all()
    assert order.read_text() == "third second first "


async def test_a_killed_part_is_no_crash_and_can_be_started_again(run_folder: Path) -> None:
    async def work(supervisor: Supervisor) -> tuple[int, int]:
        await supervisor.run(Part("part", ("sleep", "600"), _now))
        first = supervisor.pid("part")
        supervisor.kill("part")
        await asyncio.sleep(0.1)
        await supervisor.restart("part")
        return first, supervisor.pid("part")

    with Supervisor(run_folder) as supervisor:
        first, second = await supervisor.guard(work(supervisor))
    assert first != second
    assert not is_alive(first)


async def test_a_paused_part_stands_still_until_it_is_resumed_or_stopped(run_folder: Path) -> None:
    with Supervisor(run_folder) as supervisor:
        await supervisor.run(Part("part", ("sleep", "600"), _now))
        process = psutil.Process(supervisor.pid("part"))
        supervisor.pause("part")
        assert _soon(lambda: process.status() == psutil.STATUS_STOPPED)
        supervisor.resume("part")
        assert _soon(lambda: process.status() == psutil.STATUS_SLEEPING)
        supervisor.pause("part")
        await supervisor.stop("part", grace=2)
        assert not supervisor.is_running("part")


async def test_ctrl_c_cancels_the_work_before_the_parts_stop(run_folder: Path) -> None:
    seen: list[bool] = []

    async def work(supervisor: Supervisor) -> None:
        await supervisor.run(Part("part", ("sleep", "600"), _now))
        signal.raise_signal(signal.SIGINT)
        try:
            await asyncio.Event().wait()
        finally:
            seen.append(supervisor.is_running("part"))

    with Supervisor(run_folder) as supervisor:
        with pytest.raises(InterruptedRunError):
            await supervisor.guard(work(supervisor))
        assert seen == [True]
        assert not supervisor.is_running("part")
