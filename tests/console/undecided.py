"""Messages of a console's organization in the states that its pages show, by rows."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from store.audit import By
from store.decisions import decide
from store.ids import new_id
from store.tables import message_statuses
from tests.console.numbers import connected
from tests.console.stage import Console
from tests.rows import Number, change, conversation, row
from tests.store.unknown import asked, attempted, unknown

LONG = "Your order 4711 has left our warehouse.\n\nIt reaches you on Monday between 9:00 and 12:00. " * 2


async def talking(console: Console, phone_number: str = "+49 30 1234567") -> tuple[Number, UUID]:
    """A number of the organization, and a conversation with Ada."""
    number = await connected(console, phone_number)
    return number, await conversation(console.database, number, wa_id=f"4917{new_id().int % 10**8:08}")


async def undecided(console: Console, phone_number: str = "+49 30 1234567", **columns: Any) -> UUID:
    """A message about which a person is asked: one attempt failed at Meta, one was never answered."""
    number, conversation_id = await talking(console, phone_number)
    shown = {
        "content": {"text": {"body": LONG}},
        "reason": "Nobody knows whether it reached the customer; of messages sent later, only 1 of the 3 that it takes "
        "have been heard of. A person decides.",
    }
    message_id = await asked(console.database, number, conversation_id, attempt=2, **shown | columns)
    told = {
        "http_status": 500,
        "code": 131000,
        "class": "server",
        "trace": "AbCdEfGhIjK",
        "words": "Something went wrong",
    }
    await change(
        console.database,
        "UPDATE message_attempts SET ended_at = now(), http_status = :http_status, error_code = :code, "
        "error_class = :class, fbtrace_id = :trace, error_detail = :words WHERE message_id = :id AND attempt = 1",
        id=message_id,
        **told,
    )
    await change(
        console.database,
        "UPDATE message_attempts SET error_class = 'network', error_detail = 'no answer within 12 s' "
        "WHERE message_id = :id AND attempt = 2",
        id=message_id,
    )
    await change(
        console.database,
        "INSERT INTO message_decisions (message_id, attempt, organization_id, policy, evidence, conclusive, asked_at) "
        "SELECT id, 2, organization_id, 'evidence', 'of messages sent later, only 1 of the 3 that it takes have been "
        "heard of', false, now() - interval '3 minutes' FROM messages WHERE id = :id",
        id=message_id,
    )
    return message_id


async def awaited(console: Console) -> UUID:
    """A message of which a status may still tell whether it arrived."""
    number, conversation_id = await talking(console)
    why = {"reason": "No answer from Meta: the connection was cut."}
    return await unknown(console.database, number, conversation_id, wait_over=False, **why)


async def settled(console: Console) -> UUID:
    """A message that a person had sent again, that failed, and that Meta then said has arrived all the same."""
    message_id = await undecided(console)
    by = By("person", console.person_id)
    await decide(
        console.database, organization_id=console.organization_id, message_id=message_id, decision="resend", by=by
    )
    integration_id = (await row(console.database, "messages", message_id)).integration_id
    posted_at = datetime.now(UTC) - timedelta(minutes=1)
    wamid = f"wamid.HBgLMzE2MTIzNDU2NzgVAgARGBI5{message_id}"
    post = {"state": "accepted", "http_status": 200, "wamid": wamid, "claimed_at": posted_at}
    await attempted(console.database, console.organization_id, message_id, attempt=3, **post)
    await change(
        console.database,
        "UPDATE messages SET state = 'accepted', attempt = 3, delivery = 'delivered', wamid = :wamid, reason = NULL, "
        "accepted_at = now() WHERE id = :id",
        id=message_id,
        wamid=wamid,
    )
    for place, status in enumerate(("sent", "delivered")):
        async with console.database.transaction() as connection:
            await connection.execute(
                insert(message_statuses).values(
                    organization_id=console.organization_id,
                    integration_id=integration_id,
                    message_id=message_id,
                    attempt=3,
                    wamid=wamid,
                    status=status,
                    meta_timestamp=posted_at + timedelta(seconds=place),
                    raw={},
                    webhook_event_id=1,
                    place=place,
                )
            )
    return message_id
