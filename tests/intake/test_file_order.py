"""When a file has arrived, what waits behind it goes on at once."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from store.claims import Claimed, claim
from store.engine import Database
from tests.intake.letters import ago
from tests.intake.posts import Sent, sent_from
from tests.rows import change, queued, row
from whatsapp.kinds import FILES

UNDELIVERABLE = 131026


async def a_file_left(database: Database) -> tuple[Sent, UUID, UUID]:
    """A file that Meta has accepted, and a message that was told to wait for it."""
    sent = await sent_from(database)
    await change(database, "UPDATE integrations SET files_in_order = true")
    await sent.message("accepted", wamid="w1", type="image", accepted_at=ago(seconds=0))
    follows = await queued(database, sent.letters.number, sent.conversation_id)
    return sent, sent.conversation_id, follows


@pytest.mark.parametrize(
    ("status", "goes_on"),
    [("sent", False), ("delivered", True), ("read", True), ("played", True), ("failed", True)],
)
async def test_a_status_of_the_file_lets_go_on_what_waits_for_it(
    database: Database, status: str, *, goes_on: bool
) -> None:
    sent, _, follows = await a_file_left(database)
    await claim(database, follows)
    assert (await row(database, "messages", follows)).hold == "behind"
    assert not await sent.is_due()

    code = {"code": UNDELIVERABLE} if status == "failed" else {}
    await sent.told(sent.letters.status("w1", status, **code))

    assert (await row(database, "messages", follows)).hold == (None if goes_on else "behind")
    assert await sent.is_due() is goes_on
    assert isinstance(await claim(database, follows), Claimed) is goes_on


async def test_a_status_of_each_type_of_file_lets_go_on_what_waits_for_it(database: Database) -> None:
    sent, _, follows = await a_file_left(database)
    for kind in FILES:
        await change(database, "UPDATE messages SET type = :kind, delivery = 'sent' WHERE wamid = 'w1'", kind=kind)
        await claim(database, follows)
        assert (await row(database, "messages", follows)).hold == "behind", kind
        await change(database, "DELETE FROM message_statuses")
        await sent.told(sent.letters.status("w1", "delivered"))
        assert (await row(database, "messages", follows)).hold is None, kind


async def test_a_status_of_a_text_lets_nothing_go_on(database: Database) -> None:
    sent, _, follows = await a_file_left(database)
    await sent.message("accepted", wamid="w2", accepted_at=ago(seconds=0))
    await claim(database, follows)
    await sent.told(sent.letters.status("w2", "delivered"))
    assert (await row(database, "messages", follows)).hold == "behind"
    assert not await sent.is_due()


async def test_a_status_that_comes_while_the_next_message_is_claimed_leaves_nothing_waiting(database: Database) -> None:
    for n in range(15):
        sent, _, follows = await a_file_left(database)
        await change(database, "UPDATE messages SET wamid = :wamid WHERE wamid = 'w1'", wamid=f"w.{n}")
        await change(database, "UPDATE message_attempts SET wamid = :wamid WHERE wamid = 'w1'", wamid=f"w.{n}")

        async def claimed(after: float, message_id: UUID) -> None:
            await asyncio.sleep(after)
            await claim(database, message_id)

        told = sent.told(sent.letters.status(f"w.{n}", "delivered"))
        await asyncio.gather(told, claimed(timedelta(milliseconds=3 * n).total_seconds(), follows))

        found = await row(database, "messages", follows)
        assert found.state == "sending" or (found.hold is None and await sent.is_due())
