"""Messages of one conversation leave in the order they were queued, whatever happens to them and whoever claims them.

Hypothesis makes up what happens; the reckoning is the test's own: it knows what it did to each row, and asks Postgres
only who got a claim and what was sent again.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, Literal
from uuid import UUID

from hypothesis import example, given, settings
from hypothesis import seed as made_from
from hypothesis import strategies as st
from sqlalchemy import text

from store import outcomes
from store.claims import Claimed, claim
from store.engine import Database
from store.outcomes import Refusal
from store.turn_plan import Rules
from tests.plans import plan_of
from tests.rows import Number, change, connected_number, conversation, queued

RULES = Rules()
LONGEST = timedelta(seconds=120)
"""What is held for itself alone for longer, or unknown for as long, is passed by."""
SHORT, LONG = timedelta(seconds=100), timedelta(seconds=300)
_REFUSAL = Refusal(400, 80007, None, "throttle", "made up")
_numbers = count(1)
Answer = Literal["accepted", "refused", "refused for long", "lost", "died", "given back"]

_HAPPENINGS = {
    "disable": "UPDATE integrations SET enabled = false WHERE id = :id",
    "hold": "UPDATE integrations SET state = 'held', state_reason = 'token' WHERE id = :id",
    "stop": "UPDATE integrations SET state = 'stopped', state_reason = 'stopped' WHERE id = :id",
    "release": "UPDATE integrations SET enabled = true, state = 'live', state_reason = NULL WHERE id = :id",
}
_EARLIER = """
    UPDATE messages
    SET hold_since = hold_since - CAST(:time AS interval), hold_until = hold_until - CAST(:time AS interval),
        claimed_at = claimed_at - CAST(:time AS interval), unknown_until = unknown_until - CAST(:time AS interval)
    WHERE conversation_id = :id
