"""Take-over and claim at the same instant: no post of the bot begins after the take-over was answered, but named ones.

The sender is the oracle: it notes when each post begins, the test notes when the take-over's answer was there.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.agents import Agents
from activities.answers import AnswerRecorder
from activities.conversations import Conversations
from activities.posting import PostOffice
from activities.receipts import Receipts
from egress import RefusedAddressError, agent_client
from store import asking, handover, turns
from store.engine import Database
from store.turn_plan import Reply, Rules
from tests.rows import RING, Number, change, connected_number, conversation, queued, received
from whatsapp.graph import Accepted
from workflows.contracts import BeginTurn

RULES = Rules()
AT_ONCE = 10
"""Conversations that are raced for at the same time."""
_SLOTS_LATER = "UPDATE rate_slots SET next_at = clock_timestamp() + CAST(:by AS interval)"
_STALE = timedelta(minutes=15)


@dataclass
class Meta:
    """Takes everything, each post after a moment, and notes when each began."""

    random: Random
    began: dict[UUID, float] = field(default_factory=dict)
    posting: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    """By recipient, set at the first post: the starting shot of some take-overs."""

    async def send(self, _number: str, _token: str, payload: Mapping[str, Any]) -> Accepted:
        message_id = UUID(payload["biz_opaque_callback_data"].rpartition(".")[0])
        self.began[message_id] = asyncio.get_running_loop().time()
        self.posting[payload["to"].removeprefix("+")].set()
        await asyncio.sleep(self.random.uniform(0, 0.02))
        return Accepted(f"wamid.{message_id}")

    async def mark_read(self, *_: object, typing: bool) -> bool:
        return not typing


@dataclass
class Race:
    """A number, its workers, and what came of each take-over."""

    database: Database
    number: Number
    asked: Number
    workers: list[PostOffice]
    activities: Conversations
    meta: Meta
    random: Random
    lasts: float = 0.03
    """Seconds that the bot's answer took of late: within these somebody takes over."""
    late_and_named: int = 0
    stopped: int = 0

    async def run(self, nth: int) -> None:
        """One conversation whose bot answers while a person takes over."""
        ways = (self._queued_rows, self._an_echo, self._an_agents_answer, self._two_workers)
        number = self.asked if nth % len(ways) == 2 else self.number
        customer = f"4917{nth:08}"
        after = self.meta.posting[customer] if nth % 3 == 0 else None
        conversation_id = await conversation(self.database, number, wa_id=customer)
        answer = await ways[nth % len(ways)](conversation_id)
        (names, answered_at), lasted = await asyncio.gather(
            self._take_over(number, conversation_id, after=after), self._timed(answer)
        )
        self.lasts += (lasted - self.lasts) / 10
        await self._go_on(conversation_id)
        for message_id in await self._of_the_bot(conversation_id):
            begun = self.meta.began.get(message_id)
            late = begun is not None and begun > answered_at
            assert not late or message_id in names, "posted after the take-over was answered, and not named"
            self.late_and_named += late
            self.stopped += begun is None

    async def _take_over(
        self, number: Number, conversation_id: UUID, *, after: asyncio.Event | None
    ) -> tuple[list[UUID], float]:
        if after is None:
            await asyncio.sleep(self.random.uniform(0, self.lasts))
        else:
            await after.wait()
        taken = await handover.take_over(
            self.database, organization_id=number.organization_id, conversation_id=conversation_id, reason="asked to"
        )
        return taken.already_sending, asyncio.get_running_loop().time()

    async def _timed(self, answer: Callable[[], Awaitable[None]]) -> float:
        began = asyncio.get_running_loop().time()
        await answer()
        return asyncio.get_running_loop().time() - began

    async def _queued_rows(self, conversation_id: UUID) -> Callable[[], Awaitable[None]]:
        rows = [await queued(self.database, self.number, conversation_id, author="bot") for _ in range(3)]

        async def send_in_order() -> None:
            for message_id in rows:
                await self.workers[0].send(message_id)

        return send_in_order

    async def _an_echo(self, conversation_id: UUID) -> Callable[[], Awaitable[None]]:
        await received(self.database, self.number, conversation_id)
        return lambda: self._look(conversation_id)

    async def _an_agents_answer(self, conversation_id: UUID) -> Callable[[], Awaitable[None]]:
        await received(self.database, self.asked, conversation_id)
        begun = await turns.look(self.database, conversation_id, rules=RULES)
        assert begun is not None
        turn = begun[1].new_turn
        assert turn is not None
        replies = [Reply("text", {"text": {"body": "one"}}), Reply("text", {"text": {"body": "two"}})]

        async def answer() -> None:
            await asking.answer(self.database, turn.id, replies, attempts=1, stale_after=_STALE)
            await self._look(conversation_id)

        return answer

    async def _two_workers(self, conversation_id: UUID) -> Callable[[], Awaitable[None]]:
        message_id = await queued(self.database, self.number, conversation_id, author="bot")

        async def send_twice() -> None:
            await asyncio.gather(*(worker.send(message_id) for worker in self.workers))

        return send_twice

    async def _look(self, conversation_id: UUID) -> None:
        look = await ActivityEnvironment().run(self.activities.begin_turn, BeginTurn(str(conversation_id)))
        for message_id in look.to_send:
            await self.workers[0].send(UUID(message_id))

    async def _go_on(self, conversation_id: UUID) -> None:
        """What a run does next, and again: neither a look nor a late send brings a stopped answer back."""
        await self._look(conversation_id)
        for message_id in await self._of_the_bot(conversation_id):
            await self.workers[1].send(message_id)

    async def _of_the_bot(self, conversation_id: UUID) -> list[UUID]:
        query = "SELECT id FROM messages WHERE conversation_id = :id AND author = 'bot' ORDER BY queue_no"
        async with self.database.transaction() as connection:
            return list((await connection.execute(text(query), {"id": conversation_id})).scalars())


async def test_after_a_take_over_was_answered_nothing_of_the_bot_is_posted_but_what_the_answer_names(
    database: Database, seed: int, record_property: Callable[[str, object], None], *, chaos: bool
) -> None:
    number = await connected_number(database)
    asked = await connected_number(database, digits="15550002", kind="http", url="https://agent.example/answer")
    random = Random(seed)  # noqa: S311 - no secret
    meta = Meta(random)
    workers = [PostOffice(database, RING, meta, AnswerRecorder(database, RULES.unknown_wait)) for _ in range(2)]
    async with agent_client(private_addresses=True) as http:
        agents = Agents(database, RING, http, RefusedAddressError, timedelta(seconds=1), RULES.answer_stale_after)
        activities = Conversations(database, RULES, workers[0], agents, Receipts(meta, RING))
        race = Race(database, number, asked, workers, activities, meta, random)
        raced, rounds = 0, 1000 if chaos else 100
        # Which of them is late is a matter of luck: on a busy machine it may take more of them.
        while raced < rounds or (raced < 5 * rounds and not (race.late_and_named and race.stopped)):
            # What is claimed waits for its slot, and is posted after a take-over that names it.
            await change(database, _SLOTS_LATER, by=timedelta(seconds=random.uniform(0, 0.2)))
            await asyncio.gather(*(race.run(nth) for nth in range(raced, raced + AT_ONCE)))
            raced += AT_ONCE
        for worker in workers:
            await worker.close(timedelta(seconds=5))
    record_property("take-overs raced with the bot", raced)
    record_property("messages posted after a take-over whose answer names them", race.late_and_named)
    record_property("messages stopped", race.stopped)
    assert race.late_and_named, "some were on their way at that very moment"
    assert race.stopped, "some were stopped"
