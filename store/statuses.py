"""Every status as it came, joined to the message it is of, with its effect on it.

A status may come before the answer to its post does: it is kept unmatched and joined when the wamid becomes known.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import file_order, merging, status_effects
from store.engine import Database
from store.status_matching import Arrived, Match
from store.transitions import Delivery, State
from store.verdicts import is_good

UNMATCHED_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch of statuses."""

    new: list[bool]
    """Of each, whether it had not been stored before."""
    unmatched_ids: list[int]
    """Rows of `message_statuses` that belong to no message so far."""


_STORE = text("""
    INSERT INTO message_statuses (organization_id, integration_id, message_id, attempt, wamid, status, meta_timestamp,
                                  recipient_id, recipient_user_id, error_code, raw, webhook_event_id, place)
    SELECT * FROM unnest(
      CAST(:organizations AS uuid[]), CAST(:integrations AS uuid[]), CAST(:messages AS uuid[]),
      CAST(:attempts AS int[]), CAST(:wamids AS text[]), CAST(:statuses AS text[]), CAST(:timestamps AS timestamptz[]),
      CAST(:recipients AS text[]), CAST(:recipient_users AS text[]), CAST(:codes AS int[]), CAST(:raws AS jsonb[]),
      CAST(:events AS bigint[]), CAST(:places AS int[])
    ) AS s (organization_id, integration_id, message_id, attempt, wamid, status, meta_timestamp, recipient_id,
            recipient_user_id, error_code, raw, webhook_event_id, place)
    ORDER BY integration_id, wamid, status, meta_timestamp
    ON CONFLICT (integration_id, wamid, status, meta_timestamp) DO NOTHING
    RETURNING id, webhook_event_id, place
""")

_ADOPT = text("""
    UPDATE message_statuses s SET message_id = u.message_id, attempt = u.attempt
    FROM unnest(CAST(:integrations AS uuid[]), CAST(:wamids AS text[]), CAST(:messages AS uuid[]),
                CAST(:attempts AS int[])) AS u (integration_id, wamid, message_id, attempt)
    WHERE s.integration_id = u.integration_id AND s.wamid = u.wamid AND s.message_id IS NULL
    RETURNING s.message_id
""")

_OWNER = text("""
    SELECT m.integration_id, coalesce(a.attempt, m.attempt) AS attempt
    FROM messages m LEFT JOIN message_attempts a ON a.message_id = m.id AND a.wamid = :wamid
    WHERE m.id = :message_id
""")

_UNMATCHED = """
    SELECT s.integration_id, s.wamid, m.id, a.attempt, m.conversation_id
    FROM message_statuses s
    JOIN message_attempts a ON a.wamid = s.wamid
    JOIN messages m ON m.id = a.message_id AND m.integration_id = s.integration_id
    WHERE s.message_id IS NULL AND
"""
_UNMATCHED_OF = text(_UNMATCHED + " s.id = ANY(CAST(:ids AS bigint[]))")
_UNMATCHED_SINCE = text(_UNMATCHED + " s.created_at > clock_timestamp() - CAST(:since AS interval)")


async def store(connection: AsyncConnection, arrived: Sequence[Arrived], matches: Sequence[Match | None]) -> Stored:
    """Store statuses and let each new one have its effect.

    The conversations of those that are waited for (`Match.is_waited_for`) are locked.
    """
    if not arrived:
        return Stored([], [])
    stored = {(event_id, place): row_id for row_id, event_id, place in await _insert(connection, arrived, matches)}
    keys = [(one.event_id, one.status.origin.place) for one in arrived]
    pairs = zip(keys, arrived, matches, strict=True)
    new = [(one, found) for key, one, found in pairs if key in stored and found is not None]
    await _have_effect(connection, new)
    unmatched = [stored[key] for key, found in zip(keys, matches, strict=True) if found is None and key in stored]
    return Stored([key in stored for key in keys], unmatched)


