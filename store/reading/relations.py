"""What messages say of each other: reactions now on one, that it was edited or deleted, what it answers.

Nothing of this is written anywhere: it is read from the messages that say so, whichever came first. So an edit of a
message that comes later is an edit of it all the same.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from whatsapp import kinds

# Edits and deletions count when they are of the message's own writer; a reaction may be anybody's, also in a group.
_ABOUT = text("""
    SELECT b.id AS of, a.type, a.content, a.direction, a.wamid, c.contact_id,
           a.conversation_id = b.conversation_id AND a.direction = b.direction AS by_writer,
           coalesce(a.meta_timestamp, a.accepted_at, a.created_at) AS at
    FROM messages b
    JOIN messages a ON a.integration_id = b.integration_id AND a.about_wamid = b.wamid
    JOIN conversations c ON c.id = a.conversation_id
    WHERE b.organization_id = :organization_id AND b.id = ANY(CAST(:ids AS uuid[]))
      AND (a.direction = 'in' OR a.state = 'accepted')
""")

_NAMED = text("""
    SELECT n.id AS of, n.wamid, m.id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:wamids AS text[])) AS n (id, wamid)
    JOIN messages b ON b.id = n.id AND b.organization_id = :organization_id
    JOIN messages m ON m.integration_id = b.integration_id AND m.wamid = n.wamid
""")


@dataclass(frozen=True, slots=True)
class Mention:
    """Another message that a message names."""

    wamid: str
    message_id: UUID | None
    """Null when it is not known here: from before the number was connected, or not come yet."""


@dataclass(frozen=True, slots=True)
class Reaction:
    """What somebody thinks of a message now: their latest reaction, unless they took it back."""

    emoji: str
    by: Literal["customer", "business"]
    contact_id: UUID | None
    """The customer; null for the business."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Relations:
    """What others say of a message, and what it says of another."""

    reactions: list[Reaction] = field(default_factory=list)
    present: tuple[str, Mapping[str, Any]] | None = None
    """Type and content since its last edit."""
    edited_at: datetime | None = None
    revoked_at: datetime | None = None
    replies_to: Mention | None = None
    about: Mention | None = None


@dataclass(frozen=True, slots=True)
class Related:
    """A message as far as relations go."""

    id: UUID
    type: str
    content: Mapping[str, Any]


async def relations_of(
    connection: AsyncConnection, organization_id: UUID, shown: Sequence[Related]
) -> dict[UUID, Relations]:
    """The relations of messages of one organization."""
    if not shown:
        return {}
    values = {"organization_id": organization_id, "ids": [one.id for one in shown]}
    said: defaultdict[UUID, list[Any]] = defaultdict(list)
    for row in await connection.execute(_ABOUT, values):
        said[row.of].append(row)
    named = await _named(connection, organization_id, shown)
    return {one.id: _relations(one, said[one.id], named) for one in shown}


async def _named(
    connection: AsyncConnection, organization_id: UUID, shown: Sequence[Related]
) -> dict[tuple[UUID, str], UUID]:
    mentions = [
        (one.id, wamid)
        for one in shown
        for wamid in (kinds.replies_to(one.content), kinds.about(one.type, one.content))
        if wamid is not None
    ]
    if not mentions:
        return {}
    ids, wamids = zip(*mentions, strict=True)
    values = {"organization_id": organization_id, "ids": list(ids), "wamids": list(wamids)}
    return {(row.of, row.wamid): row.id for row in await connection.execute(_NAMED, values)}


def _relations(one: Related, said: Sequence[Any], named: Mapping[tuple[UUID, str], UUID]) -> Relations:
    ordered = sorted(said, key=_in_order)
    edits = [
        (row, now) for row in ordered if row.by_writer and row.type == "edit" and (now := kinds.present(row.content))
    ]
    revoked = [row.at for row in ordered if row.by_writer and row.type == "revoke"]
    return Relations(
        reactions=_reactions(ordered),
        present=_edited(one, edits[-1][1]) if edits else None,
        edited_at=edits[-1][0].at if edits else None,
        revoked_at=revoked[0] if revoked else None,
        replies_to=_mention(one, kinds.replies_to(one.content), named),
        about=_mention(one, kinds.about(one.type, one.content), named),
    )


def _in_order(row: Any) -> tuple[datetime, str]:
    # Meta tells whole seconds. Within one it is the wamid that decides, not the arrival, which may be any.
    return row.at, row.wamid or ""


def _reactions(ordered: Sequence[Any]) -> list[Reaction]:
    latest: dict[UUID | None, Reaction] = {}
    for row in ordered:
        if row.type != "reaction":
            continue
        who = row.contact_id if row.direction == "in" else None
        latest.pop(who, None)
        emoji = kinds.emoji(row.content)
        if emoji:
            latest[who] = Reaction(emoji, "business" if who is None else "customer", who, row.at)
    return list(latest.values())


def _edited(one: Related, now: tuple[str, Mapping[str, Any]]) -> tuple[str, Mapping[str, Any]]:
    """The message with what its edit says in the place of what it said; what it answers stays."""
    kept = {key: part for key, part in one.content.items() if key != one.type}
    return now[0], {**kept, **now[1]}


def _mention(one: Related, wamid: str | None, named: Mapping[tuple[UUID, str], UUID]) -> Mention | None:
    return None if wamid is None else Mention(wamid, named.get((one.id, wamid)))
