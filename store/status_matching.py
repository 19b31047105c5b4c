"""Which message a status is of: by our own id in it, by its wamid, or by what fits. Nothing is locked or written."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.file_order import carries_file
from store.transitions import State
from whatsapp.events import Status

GUESS_WITHIN = timedelta(minutes=3)
"""A `failed` status may name neither our id nor a wamid we know. One that comes this soon after a post to the same
recipient whose outcome is open is of that post; the longer the span, the likelier it is of another tool's message."""
CLOCKS_DIFFER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A status of one of our numbers."""

    status: Status
    event_id: int
    organization_id: UUID
    integration_id: UUID


@dataclass(frozen=True, slots=True)
class Match:
    """The message (and attempt) a status is of."""

    message_id: UUID
    attempt: int
    conversation_id: UUID
    state: str
    keeps_order: bool = False
    """A file of a number that keeps files in order: what is behind it may wait for this status."""

    def is_waited_for(self, status: Status) -> bool:
        """Whether it may give its conversation something to do, so that the conversation is to be locked first."""
        return self.state != State.ACCEPTED or status.status == "failed" or self.keeps_order


_KEEPS_ORDER = f"""
    CASE WHEN {carries_file("m")} THEN
      (SELECT i.files_in_order FROM integrations i WHERE i.id = m.integration_id)
    ELSE false END AS keeps_order
"""  # noqa: S608 - words of ours, no values

_BY_ID = text(f"""
    SELECT m.id, m.integration_id, m.conversation_id, m.state, m.attempt, {_KEEPS_ORDER} FROM messages m
    WHERE m.id = ANY(CAST(:ids AS uuid[])) AND m.direction = 'out'
""")  # noqa: S608 - the words above

_BY_WAMID = text(f"""
    SELECT w.n, m.id, coalesce(a.attempt, m.attempt) AS attempt, m.conversation_id, m.state, {_KEEPS_ORDER}
    FROM unnest(CAST(:integrations AS uuid[]), CAST(:wamids AS text[])) WITH ORDINALITY AS w (integration_id, wamid, n)
    JOIN messages m ON m.integration_id = w.integration_id AND m.wamid = w.wamid AND m.direction = 'out'
    LEFT JOIN message_attempts a ON a.message_id = m.id AND a.wamid = w.wamid
    UNION
    SELECT w.n, m.id, a.attempt, m.conversation_id, m.state, {_KEEPS_ORDER}
    FROM unnest(CAST(:integrations AS uuid[]), CAST(:wamids AS text[])) WITH ORDINALITY AS w (integration_id, wamid, n)
    JOIN message_attempts a ON a.wamid = w.wamid
    JOIN messages m ON m.id = a.message_id AND m.integration_id = w.integration_id
""")  # noqa: S608 - the words above

_BY_RECIPIENT = text("""
    SELECT s.message_id, s.attempt, m.conversation_id, m.state  -- what was found for this wamid before
    FROM message_statuses s JOIN messages m ON m.id = s.message_id
    WHERE s.integration_id = :integration_id AND s.wamid = :wamid AND s.status = 'failed'
    UNION
    SELECT m.id, m.attempt, m.conversation_id, m.state
    FROM contact_identities i
    JOIN conversations c ON c.contact_id = i.contact_id AND c.integration_id = :integration_id
    JOIN messages m ON m.conversation_id = c.id AND m.state IN ('sending', 'unknown')
    JOIN message_attempts a ON a.message_id = m.id AND a.attempt = m.attempt AND a.wamid IS NULL
    WHERE i.organization_id = :organization_id
      AND ((i.kind = 'wa_id' AND i.value = :recipient_id) OR (i.kind = 'bsuid' AND i.value = :recipient_user_id))
      AND :at BETWEEN m.claimed_at - CAST(:clocks_differ AS interval) AND m.claimed_at + CAST(:within AS interval)
    LIMIT 2
""")


async def match(connection: AsyncConnection, arrived: Sequence[Arrived]) -> list[Match | None]:
    """Find the message each status is of, without locking anything."""
    named = [_named(one.status.callback_data) for one in arrived]
    by_id = await _by_id(connection, {name[0] for name in named if name is not None})
    matches = [_own(by_id, one, name) for one, name in zip(arrived, named, strict=True)]
    left = [n for n, found in enumerate(matches) if found is None]
    for n, found in zip(left, await _by_wamid(connection, [arrived[n] for n in left]), strict=True):
        matches[n] = found
        if found is None and arrived[n].status.status == "failed":
            matches[n] = await _by_recipient(connection, arrived[n])
    return matches


def _named(callback_data: str | None) -> tuple[UUID, int] | None:
    """Our `<message id>.<attempt>`; None for what other tools put there."""
    message_id, _, attempt = (callback_data or "").partition(".")
    if not (attempt.isascii() and attempt.isdigit() and len(attempt) < 5):  # noqa: PLR2004 - a smallint
        return None
    try:
        return UUID(message_id), int(attempt)
    except ValueError:
        return None


async def _by_id(connection: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, Any]:
    if not ids:
        return {}
    return {row.id: row for row in await connection.execute(_BY_ID, {"ids": sorted(ids)})}


def _own(by_id: dict[UUID, Any], arrived: Arrived, named: tuple[UUID, int] | None) -> Match | None:
    """The message that is named, where it was sent from the same number by an attempt that was made."""
    if named is None:
        return None
    row, attempt = by_id.get(named[0]), named[1]
    if row is None or row.integration_id != arrived.integration_id or not 1 <= attempt <= row.attempt:
        return None
    return Match(row.id, attempt, row.conversation_id, row.state, row.keeps_order)


async def _by_wamid(connection: AsyncConnection, arrived: Sequence[Arrived]) -> list[Match | None]:
    found: list[Match | None] = [None] * len(arrived)
    if not arrived:
        return found
    integrations, wamids = [one.integration_id for one in arrived], [one.status.wamid for one in arrived]
    for n, *fields in await connection.execute(_BY_WAMID, {"integrations": integrations, "wamids": wamids}):
        found[n - 1] = Match(*fields)
    return found


async def _by_recipient(connection: AsyncConnection, arrived: Arrived) -> Match | None:
    """The one post to the recipient whose outcome is open, where exactly one fits."""
    rows = await connection.execute(
        _BY_RECIPIENT,
        {
            "organization_id": arrived.organization_id,
            "integration_id": arrived.integration_id,
            "wamid": arrived.status.wamid,
            "recipient_id": arrived.status.recipient_id,
            "recipient_user_id": arrived.status.recipient_user_id,
            "at": arrived.status.timestamp,
            "clocks_differ": CLOCKS_DIFFER,
            "within": GUESS_WITHIN,
        },
    )
    fitting = rows.all()
    return Match(*fitting[0]) if len(fitting) == 1 else None