async def _insert(connection: AsyncConnection, arrived: Sequence[Arrived], matches: Sequence[Match | None]) -> Any:
    statuses = [one.status for one in arrived]
    return await connection.execute(
        _STORE,
        {
            "organizations": [one.organization_id for one in arrived],
            "integrations": [one.integration_id for one in arrived],
            "messages": [found.message_id if found else None for found in matches],
            "attempts": [found.attempt if found else None for found in matches],
            "wamids": [status.wamid for status in statuses],
            "statuses": [status.status for status in statuses],
            "timestamps": [status.timestamp for status in statuses],
            "recipients": [status.recipient_id for status in statuses],
            "recipient_users": [status.recipient_user_id for status in statuses],
            "codes": [status.error.code if status.error else None for status in statuses],
            "raws": [orjson.dumps(status.raw).decode() for status in statuses],
            "events": [one.event_id for one in arrived],
            "places": [status.origin.place for status in statuses],
        },
    )


async def _have_effect(connection: AsyncConnection, new: Sequence[tuple[Arrived, Match]]) -> None:
    if not new:
        return
    locked = await status_effects.lock_messages(connection, (found.message_id for _, found in new))
    reached: dict[UUID, Delivery] = {}
    unusual: list[tuple[Arrived, Match]] = []
    for one, found in new:
        row = locked[found.message_id].row
        if row.state is State.ACCEPTED and row.wamid == one.status.wamid and is_good(one.status.status):
            higher = max(reached.get(found.message_id, row.delivery), Delivery(one.status.status), key=_rank)
            reached[found.message_id] = higher
        elif is_good(one.status.status) or one.status.status == "failed":
            unusual.append((one, found))
    await status_effects.raise_delivery(
        connection, {key: value for key, value in reached.items() if value is not locked[key].row.delivery}
    )
    await _settle(connection, unusual)
    await file_order.release(connection, {found.message_id for _, found in new if found.keeps_order})


def _rank(delivery: Delivery) -> int:
    return delivery.rank


async def _settle(connection: AsyncConnection, unusual: Sequence[tuple[Arrived, Match]]) -> None:
    """Judge messages by all that was said of them, including what came before their wamid was known."""
    if not unusual:
        return
    good = [(one, found) for one, found in unusual if is_good(one.status.status)]
    if good:
        await connection.execute(
            _ADOPT,
            {
                "integrations": [one.integration_id for one, _ in good],
                "wamids": [one.status.wamid for one, _ in good],
                "messages": [found.message_id for _, found in good],
                "attempts": [found.attempt for _, found in good],
            },
        )
    locked = await status_effects.lock_messages(connection, (found.message_id for _, found in unusual))
    await status_effects.settle(connection, locked.values())


async def adopt(connection: AsyncConnection, message_id: UUID, wamid: str) -> None:
    """A post's answer has told the wamid: what was said of it before is joined and has its effect.

    To be called with the message locked, after its attempt has got the wamid.
    """
    owner = (await connection.execute(_OWNER, {"message_id": message_id, "wamid": wamid})).one()
    values = {"integrations": [owner.integration_id], "wamids": [wamid], "messages": [message_id]}
    adopted = await connection.execute(_ADOPT, values | {"attempts": [owner.attempt]})
    if adopted.first() is not None:
        locked = await status_effects.lock_messages(connection, [message_id])
        await status_effects.settle(connection, locked.values())


async def rematch(database: Database, status_ids: Collection[int] | None = None) -> int:
    """Join statuses that were stored while their post's answer was being recorded. Returns how many messages changed.

    `status_ids` names those to look at; without it, all that came within the last hour.

    Raises:
        MovedError: a message went to another conversation at this moment; nothing was joined.
    """
    async with database.transaction() as connection:
        if status_ids is None:
            rows = (await connection.execute(_UNMATCHED_SINCE, {"since": UNMATCHED_FOR})).all()
        else:
            rows = (await connection.execute(_UNMATCHED_OF, {"ids": list(status_ids)})).all()
        if not rows:
            return 0
        integrations, wamids, messages, attempts, conversations = (list(column) for column in zip(*rows, strict=True))
        await merging.lock(connection, conversations)
        locked = await status_effects.lock_messages(connection, messages)
        values = {"integrations": integrations, "wamids": wamids, "messages": messages, "attempts": attempts}
        await connection.execute(_ADOPT, values)
        await status_effects.settle(connection, locked.values())
        await file_order.release(connection, set(messages))
        return len(locked)
