"""Contacts are merged while customers write, messages are queued for both of them and workers send: at once."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from intake.batches import process
from store import outages, outcomes
from store.claims import Claimed, claim
from store.engine import Database
from store.outbox import Draft, Target, queue_message
from store.turn_facts import Rules
from store.turns import look
from tests.intake.letters import Customer, Letters, ago, arrive, take_in
from tests.rows import Number, connected_number, rows

PEOPLE, WRITTEN, SENT = 8, 6, 6
_LOOKED_AT = "SELECT id FROM conversations"


@dataclass(slots=True)
class Load:
    """What is going on, and what was seen of it."""

    database: Database
    number: Number
    chance: random.Random
    halves: list[tuple[UUID, UUID]]
    """Of each person the conversation that they began by phone number, and the one by BSUID."""
    posted: list[UUID] = field(default_factory=list)
    queued: dict[UUID, list[UUID]] = field(default_factory=dict)
    """By the half that each message was addressed to, in the order of being queued."""
    in_a_ring: int = 0
    is_over: bool = False

    async def repeat(self, once: Callable[[], Awaitable[None]]) -> None:
        """As the loops of Holdfast do: what passes by itself is tried again."""
        while not self.is_over:
            try:
                await once()
            except Exception as error:
                if not outages.passes(error):
                    raise
                self.in_a_ring += "deadlock" in str(error)
            await asyncio.sleep(0)

    async def take_in(self) -> None:
        await process(self.database, limit=self.chance.randint(1, 8))

    async def send(self) -> None:
        """Look at everybody as a worker does, and post what may leave."""
        for row in await rows(self.database, _LOOKED_AT):
            found = await look(self.database, row.id, rules=Rules())
            for message_id in found[1].to_send if found else []:
                claimed = await claim(self.database, message_id)
                if not isinstance(claimed, Claimed):
                    break
                self.posted.append(message_id)
                await outcomes.accepted(self.database, claimed, f"wamid.out.{message_id}", wake=False)

    async def queue(self) -> None:
        targets = [half for halves in self.halves for half in halves] * SENT
        self.chance.shuffle(targets)
        for target in targets:
            draft = Draft("text", {"text": {"body": "hello"}})
            owner, to = self.number.organization_id, Target(conversation_id=target)
            sent = await queue_message(self.database, organization_id=owner, target=to, draft=draft)
            self.queued.setdefault(target, []).append(sent.message_id)

    async def write(self, bodies: list[bytes]) -> None:
        while bodies:
            some = [bodies.pop() for _ in range(min(len(bodies), self.chance.randint(1, 5)))]
            await arrive(self.database, *some)
            await asyncio.sleep(self.chance.random() / 100)


def _people() -> list[Customer]:
    return [Customer(f"4917100{n:04}", f"DE.7{n:04}", f"Person {n}") for n in range(PEOPLE)]


def _letters(number: Number, chance: random.Random) -> list[bytes]:
    """What each writes as either half, what names both halves, and some of it twice; in any order."""
    bodies = []
    for who in _people():
        halves = [Customer(who.wa_id, None, who.name), Customer(None, who.user_id, who.name), who]
        bodies += [
            Letters(number, half).message(wamid=f"{who.user_id}.{place}.{n}", at=ago(seconds=n))
            for place, half in enumerate(halves)
            for n in range(WRITTEN if half != who else 2)
        ]
    bodies += chance.sample(bodies, len(bodies) // 4)
    chance.shuffle(bodies)
    return bodies


async def _begun(database: Database, number: Number) -> list[tuple[UUID, UUID]]:
    """Everybody is known twice."""
    found = []
    for who in _people():
        of_both: list[UUID] = []
        for half in (Customer(who.wa_id, None), Customer(None, who.user_id)):
            letters = Letters(number, half)
            await take_in(database, letters.message(wamid=f"{who.user_id}.first.{len(of_both)}", at=ago(minutes=1)))
            (newest,) = await rows(database, "SELECT id FROM conversations ORDER BY created_at DESC LIMIT 1")
            of_both.append(UUID(str(newest.id)))
        found.append((of_both[0], of_both[1]))
    return found


async def test_nothing_is_lost_doubled_or_out_of_order_when_contacts_are_merged_under_load(
    database: Database, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(request.config.option.seed)  # noqa: S311 - repeatable, not secret
    number = await connected_number(database, kind="http", url="https://agent.example/answer")
    load = Load(database, number, chance, await _begun(database, number))
    bodies = _letters(number, chance)
    told = len(set(bodies)) + 2 * PEOPLE
    async with asyncio.TaskGroup() as parts:
        for part in (load.take_in, load.take_in, load.take_in, load.send, load.send):
            parts.create_task(load.repeat(part))
        async with asyncio.TaskGroup() as given:
            given.create_task(load.write(bodies))
            given.create_task(load.queue())
        await _settled(load)
        load.is_over = True

    assert load.in_a_ring == 0
    stored = await rows(database, "SELECT wamid, conversation_id FROM messages WHERE direction = 'in'")
    assert len(stored) == len({one.wamid for one in stored}) == told
    assert Counter(load.posted).most_common(1)[0][1] == 1
    assert len(load.posted) == 2 * PEOPLE * SENT
    for queued in load.queued.values():
        assert [one for one in load.posted if one in set(queued)] == queued
    await _assert_each_is_one(load)


async def _settled(load: Load) -> None:
    """Wait until all that came is applied and all that was queued has left."""
    left = """
        SELECT (SELECT count(*) FROM webhook_events WHERE state = 'pending')
             + (SELECT count(*) FROM messages WHERE state IN ('queued', 'sending')) AS n
    """
    async with asyncio.timeout(60):
        while (await rows(load.database, left))[0].n:  # noqa: ASYNC110 - it happens in Postgres
            await asyncio.sleep(0.05)


async def _assert_each_is_one(load: Load) -> None:
    database = load.database
    open_ones = await rows(database, "SELECT id, contact_id FROM conversations WHERE merged_into IS NULL")
    assert len(open_ones) == PEOPLE
    strayed = """
        SELECT m.id FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE c.merged_into IS NOT NULL
        UNION SELECT t.id FROM turns t JOIN conversations c ON c.id = t.conversation_id WHERE c.merged_into IS NOT NULL
        UNION SELECT i.id FROM contact_identities i JOIN contacts t ON t.id = i.contact_id
        WHERE t.merged_into IS NOT NULL
    """
    assert await rows(database, strayed) == []
    for half in (half for halves in load.halves for half in halves):
        (where,) = await rows(
            database, "SELECT coalesce(merged_into, id) AS id FROM conversations WHERE id = :id", id=half
        )
        assert where.id in {one.id for one in open_ones}
