"""A number for which Meta answers slowly: it takes its own places at Meta, and not those of others."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from activities.answers import AnswerRecorder
from activities.posting import PostOffice
from store.engine import Database
from tests.rows import RING, Number, change, connected_number, conversation, queued, row
from whatsapp.graph import Accepted


class SlowForOne:
    """A Graph that answers for one number only when a test says so."""

    def __init__(self, slow: Number) -> None:
        self.slow, self.may_answer, self.asked = slow, asyncio.Event(), 0

    async def send(self, phone_number_id: str, token: str, payload: Mapping[str, Any]) -> Accepted:  # noqa: ARG002
        self.asked += 1
        if phone_number_id == self.slow.phone_number_id:
            await self.may_answer.wait()
        return Accepted(f"wamid.{self.asked}")


async def _one_queued(database: Database, number: Number, place: int) -> UUID:
    return await queued(database, number, await conversation(database, number, wa_id=f"49170000000{place}"))


async def test_a_number_that_is_slow_at_meta_waits_at_its_own_bound_and_others_send(database: Database) -> None:
    slow, other = [await connected_number(database, digits=digits) for digits in ("15550001", "15550002")]
    meta = SlowForOne(slow)
    recorder = AnswerRecorder(database, timedelta(seconds=120))
    posts = PostOffice(database, RING, meta, recorder, most_of_a_number=2)
    first = [await _one_queued(database, slow, place) for place in range(2)]
    sending = asyncio.gather(*(posts.send(message_id) for message_id in first))
    async with asyncio.timeout(20):
        while meta.asked < len(first):  # noqa: ASYNC110 - they are claimed before
            await asyncio.sleep(0.01)

    third = await _one_queued(database, slow, 2)
    assert (await posts.send(third)).state == "queued"
    waits = await row(database, "messages", third)
    assert (waits.hold, waits.reason) == ("back_off", "There was no connection to Meta for it; nothing was sent.")
    assert "2 messages of this number wait" in waits.error_detail
    assert (await posts.send(await _one_queued(database, other, 3))).state == "accepted"

    meta.may_answer.set()
    await sending
    async with asyncio.timeout(20):
        while {(await row(database, "messages", one)).state for one in first} != {"accepted"}:  # noqa: ASYNC110 - in Postgres
            await asyncio.sleep(0.01)
    await change(database, "UPDATE messages SET hold = NULL, hold_since = NULL, hold_until = NULL")
    assert (await posts.send(third)).state == "accepted"
