"""A look at a conversation, on Postgres: turns, what it settles, what it leaves due."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text

from store import asking, claims, nudges, outcomes
from store.engine import Database
from store.ids import new_id
from store.integrations import mark_waiting_due
from store.media_arrivals import Arrival, note_files
from store.turn_plan import Reply, Rules
from store.turns import look
from tests.plans import plan_of
from tests.rows import change, connected_number, conversation, queued, received, row
from tests.store.unknown import posted
from whatsapp.kinds import File

RULES = Rules()

# As a look does that asks an agent.
_BEGIN = text("""
    INSERT INTO turns (id, organization_id, conversation_id, turn_no, agent_flow_id, state, began_at)
    SELECT :turn, c.organization_id, c.id, 1, i.agent_flow_id, 'asking', clock_timestamp()
    FROM conversations c JOIN integrations i ON i.id = c.integration_id WHERE c.id = :id
""")
_TAKE = text("""
    WITH taken AS (UPDATE messages SET state = 'in_turn', turn_id = :turn WHERE id = :first)
    UPDATE conversations SET last_turn_no = 1 WHERE id = :id
""")


async def test_an_echo_turn_takes_what_waits_and_queues_its_reply(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    first = await received(database, number, conversation_id, "one")
    second = await received(database, number, conversation_id, "two")

    plan = await plan_of(database, conversation_id)

    assert plan.new_turn is not None
    turn = await row(database, "turns", plan.new_turn.id)
    assert (turn.turn_no, turn.state) == (1, "answered")
    assert {(await row(database, "messages", each)).turn_id for each in (first, second)} == {turn.id}
    reply = await row(database, "messages", plan.to_send[0])
    assert (reply.state, reply.author, reply.content) == ("queued", "bot", {"text": {"body": "one\ntwo"}})
    assert timedelta(minutes=14) < reply.send_before - datetime.now(UTC) <= timedelta(minutes=15)


async def test_of_twenty_looks_at_once_one_begins_the_turn(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    await received(database, number, conversation_id)

    plans = await asyncio.gather(*(plan_of(database, conversation_id) for _ in range(20)))

    assert sum(plan.new_turn is not None for plan in plans) == 1
    assert len({message_id for plan in plans for message_id in plan.to_send}) == 1


async def test_a_look_that_waited_for_one_that_began_a_turn_begins_no_other(database: Database) -> None:
    number = await connected_number(database, kind="http", url="http://127.0.0.1:1")
    conversation_id = await conversation(database, number)
    values = {"turn": new_id(), "id": conversation_id, "first": await received(database, number, conversation_id)}
    await received(database, number, conversation_id, "and one that came since")
    async with database.transaction() as connection:
        await nudges.lock(connection, [conversation_id])
        late = asyncio.create_task(plan_of(database, conversation_id))
        await asyncio.sleep(0.3)
        assert not late.done()
        await connection.execute(_BEGIN, values)
        await connection.execute(_TAKE, values)

    assert (await late).new_turn is None


@pytest.mark.parametrize("held", ["UPDATE integrations SET enabled = false", "UPDATE integrations SET state = 'held'"])
async def test_a_look_that_waited_for_the_release_of_its_number_sends_what_waits(database: Database, held: str) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await queued(database, number, conversation_id)
    await change(database, held)
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE integrations SET enabled = true, state = 'live', state_reason = NULL"))
        await mark_waiting_due(connection, number.integration_id)
        late = asyncio.create_task(plan_of(database, conversation_id))
        await asyncio.sleep(0.3)
        assert not late.done()

    assert (await late).to_send == [message_id]


async def test_a_look_that_waited_for_a_file_to_arrive_has_it_fetched(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await received(database, number, conversation_id)
    wamid = (await row(database, "messages", message_id)).wamid
    file = File("image", "file", "image/jpeg", None, None)
    async with database.transaction() as connection:
        await nudges.lock(connection, [conversation_id])
        late = asyncio.create_task(plan_of(database, conversation_id))
        await asyncio.sleep(0.3)
        assert not late.done()
        await note_files(connection, [Arrival(number.integration_id, wamid, file)])

    assert len((await late).files) == 1


async def test_a_look_moves_the_mark_to_what_must_happen_next(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number, opened=timedelta(hours=23))
    await change(database, "UPDATE conversations SET due_at = now() - interval '1 second'")

    await plan_of(database, conversation_id)
    marked = await row(database, "conversations", conversation_id)
    assert timedelta(minutes=60) < marked.due_at - datetime.now(UTC) <= timedelta(minutes=61)
    assert marked.turn_began_at is not None

    await change(database, "UPDATE conversations SET window_opened_at = now() - interval '25 hours'")
    await plan_of(database, conversation_id)
    assert (await row(database, "conversations", conversation_id)).due_at is None


async def test_a_look_at_nothing_says_so(database: Database) -> None:
    assert await look(database, new_id(), rules=RULES) is None


async def test_more_bot_turns_than_allowed_hand_over_to_a_person(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    rules = Rules(max_bot_turns=3)
    for _ in range(3):
        await received(database, number, conversation_id)
        assert (await plan_of(database, conversation_id, rules=rules)).new_turn is not None
    await received(database, number, conversation_id)

    plan = await plan_of(database, conversation_id, rules=rules)

    assert plan.new_turn is None
    handed = await row(database, "conversations", conversation_id)
    assert handed.in_charge == "person"
    assert "More than 3 bot turns" in handed.in_charge_reason


async def test_turns_before_a_hand_back_do_not_count(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    rules = Rules(max_bot_turns=2)
    for _ in range(2):
        await received(database, number, conversation_id)
        await plan_of(database, conversation_id, rules=rules)
    await change(database, "UPDATE conversations SET in_charge_since = clock_timestamp()")
    await received(database, number, conversation_id)
    assert (await plan_of(database, conversation_id, rules=rules)).new_turn is not None


async def test_a_remote_turn_is_returned_until_it_is_answered(database: Database) -> None:
    number = await connected_number(database, kind="http", url="https://agent.example/answer")
    conversation_id = await conversation(database, number)
    await received(database, number, conversation_id, "question")
    begun = await plan_of(database, conversation_id)
    assert begun.new_turn is not None
    later = await received(database, number, conversation_id, "one more")

    found = await look(database, conversation_id, rules=RULES)
    assert found is not None
    assert (found[0].turn_id, found[1].new_turn) == (begun.new_turn.id, None)

    reply = Reply("text", {"text": {"body": "answer"}})
    state = await asking.answer(database, begun.new_turn.id, [reply], attempts=1, stale_after=timedelta(minutes=15))
    assert state == "answered"
    following = await plan_of(database, conversation_id)
    assert following.to_send == [reply.id]
    assert following.new_turn is not None
    assert [taken.id for taken in following.new_turn.taken] == [later]


async def test_an_answer_that_comes_after_a_take_over_is_discarded(database: Database) -> None:
    number = await connected_number(database, kind="http", url="https://agent.example/answer")
    conversation_id = await conversation(database, number)
    await received(database, number, conversation_id)
    begun = await plan_of(database, conversation_id)
    assert begun.new_turn is not None
    await change(database, "UPDATE turns SET state = 'discarded', ended_at = now()")

    reply = Reply("text", {"text": {"body": "too late"}})
    state = await asking.answer(database, begun.new_turn.id, [reply], attempts=1, stale_after=timedelta(minutes=15))

    assert state == "discarded"
    assert (await plan_of(database, conversation_id)).to_send == []


async def test_a_row_sending_for_20_s_becomes_unknown_and_is_not_sent_again(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await posted(database, number, conversation_id, ago=timedelta(seconds=21))

    plan = await plan_of(database, conversation_id)

    lost = await row(database, "messages", message_id)
    assert (lost.state, plan.to_send, plan.pending) == ("unknown", [], True)
    assert timedelta(seconds=95) < lost.unknown_until - datetime.now(UTC) <= timedelta(seconds=99)
    assert "worker" in lost.reason


async def test_a_row_that_became_unknown_is_queued_again_by_its_worker_that_was_only_paused_and_has_not_posted_it(
    database: Database,
) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await queued(database, number, conversation_id)
    behind = await queued(database, number, conversation_id)
    claimed = await claims.claim(database, message_id)
    assert isinstance(claimed, claims.Claimed)
    await change(database, "UPDATE messages SET claimed_at = claimed_at - interval '21 seconds' WHERE attempt = 1")
    assert (await plan_of(database, conversation_id)).to_send == []
    assert (await row(database, "messages", message_id)).state == "unknown"

    recorded = await outcomes.given_back(database, claimed, why="It was not posted.", wake=True)

    assert recorded.state == "queued"
    assert (await plan_of(database, conversation_id)).to_send == [message_id, behind]


async def test_a_row_whose_wait_is_over_stays_unknown_when_its_worker_wakes_up(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await queued(database, number, conversation_id)
    claimed = await claims.claim(database, message_id)
    assert isinstance(claimed, claims.Claimed)
    await change(database, "UPDATE messages SET state = 'unknown', unknown_until = NULL")

    recorded = await outcomes.given_back(database, claimed, why="It was not posted.", wake=True)

    assert recorded.state == "unknown", "what was queued behind it may have left by now"


async def test_a_queued_row_past_its_moment_expires(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    message_id = await queued(
        database, number, conversation_id, author="bot", send_before=datetime.now(UTC) - timedelta(seconds=1)
    )
    assert (await plan_of(database, conversation_id)).to_send == []
    assert (await row(database, "messages", message_id)).state == "expired"
    assert (await row(database, "conversations", conversation_id)).in_charge == "person"


async def test_the_hot_path_of_a_look_is_three_statements(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    await received(database, number, conversation_id)
    await plan_of(database, conversation_id)
    seen: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    await received(database, number, conversation_id)
    seen.clear()
    await plan_of(database, conversation_id)
    assert len(seen) == 3
