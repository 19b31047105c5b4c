"""What a message that is to be queued refers to: the message it reacts to, a file of ours, a template.

One door for whoever queues: the business's own software, a person, an agent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import consents, media, templates
from store.errors import InvalidRequestError
from whatsapp.kinds import about

REACTS_FOR = timedelta(days=30)
"""Meta takes no reaction to what is older (131009)."""
_TAKE_NO_REACTION = ("reaction", "edit", "revoke")

_TARGET = text("""
    SELECT m.type,
           coalesce(m.meta_timestamp, m.accepted_at, m.created_at) + CAST(:reacts_for AS interval)
             < clock_timestamp() AS old,
           EXISTS (SELECT FROM messages r
                   WHERE r.integration_id = m.integration_id AND r.about_wamid = m.wamid AND r.type = 'revoke'
                     AND r.conversation_id = m.conversation_id AND r.direction = m.direction) AS gone
    FROM messages m
    WHERE m.integration_id = :integration_id AND m.wamid = :wamid AND m.conversation_id = :conversation_id
""")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message is to be queued; its conversation is locked."""

    organization_id: UUID
    integration_id: UUID
    conversation_id: UUID


@dataclass(frozen=True, slots=True)
class References:
    """Columns of its row, named as they are."""

    about_wamid: str | None = None
    template_id: UUID | None = None
    category: str | None = None
    """Of a template, in small letters: marketing, utility, authentication."""
    media_id: UUID | None = None
    hold: str | None = None
    """`media` while the number has none of its file at Meta."""
    hold_since: datetime | None = None
    reason: str | None = None


async def refer(connection: AsyncConnection, place: Place, kind: str, content: Mapping[str, Any]) -> References:
    """What a message with valid content refers to.

    Raises:
        InvalidRequestError: it refers to what is not there or cannot be referred to; the words name the field.
        TemplateUnusableError: Meta would refuse its template.
        OptedOutError: it is marketing, which the contact has stopped.
    """
    file = await media.check(
        connection,
        organization_id=place.organization_id,
        integration_id=place.integration_id,
        kind=kind,
        content=content,
    )
    template = await templates.check(connection, integration_id=place.integration_id, kind=kind, content=content)
    if template is not None and template.category == "marketing":
        await consents.refuse_marketing(connection, place.conversation_id)
    return References(
        about_wamid=await _reacts_to(connection, place, kind, content),
        template_id=None if template is None else template.id,
        category=None if template is None else template.category,
        media_id=file.media_id,
        hold=file.hold,
        hold_since=file.hold_since,
        reason=file.reason,
    )


async def _reacts_to(connection: AsyncConnection, place: Place, kind: str, content: Mapping[str, Any]) -> str | None:
    if kind != "reaction":
        return None
    wamid = about(kind, content)
    values = {
        "integration_id": place.integration_id,
        "conversation_id": place.conversation_id,
        "wamid": wamid,
        "reacts_for": REACTS_FOR,
    }
    target = (await connection.execute(_TARGET, values)).one_or_none()
    if target is None:
        raise InvalidRequestError("reaction.message_id: is no message of this conversation.")
    if target.type in _TAKE_NO_REACTION:
        raise InvalidRequestError("reaction.message_id: is a message that takes no reaction.")
    if target.gone:
        raise InvalidRequestError("reaction.message_id: is a message that was deleted.")
    if target.old:
        raise InvalidRequestError(
            f"reaction.message_id: is older than {REACTS_FOR.days} days, Meta takes no reaction to it."
        )
    return wamid
