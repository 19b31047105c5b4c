"""Messages of ours that have left, in the state a test wants, and what Meta says of them."""

from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from store.engine import Database
from store.tables import message_attempts
from tests.intake.letters import Customer, Letters, ago, take_in
from tests.rows import Number, change, connected_number, conversation, queued, rows

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Sent:
    """A number with a conversation, and messages that left from it."""

    database: Database
    letters: Letters
    conversation_id: UUID

    async def message(self, state: str, *, attempt: int = 1, wamid: str | None = None, **columns: Any) -> UUID:
        columns.setdefault("claimed_at", ago(seconds=30))
        number = self.letters.number
        message_id = await queued(
            self.database, number, self.conversation_id, state=state, attempt=attempt, wamid=wamid, **columns
        )
        async with self.database.transaction() as connection:
            for tried in range(1, attempt + 1):
                latest = tried == attempt
                await connection.execute(
                    insert(message_attempts).values(
                        message_id=message_id,
                        attempt=tried,
                        organization_id=number.organization_id,
                        state="accepted" if latest and wamid else ("posting" if latest else "unknown"),
                        wamid=wamid if latest else None,
                        claimed_at=columns["claimed_at"],
                    )
                )
        await change(self.database, "UPDATE conversations SET due_at = NULL")
        return message_id

    async def told(self, *said: Any) -> None:
        await take_in(self.database, self.letters.statuses(*said))

    async def is_due(self) -> bool:
        (due,) = await rows(
            self.database, "SELECT due_at <= clock_timestamp() AS now FROM conversations WHERE id = :id",
            id=self.conversation_id,
        )  # fmt: skip
        return bool(due.now)


async def sent_from(database: Database, number: Number | None = None) -> Sent:
    """A customer of their own, of a number of its own unless one is given."""
    n = next(_numbers)
    number = number or await connected_number(database, digits=f"1555{n:04}")
    wa_id = f"4916{n:08}"  # none of those that letters.py names
    letters = Letters(number, Customer(wa_id, f"DE.{n}"))
    return Sent(database, letters, await conversation(database, number, wa_id=wa_id))
