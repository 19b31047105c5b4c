"""People whose names at Meta change, and how they are reached then."""

from datetime import datetime
from typing import Any
from uuid import UUID

from store.claims import Claimed, claim
from store.engine import Database
from tests.intake.letters import ADA, Customer, Letters, ago, stamp, take_in
from tests.rows import Number, change, queued, rows

ADA_NOW = Customer("491700000009", "DE.1009")
"""Ada, once she has another number and so another BSUID."""
PHONE_ONLY, BSUID_ONLY = Customer(ADA.wa_id, None), Customer(None, ADA.user_id)
"""Ada, as long as nobody can tell that both are one."""
BEGUN = "SELECT * FROM conversations ORDER BY created_at, id"
OPEN = "SELECT * FROM conversations WHERE merged_into IS NULL ORDER BY created_at, id"


def changed(letters: Letters, to: Customer, *, at: datetime | None = None, wamid: str = "wamid.changed") -> bytes:
    """The system message by which Meta tells of a change: of the number where it may be shown, else of the BSUID."""
    was = letters.customer
    told = {"wa_id": to.wa_id, "user_id": to.user_id, "previous_user_id": was.user_id}
    system: dict[str, Any] = {
        "body": "Ada changed",
        "type": "user_changed_number" if to.wa_id else "user_changed_user_id",
        **{key: value for key, value in told.items() if value},
    }
    message = {"from": was.wa_id, "id": wamid, "timestamp": stamp(at), "type": "system", "system": system}
    return letters.body(letters.change({key: value for key, value in message.items() if value}, contacts=[{}]))


async def reached(
    database: Database, number: Number, conversation_id: UUID, *, template: bool = False
) -> tuple[str | None, str | None]:
    """The phone number and the BSUID by which somebody is written to now."""
    more = {"type": "template", "category": "marketing"} if template else {}
    await change(database, "UPDATE conversations SET pair_next_at = NULL, in_charge = 'bot'")
    await change(database, "UPDATE messages SET state = 'cancelled' WHERE direction = 'out' AND state <> 'cancelled'")
    claimed = await claim(database, await queued(database, number, conversation_id, **more))
    assert isinstance(claimed, Claimed), claimed
    return claimed.wa_id, claimed.user_id


async def known_by(database: Database) -> set[tuple[str, ...]]:
    """The identities of each contact that somebody has."""
    found: dict[UUID, list[str]] = {}
    for row in await rows(database, "SELECT contact_id, value FROM contact_identities ORDER BY value"):
        found.setdefault(row.contact_id, []).append(row.value)
    return {tuple(values) for values in found.values()}


async def two_halves(database: Database, number: Number) -> tuple[UUID, UUID]:
    """Somebody who wrote by phone number, and somebody who wrote by BSUID after them."""
    await take_in(database, Letters(number, PHONE_ONLY).message("by phone", wamid="w1", at=ago(seconds=9)))
    await take_in(database, Letters(number, BSUID_ONLY).message("by BSUID", wamid="w2", at=ago(seconds=6)))
    older, younger = await rows(database, BEGUN)
    return UUID(str(older.id)), UUID(str(younger.id))  # the driver's own kind of UUID cannot be sent as JSON


async def are_one(database: Database, number: Number) -> None:
    """Meta names both in one message."""
    await take_in(database, Letters(number, ADA).message("it is me", wamid="w3", at=ago(seconds=3)))
