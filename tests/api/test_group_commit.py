"""Group commit by itself, over a store that does what a test says."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from api.group_commit import GroupCommit
from store.errors import UnavailableError

Rows = Sequence[tuple[bytes, datetime]]


class Log:
    """A store that keeps what it is given; `gate` closed: it answers nothing; `refusals`: so often it fails first."""

    def __init__(self, *, refusals: int = 0) -> None:
        self.commits: list[list[bytes]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.refusals = refusals

    async def append(self, rows: Rows) -> None:
        await self.gate.wait()
        if self.refusals:
            self.refusals -= 1
            raise UnavailableError("away")
        self.commits.append([body for body, _ in rows])


def _group(log: Log, *, patience: float = 0.3, max_queued_bytes: int = 1000) -> GroupCommit:
    return GroupCommit(log.append, patience=timedelta(seconds=patience), max_queued_bytes=max_queued_bytes)


async def test_what_arrives_during_a_commit_shares_the_next_one_in_order() -> None:
    log = Log()
    log.gate.clear()
    group = _group(log)
    first = group.append(b"a")
    await asyncio.sleep(0.01)
    others = [group.append(body) for body in (b"b", b"c", b"d")]
    log.gate.set()
    assert await asyncio.gather(first, *others) == [True] * 4
    assert log.commits == [[b"a"], [b"b", b"c", b"d"]]


async def test_nobody_is_told_true_before_the_commit() -> None:
    log = Log()
    log.gate.clear()
    waiting = _group(log).append(b"a")
    await asyncio.sleep(0.1)
    assert not waiting.done()
    log.gate.set()
    assert await waiting is True


async def test_who_waits_longer_than_the_patience_is_told_false_and_a_late_commit_harms_nobody() -> None:
    log = Log()
    log.gate.clear()
    group = _group(log, patience=0.1)
    began = asyncio.get_running_loop().time()
    assert await asyncio.wait_for(group.append(b"late"), 2) is False
    assert asyncio.get_running_loop().time() - began < 0.25
    log.gate.set()
    assert await group.append(b"next") is True
    assert log.commits == [[b"late"], [b"next"]]


async def test_a_body_that_was_still_queued_when_its_time_was_up_is_never_stored() -> None:
    log = Log()
    log.gate.clear()
    group = _group(log, patience=0.1)
    under_way = group.append(b"under way")
    await asyncio.sleep(0.01)
    queued = group.append(b"queued")
    assert (await under_way, await queued) == (False, False)
    log.gate.set()
    assert await group.append(b"next") is True
    assert log.commits == [[b"under way"], [b"next"]]


async def test_a_commit_that_fails_is_tried_again_while_somebody_waits() -> None:
    log = Log(refusals=2)
    assert await _group(log).append(b"a") is True
    assert log.commits == [[b"a"]]


async def test_what_keeps_failing_is_told_false() -> None:
    log = Log(refusals=1000)
    assert await _group(log, patience=0.2).append(b"a") is False
    assert log.commits == []


async def test_the_queue_is_bounded_and_takes_again_what_fits_once_the_old_has_gone() -> None:
    log = Log()
    log.gate.clear()
    group = _group(log, patience=0.1, max_queued_bytes=10)
    under_way = group.append(b"x")
    await asyncio.sleep(0.01)
    queued = group.append(b"y" * 8)
    assert await asyncio.wait_for(group.append(b"z" * 3), 0.02) is False
    assert (await under_way, await queued) == (False, False)
    log.gate.set()
    assert await group.append(b"z" * 3) is True
    assert log.commits == [[b"x"], [b"zzz"]]


async def test_draining_waits_for_what_is_under_way() -> None:
    log = Log()
    log.gate.clear()
    group = _group(log)
    waiting = group.append(b"a")
    draining = asyncio.create_task(group.drain())
    await asyncio.sleep(0.02)
    assert not draining.done()
    log.gate.set()
    await draining
    assert await waiting is True
