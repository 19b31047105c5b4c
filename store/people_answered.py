"""What the answer to a send tells of the person it went to."""

from uuid import UUID

from sqlalchemy import text

from store import contacts
from store.contacts import Anchor
from store.engine import Database
from whatsapp.events import Sender

_WHO = text("""
    SELECT m.organization_id, c.contact_id, clock_timestamp() AS now
    FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE m.id = :message_id
""")


async def learn(database: Database, message_id: UUID, *, wa_id: str | None, user_id: str | None) -> None:
    """Join identities to the contact that a message went to; whoever has them already is the same person.

    Meta names the number as it knows it (`wa_id`), which is not always how it was written (`input`): Brazil's ninth
    digit, Mexico's 1. Told twice, nothing changes.

    Raises:
        UnavailableError: others are at work with the same people just now; nothing was joined.
    """
    async with database.transaction() as connection:
        row = (await connection.execute(_WHO, {"message_id": message_id})).one()
        person = Sender(wa_id.removeprefix("+") if wa_id else None, user_id, None, None)
        told = Anchor(row.organization_id, row.contact_id, person, row.now)
        await contacts.write_people(connection, await contacts.place_all(connection, [], [told]))
