"""Management calls slow down before Meta refuses them: by what its answers tell, persons first, sends never."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from whatsapp import pacing
from whatsapp.pacing import Pacing
from whatsapp.usage import APP, Share, Usage

WABA, NUMBER = "8100", "9100"
ANOTHER = "8200"


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


class Stage:
    """A pacing whose clock stands still but for the waits that it makes."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.put_off = 0
        self.pacing = Pacing(on_put_off=self._count, clock=self.clock, sleep=self._sleep)
        self.waited: list[float] = []

    def _count(self) -> None:
        self.put_off += 1

    async def _sleep(self, seconds: float) -> None:
        self.waited.append(round(seconds, 3))

    def told(self, percent: int, *, owner: str = WABA, regain: timedelta | None = None, on: str = NUMBER) -> None:
        self.pacing.note(on, Usage((Share(owner, "whatsapp", percent, 1, 1, regain),)))

    async def wait(self, on: str = NUMBER, *, person: bool = False) -> timedelta | None:
        found = await self.pacing.wait(on, person=person)
        return None if found is None else found.until


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_up_to_three_quarters_of_a_limit_nothing_waits(stage: Stage) -> None:
    stage.told(74)
    for _ in range(5):
        assert await stage.wait() is None
    assert stage.waited == []


async def test_from_three_quarters_on_checks_are_spread_and_persons_are_not(stage: Stage) -> None:
    stage.told(75)
    for _ in range(3):
        assert await stage.wait() is None
    assert stage.waited == [1, 2]
    for _ in range(2):
        assert await stage.wait(person=True) is None
    assert stage.waited == [1, 2]


async def test_the_nearer_the_limit_the_further_apart(stage: Stage) -> None:
    stage.told(87)
    for _ in range(3):
        await stage.wait()
    assert stage.waited == [4.2, 8.4]
    assert await stage.wait() is not None  # a fourth would wait for longer than anybody does
    assert stage.put_off == 1


async def test_near_the_end_checks_are_put_off_and_persons_spread(stage: Stage) -> None:
    stage.told(95)
    until = await stage.wait()
    assert until is not None
    assert timedelta(minutes=3) < until < timedelta(minutes=4)  # until five of 95 percent are an hour old
    for _ in range(3):
        assert await stage.wait(person=True) is None
    assert stage.waited == [3, 6]


async def test_a_person_goes_before_checks_that_wait(stage: Stage) -> None:
    stage.told(89)
    await stage.wait()
    await stage.wait()
    before = list(stage.waited)
    assert await stage.wait(person=True) is None
    assert stage.waited == before


async def test_while_meta_says_to_wait_nobody_asks(stage: Stage) -> None:
    stage.told(100, regain=timedelta(minutes=12))
    assert await stage.wait(person=True) == timedelta(minutes=12)
    stage.clock.now += 11 * 60
    assert await stage.wait() == timedelta(minutes=1)
    stage.clock.now += 61
    assert await stage.wait(person=True) is None


async def test_what_was_used_counts_for_an_hour(stage: Stage) -> None:
    stage.told(100)
    assert stage.pacing.used(app=False) == 100
    stage.clock.now += 30 * 60
    assert stage.pacing.used(app=False) == 50
    assert await stage.wait() is None
    stage.clock.now += 60 * 60
    assert stage.pacing.used(app=False) == 0


async def test_an_accounts_limit_concerns_its_own_objects_and_the_apps_all(stage: Stage) -> None:
    stage.told(99)
    assert await stage.wait("another") is None
    assert await stage.wait(WABA) is not None
    assert await stage.wait(NUMBER) is not None
    stage.told(99, owner=APP)
    assert await stage.wait("another") is not None
    assert (stage.pacing.used(app=True), round(stage.pacing.used(app=False))) == (99, 99)


async def test_the_latest_answer_counts(stage: Stage) -> None:
    stage.told(99, regain=timedelta(minutes=5))
    stage.told(12)
    assert await stage.wait() is None


def test_what_is_remembered_has_an_end(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_REMEMBERED", 3)
    for n in range(9):
        stage.told(50 + n, owner=f"w{n}", on=f"n{n}")
    assert list(stage.pacing._limits) == ["w6", "w7", "w8"]
    assert list(stage.pacing._owners) == ["n6", "n7", "n8"]
