"""Answers by hand, from the business's own app: they take the conversation over, ours do not."""

import pytest

from store import outcomes as outcomes_of_sends
from store.claims import Claimed, claim
from store.engine import Database
from store.inbound import TAKEN_OVER
from tests.intake.letters import CONVERSATIONS, Letters, ago, outcomes, take_in
from tests.plans import plan_of
from tests.rows import change, connected_number, queued, row, rows


async def test_an_answer_by_hand_takes_the_conversation_over_and_an_old_one_does_not(database: Database) -> None:
    letters = Letters(await connected_number(database))
    echo = letters.echo(at=ago(minutes=1))
    await take_in(database, letters.message(), echo, echo)
    assert await outcomes(database) == {"applied": 2, "duplicate": 1}
    (conversation,) = await rows(database, CONVERSATIONS)
    assert conversation.in_charge == "person"
    (echoed,) = await rows(database, "SELECT * FROM messages WHERE direction = 'out'")
    assert (echoed.author, echoed.state) == ("person", "accepted")

    await change(database, "UPDATE conversations SET in_charge = 'bot', in_charge_since = clock_timestamp()")
    await take_in(database, letters.echo(at=ago(minutes=5)))
    (conversation,) = await rows(database, CONVERSATIONS)
    assert conversation.in_charge == "bot"


async def test_an_answer_by_hand_stops_the_bots_that_is_on_its_way(database: Database) -> None:
    number = await connected_number(database, kind="http", url="https://agent.example/answer")
    letters = Letters(number)
    await take_in(database, letters.message("are you open?"))
    (conversation,) = await rows(database, CONVERSATIONS)
    turn = (await plan_of(database, conversation.id)).new_turn
    assert turn is not None
    message_id = await queued(database, number, conversation.id, author="bot")
    of_a_person = await queued(database, number, conversation.id, author="api")

    await take_in(database, letters.echo("until six"))

    assert (await row(database, "turns", turn.id)).state == "discarded"
    stopped = await row(database, "messages", message_id)
    assert (stopped.state, stopped.reason) == ("cancelled", "A person took over before this answer left.")
    assert (await row(database, "messages", of_a_person)).state == "queued"
    (conversation,) = await rows(database, CONVERSATIONS)
    assert (conversation.in_charge, conversation.in_charge_reason) == ("person", TAKEN_OVER)


@pytest.mark.parametrize("known_by", ["message", "attempt"])
async def test_the_echo_of_what_we_sent_ourselves_takes_nothing_over(database: Database, known_by: str) -> None:
    number = await connected_number(database)
    letters = Letters(number)
    await take_in(database, letters.message())
    (conversation,) = await rows(database, CONVERSATIONS)
    message_id = await queued(database, number, conversation.id, author="bot")
    claimed = await claim(database, message_id)
    assert isinstance(claimed, Claimed)
    await outcomes_of_sends.accepted(database, claimed, "wamid.ours", wake=False)
    if known_by == "attempt":  # a second attempt that was accepted too: the row has the wamid of one of them
        await change(database, "UPDATE messages SET wamid = 'wamid.other' WHERE id = :id", id=message_id)

    await take_in(database, letters.echo("hello", at=ago(minutes=-1), id="wamid.ours"))

    assert await outcomes(database) == {"applied": 1, "duplicate": 1}
    (conversation,) = await rows(database, CONVERSATIONS)
    assert (conversation.in_charge, conversation.in_charge_reason) == ("bot", None)
    assert len(await rows(database, "SELECT id FROM messages WHERE direction = 'out'")) == 1
