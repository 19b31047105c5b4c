"""What statuses tell of the people they are about: the other name of somebody we wrote to."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.contacts import Anchor
from store.status_matching import Arrived, Match
from whatsapp.events import Sender

# Nearly every status names only what is known already.
_UNKNOWN = text("""
    SELECT DISTINCT t.n, c.contact_id
    FROM unnest(CAST(:places AS int[]), CAST(:conversations AS uuid[]), CAST(:kinds AS text[]),
                CAST(:values AS text[])) AS t (n, conversation_id, kind, value)
    JOIN conversations c ON c.id = t.conversation_id
    LEFT JOIN contact_identities i
      ON i.organization_id = c.organization_id AND i.kind = t.kind AND i.value = t.value
    WHERE i.contact_id IS DISTINCT FROM c.contact_id
    ORDER BY t.n
""")


async def people_of(
    connection: AsyncConnection, arrived: Sequence[Arrived], matches: Sequence[Match | None]
) -> list[Anchor]:
    """Contacts of matched messages with identities that are not known to be theirs.

    A failed status names whom it was meant for, not who has it; one of a group says nothing of one person.
    """
    told = [
        (n, found.conversation_id, kind, value)
        for n, (one, found) in enumerate(zip(arrived, matches, strict=True))
        if found is not None and one.status.status != "failed" and one.status.raw.get("recipient_type") != "group"
        for kind, value in (("bsuid", one.status.recipient_user_id), ("wa_id", one.status.recipient_id))
        if value
    ]
    if not told:
        return []
    places, conversations, kinds, values = (list(column) for column in zip(*told, strict=True))
    columns = {"places": places, "conversations": conversations, "kinds": kinds, "values": values}
    return [
        Anchor(arrived[row.n].organization_id, row.contact_id, _person(arrived[row.n]), arrived[row.n].status.timestamp)
        for row in await connection.execute(_UNKNOWN, columns)
    ]


def _person(one: Arrived) -> Sender:
    return Sender(one.status.recipient_id, one.status.recipient_user_id, None, None)
