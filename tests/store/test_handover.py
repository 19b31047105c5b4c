"""A person takes over: what the bot had queued does not leave, now or after a give-back; a race has one outcome."""

import asyncio
from typing import Any

from store import handover
from store.claims import Claimed, claim
from store.engine import Database
from store.handover import InCharge
from tests.rows import connected_number, conversation, queued, row


async def test_a_take_over_cancels_the_bots_queued_answers_and_leaves_a_persons(database: Database) -> None:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    of_the_bot = await queued(database, number, conversation_id, author="bot")
    of_the_api = await queued(database, number, conversation_id, author="api")
    names: dict[str, Any] = {
        "organization_id": number.organization_id,
        "conversation_id": conversation_id,
        "reason": "asked to",
    }

    await handover.take_over(database, **names)
    await handover.give_back(database, **names)

    cancelled = await row(database, "messages", of_the_bot)
    assert (cancelled.state, "took over" in cancelled.reason) == ("cancelled", True)
    assert (await row(database, "messages", of_the_api)).state == "queued"


async def test_of_a_take_over_and_a_claim_at_the_same_instant_the_answer_tells_which_came_first(
    database: Database,
) -> None:
    number = await connected_number(database)
    for customer in range(40):
        conversation_id = await conversation(database, number, wa_id=f"49170{customer:07}")
        message_id = await queued(database, number, conversation_id, author="bot")
        taking = handover.take_over(
            database, organization_id=number.organization_id, conversation_id=conversation_id, reason="asked to"
        )
        taken, claimed = await asyncio.gather(taking, claim(database, message_id))
        assert isinstance(taken, InCharge)
        assert isinstance(claimed, Claimed) == (message_id in taken.already_sending)
        state = (await row(database, "messages", message_id)).state
        assert state == ("sending" if isinstance(claimed, Claimed) else "cancelled")
