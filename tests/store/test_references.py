"""What a reaction may be put on: a message of its conversation, not too old, still there, and no reaction itself."""

from typing import Any
from uuid import UUID

import pytest

from store.engine import Database
from store.errors import InvalidRequestError
from store.outbox import Draft, Target, queue_message
from tests.rows import Number, change, connected_number, conversation, queued, received, row


async def _react(database: Database, number: Number, conversation_id: UUID, wamid: str) -> Any:
    draft = Draft("reaction", {"reaction": {"message_id": wamid, "emoji": "👍"}})
    target = Target(conversation_id=conversation_id)
    made = await queue_message(database, organization_id=number.organization_id, target=target, draft=draft)
    return await row(database, "messages", made.message_id)


async def _received(database: Database, number: Number, conversation_id: UUID, **columns: Any) -> str:
    message_id = await received(database, number, conversation_id)
    for name, value in columns.items():
        await change(database, f"UPDATE messages SET {name} = :value WHERE id = :id", id=message_id, value=value)  # noqa: S608
    return str((await row(database, "messages", message_id)).wamid)


async def test_a_message_of_either_side_takes_a_reaction(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    ours = await queued(database, number, conversation_id, state="accepted", wamid="wamid.ours")
    theirs = await _received(database, number, conversation_id)
    for wamid in (theirs, (await row(database, "messages", ours)).wamid):
        made = await _react(database, number, conversation_id, wamid)
        assert (made.state, made.about_wamid, made.content["reaction"]["message_id"]) == ("queued", wamid, wamid)


async def test_a_message_of_another_conversation_takes_none(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    other = await _received(database, number, await conversation(database, number, wa_id="491700000002"))
    foreign = await connected_number(database, digits="15550002")
    elsewhere = await _received(database, foreign, await conversation(database, foreign))
    for wamid in (other, elsewhere, "wamid.unknown"):
        with pytest.raises(InvalidRequestError, match=r"reaction\.message_id: is no message of this conversation\."):
            await _react(database, number, conversation_id, wamid)


@pytest.mark.parametrize(("age", "refused"), [("29 days 23 hours", False), ("30 days 1 minute", True)])
async def test_what_is_older_than_thirty_days_takes_none(database: Database, age: str, *, refused: bool) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    wamid = await _received(database, number, conversation_id)
    await change(database, "UPDATE messages SET meta_timestamp = now() - CAST(CAST(:age AS text) AS interval)", age=age)
    if not refused:
        assert (await _react(database, number, conversation_id, wamid)).state == "queued"
        return
    with pytest.raises(InvalidRequestError, match="older than 30 days"):
        await _react(database, number, conversation_id, wamid)


async def test_a_reaction_takes_none_and_a_deleted_message_neither(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    reaction = await _received(database, number, conversation_id, type="reaction")
    with pytest.raises(InvalidRequestError, match="takes no reaction"):
        await _react(database, number, conversation_id, reaction)
    deleted = await _received(database, number, conversation_id)
    await _received(database, number, conversation_id, type="revoke", about_wamid=deleted)
    with pytest.raises(InvalidRequestError, match="was deleted"):
        await _react(database, number, conversation_id, deleted)
