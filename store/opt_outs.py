"""What customers themselves tell about marketing messages: by a choice in WhatsApp, or by a word that they write."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import consents
from whatsapp.events import MarketingChoice
from whatsapp.stop_words import Heard

SIGNED_UP = "They signed up by the business's link in WhatsApp."


@dataclass(frozen=True, slots=True)
class Chosen:
    """A customer's choice, told to one organization."""

    organization_id: UUID
    choice: MarketingChoice
    integration_id: UUID | None
    """The number by which it was told; None: it was told of the whole account."""


@dataclass(frozen=True, slots=True)
class Word:
    """A customer's message that is nothing but a word which stops marketing, or lets it come again."""

    organization_id: UUID
    integration_id: UUID
    conversation_id: UUID
    wamid: str
    choice: Heard
    at: datetime
    """By Meta's timestamp of the message."""


_FIND = text("""
    SELECT w.n, (SELECT contact_id FROM contact_identities i
                 WHERE i.organization_id = w.organization_id
                   AND ((i.kind = 'bsuid' AND i.value = w.user_id) OR (i.kind = 'wa_id' AND i.value = w.wa_id))
                 ORDER BY i.kind LIMIT 1) AS contact_id
    FROM unnest(CAST(:organizations AS uuid[]), CAST(:users AS text[]), CAST(:wa_ids AS text[]))
      WITH ORDINALITY AS w (organization_id, user_id, wa_id, n)
    ORDER BY w.n
""")


_MESSAGES = text("""
    SELECT w.n, m.id AS message_id, c.contact_id
    FROM unnest(CAST(:integrations AS uuid[]), CAST(:wamids AS text[])) WITH ORDINALITY AS w (integration_id, wamid, n)
    JOIN messages m ON m.integration_id = w.integration_id AND m.wamid = w.wamid
    JOIN conversations c ON c.id = m.conversation_id
    ORDER BY w.n
""")


async def contacts_of(connection: AsyncConnection, chosen: Sequence[Chosen]) -> list[UUID | None]:
    """The contact that each choice is of; None: nobody that is known."""
    if not chosen:
        return []
    values = {
        "organizations": [one.organization_id for one in chosen],
        "users": [one.choice.person.user_id for one in chosen],
        "wa_ids": [one.choice.person.wa_id for one in chosen],
    }
    return [row.contact_id for row in await connection.execute(_FIND, values)]


async def store_choices(
    connection: AsyncConnection, chosen: Sequence[Chosen], contact_ids: Sequence[UUID | None]
) -> None:
    """Keep what contacts have chosen; they are locked. Told twice, or late, nothing changes."""
    for one, contact_id in zip(chosen, contact_ids, strict=True):
        if contact_id is None:
            continue
        await consents.record(
            connection,
            organization_id=one.organization_id,
            contact_id=contact_id,
            choice=one.choice.choice,
            source="preference",
            told_at=one.choice.timestamp,
            note=SIGNED_UP if one.choice.choice == "opt_in" else None,
        )


async def store_words(connection: AsyncConnection, words: Sequence[Word]) -> None:
    """Keep what was said by words, in the transaction that stores their messages. Told twice, nothing changes."""
    if not words:
        return
    values = {"integrations": [one.integration_id for one in words], "wamids": [one.wamid for one in words]}
    for row in await connection.execute(_MESSAGES, values):
        word = words[row.n - 1]
        await consents.record(
            connection,
            organization_id=word.organization_id,
            contact_id=row.contact_id,
            choice=word.choice,
            source="stop_word",
            told_at=word.at,
            message_id=row.message_id,
        )