"""


@dataclass(slots=True)
class Known:
    """What the test knows of a row: whether, and since when, it keeps those behind it waiting."""

    place: int
    resends: int = 0
    is_done: bool = False
    posted_at: timedelta | None = None
    """Since when nobody knows what became of it."""
    steps_aside: bool = False
    """It waits for itself for longer than others have to."""


@dataclass(slots=True)
class Talk:
    """One conversation, its rows in the order they were queued, and a clock that tests move."""

    database: Database
    number: Number
    id: UUID
    now: timedelta = timedelta(0)
    rows: dict[UUID, Known] = field(default_factory=dict)
    claimed: dict[UUID, Claimed] = field(default_factory=dict)
    """The latest claim of each row that nobody has recorded an answer to."""
    places: Iterator[int] = field(default_factory=count)

    async def queue(self) -> None:
        self.rows[await queued(self.database, self.number, self.id)] = Known(next(self.places))

    async def work(self, answers: Sequence[Answer]) -> bool:
        """What a run does when it is woken; it may end in the middle, and the next one begins with a look.

        False when there was nothing to do.
        """
        plan = await plan_of(self.database, self.id, rules=RULES)
        await self._note_resends()
        for message_id, answer in zip(plan.to_send, answers, strict=False):
            got = await claim(self.database, message_id)
            if not isinstance(got, Claimed):
                if got.stop:
                    break
                continue
            self.took(got)
            await self.answer(got, answer)
            if not self.rows[message_id].is_done:
                break
        return bool(plan.to_send) or plan.pending

    async def rush(self, order: Sequence[int]) -> None:
        """Claims of everything at the same moment, by workers that know nothing of each other."""
        ids = list(self.rows)
        wanted = [ids[place % len(ids)] for place in order] if ids else []
        claims = await asyncio.gather(*(claim(self.database, message_id) for message_id in wanted))
        got = [one for one in claims if isinstance(one, Claimed)]
        for one in sorted(got, key=await self._moments(got)):
            self.took(one)
        for one in got:
            await self.answer(one, "accepted")

    async def _moments(self, got: Sequence[Claimed]) -> Any:
        query = "SELECT id, claimed_at FROM messages WHERE id = ANY(:ids)"
        async with self.database.transaction() as connection:
            rows = await connection.execute(text(query), {"ids": [one.message_id for one in got]})
            moments = {row.id: row.claimed_at for row in rows}
        return lambda one: moments[one.message_id]

    def took(self, got: Claimed) -> None:
        """Nothing is left of what was queued before it, but what is to be passed by."""
        mine = self.rows[got.message_id]
        for other in self.rows.values():
            assert other.place >= mine.place or self._lets_pass(other), f"{mine} left before {other}"
        mine.posted_at, mine.steps_aside = self.now, False
        self.claimed[got.message_id] = got

    def _lets_pass(self, other: Known) -> bool:
        return other.is_done or other.steps_aside or self._is_given_up_on(other)

    def _is_given_up_on(self, row: Known) -> bool:
        return row.posted_at is not None and self.now - row.posted_at >= LONGEST

    async def answer(self, got: Claimed, answer: Answer) -> None:
        """What comes of a claim: nothing at all when the worker died."""
        row = self.rows[got.message_id]
        match answer:
            case "died":
                return
            case "lost":
                await outcomes.lost(
                    self.database, got, _REFUSAL, unknown_wait=RULES.unknown_wait, why="lost", wake=False
                )
                return
            case "accepted":
                row.is_done = True
                await outcomes.accepted(self.database, got, f"wamid.{got.message_id}.{got.attempt}", wake=False)
            case "given back":
                await outcomes.given_back(self.database, got, why="paused", wake=False)
            case "refused" | "refused for long":
                delay = SHORT if answer == "refused" else LONG
                row.steps_aside = delay > LONGEST
                await outcomes.requeued(
                    self.database, got, _REFUSAL, hold="back_off", delay=delay, why="later", wake=False
                )
        row.posted_at = None
        self.claimed.pop(got.message_id, None)

    async def hear_late(self, nth: int) -> None:
        """The answer to a post that nobody waits for any more."""
        if self.claimed:
            await self.answer(list(self.claimed.values())[nth % len(self.claimed)], "accepted")

    async def happen(self, what: str) -> None:
        await change(self.database, _HAPPENINGS[what], id=self.number.integration_id)

    async def wait(self, time: timedelta) -> None:
        """Time passes: every moment that is kept is further back, or nearer."""
        self.now += time
        await change(self.database, _EARLIER, time=time, id=self.id)

    async def _note_resends(self) -> None:
        """What nobody had heard of for long enough may go to the end of the queue, and is in its place there."""
        query = "SELECT id, resends FROM messages WHERE conversation_id = :id AND resends > 0 ORDER BY queue_no"
        async with self.database.transaction() as connection:
            for again in await connection.execute(text(query), {"id": self.id}):
                row = self.rows[again.id]
                if again.resends > row.resends:
                    assert self._is_given_up_on(row), row
                    row.place, row.resends, row.posted_at = next(self.places), again.resends, None
                    self.claimed.pop(again.id, None)

    async def end_well(self) -> None:
        """Once nothing is in the way all leave, but what only a person can decide about."""
        await self.happen("release")
        for _ in range(len(self.rows) + 6):
            await self.wait(timedelta(seconds=135))
            if not await self.work(["accepted"] * 20):
                break
        undecided = {id_ for id_, row in self.rows.items() if not row.is_done}
        assert undecided <= self.claimed.keys()
        query = "SELECT id FROM messages WHERE conversation_id = :id AND state <> 'accepted'"
        async with self.database.transaction() as connection:
            assert set((await connection.execute(text(query), {"id": self.id})).scalars()) == undecided


_answers = st.lists(
    st.sampled_from(["accepted", "accepted", "refused", "refused for long", "lost", "died", "given back"]),
    min_size=1,
    max_size=4,
)
_happenings = st.lists(
    st.one_of(
        st.tuples(st.just("queue"), st.none()),
        st.tuples(st.just("work"), _answers),
        st.tuples(st.just("rush"), st.lists(st.integers(0, 9), min_size=2, max_size=6)),
        st.tuples(st.just("hear_late"), st.integers(0, 9)),
        st.tuples(st.just("wait"), st.sampled_from([15, 60, 105, 135, 315]).map(lambda s: timedelta(seconds=s))),
        st.tuples(st.just("happen"), st.sampled_from(sorted(_HAPPENINGS))),
    ),
    min_size=5,
    max_size=25,
)


async def test_messages_of_one_conversation_leave_in_the_order_they_were_queued(
    database: Database, seed: int, *, chaos: bool
) -> None:
    loop = asyncio.get_running_loop()

    @given(happenings=_happenings, at_first=st.integers(2, 5), policy=st.sampled_from(["ask", "resend", "give_up"]))
    @example(happenings=[("work", ["lost"]), ("rush", [1, 0])], at_first=2, policy="ask")
    @example(happenings=[("work", ["died"]), ("rush", [1, 0])], at_first=2, policy="resend")
    @made_from(seed)
    @settings(max_examples=300 if chaos else 20, deadline=None)
    def play(happenings: list[tuple[str, Any]], at_first: int, policy: Any) -> None:
        asyncio.run_coroutine_threadsafe(_played(database, happenings, at_first, policy=policy), loop).result()

    await asyncio.to_thread(play)


async def _played(database: Database, happenings: list[tuple[str, Any]], at_first: int, *, policy: Any) -> None:
    number = await connected_number(database, digits=f"1555{next(_numbers):07}", unknown_policy=policy)
    talk = Talk(database, number, await conversation(database, number))
    for _ in range(at_first):
        await talk.queue()
    for what, with_what in happenings:
        act = getattr(talk, what)
        await (act() if with_what is None else act(with_what))
    await talk.end_well()
