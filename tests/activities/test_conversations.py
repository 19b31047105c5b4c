"""The look as an activity: what it sends by itself, and what it leaves to the workflow."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from temporalio.testing import ActivityEnvironment

from activities.agents import Agents
from activities.answers import AnswerRecorder
from activities.conversations import Conversations
from activities.posting import PostOffice
from activities.receipts import Receipts
from egress import RefusedAddressError, agent_client
from store.engine import Database
from store.turn_plan import Rules
from tests.rows import RING, connected_number, conversation, queued, received, row
from whatsapp.graph import Accepted, Answer, Refused
from workflows.contracts import BeginTurn, Look


class Meta:
    """Answers every send as the test says, and takes every receipt."""

    def __init__(self, answer: Callable[[], Awaitable[Answer]]) -> None:
        self._answer = answer
        self.sent = 0

    async def send(self, *_: object) -> Answer:
        self.sent += 1
        return await self._answer()

    async def mark_read(self, *_: object, typing: bool) -> bool:
        return not typing


RULES = Rules(
    sending_timeout=timedelta(seconds=20),
    unknown_wait=timedelta(seconds=120),
    answer_stale_after=timedelta(minutes=15),
    backstop=timedelta(seconds=60),
    max_bot_turns=20,
    bot_turns_within=timedelta(minutes=10),
)


async def look(database: Database, conversation_id: UUID, meta: Meta) -> Look:
    posts = PostOffice(database, RING, meta, AnswerRecorder(database, RULES.unknown_wait))
    async with agent_client(private_addresses=True) as http:
        agents = Agents(database, RING, http, RefusedAddressError, timedelta(seconds=1), RULES.answer_stale_after)
        activities = Conversations(database, RULES, posts, agents, Receipts(meta, RING))
        found: Look = await ActivityEnvironment().run(activities.begin_turn, BeginTurn(str(conversation_id)))
        await posts.close(timedelta(seconds=5))
    return found


async def accept() -> Answer:
    return Accepted("wamid.out")


async def refuse() -> Answer:
    return Refused(400, 130429, detail="Rate limit hit")


async def accept_late() -> Answer:
    await asyncio.sleep(1.5)
    return Accepted("wamid.late")


async def test_a_look_sends_the_answer_it_has_decided_on(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    await received(database, number, conversation_id)
    meta = Meta(accept)

    found = await look(database, conversation_id, meta)

    assert (found.to_send, found.more, meta.sent) == ([], False, 1)
    assert (await row(database, "messages", UUID(found.sent[0]))).state == "accepted"


async def test_a_look_sends_one_row_and_leaves_the_others_in_order(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    rows = [str(await queued(database, number, conversation_id)) for _ in range(3)]
    meta = Meta(accept)

    found = await look(database, conversation_id, meta)

    assert (found.sent, found.to_send, meta.sent) == (rows[:1], rows[1:], 1)


async def test_a_row_that_cannot_leave_is_left_to_the_workflow_which_knows_its_wait(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    rows = [str(await queued(database, number, conversation_id)) for _ in range(2)]

    found = await look(database, conversation_id, Meta(refuse))

    assert (found.sent, found.to_send) == ([], rows)


async def test_behind_a_send_that_is_slow_comes_another_look(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    first = await queued(database, number, conversation_id)
    await queued(database, number, conversation_id)

    found = await look(database, conversation_id, Meta(accept_late))

    assert (found.sent, found.to_send, found.more) == ([], [], True)
    assert (await row(database, "messages", first)).wamid == "wamid.late"
    assert (await row(database, "conversations", conversation_id)).due_at is not None


async def test_a_conversation_that_is_gone_closes_its_run(database: Database) -> None:
    number = await connected_number(database)
    found = await look(database, number.organization_id, Meta(accept))
    assert found.closed
