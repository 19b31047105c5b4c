"""Conversations that are due: marked in the transaction that gave them something to do, then signalled by intake.

Only a look (`store.turns`) clears or moves a mark. A signal that was lost is repeated, one too many changes nothing.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.engine import Database

DUE_CHANNEL = "due"


@dataclass(frozen=True, slots=True)
class DueConversation:
    """A conversation to be signalled, with what its run shows should it have to be started."""

    id: UUID
    organization_id: UUID
    integration_id: UUID
    in_charge: str
    window_opened_at: datetime | None


@dataclass(frozen=True, slots=True)
class NextSlot:
    """When a number has a slot that is neither taken nor waited for."""

    wait: timedelta
    """From now; below zero: since then it has been free."""
    per_second: int
    """Slots, as Meta allows them."""


_LOCK = text("""
    SELECT id, merged_into FROM conversations WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE
""")

# The NOTIFY needs a mark to come from: an empty list wakes nobody.
_MARK = text("""
    WITH locked AS MATERIALIZED (
      SELECT id FROM conversations WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE
    ), marked AS (
      UPDATE conversations c SET due_at = clock_timestamp() FROM locked WHERE c.id = locked.id RETURNING c.id
    )
    SELECT pg_notify('due', '') FROM (SELECT FROM marked LIMIT 1) AS any_marked
""")

_MARK_WITHIN = text("""
    UPDATE conversations
    SET due_at = least(due_at, clock_timestamp() + CAST(:within AS interval))
    WHERE id = ANY(CAST(:ids AS uuid[]))
""")

# `statement_timestamp()` and not `clock_timestamp()` beside the index: a volatile one would read every mark there is.
_CLAIM = text("""
    WITH ready AS MATERIALIZED (
      SELECT id FROM conversations
      WHERE due_at <= statement_timestamp()
        AND (nudged_at IS NULL
             OR (due_at > nudged_at
                 AND (nudged_at < statement_timestamp() - CAST(:quiet AS interval) OR turn_began_at > nudged_at))
             OR nudged_at < statement_timestamp() - CAST(:repeat AS interval))
        AND integration_id <> ALL(CAST(:but_of AS uuid[]))
      ORDER BY due_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE conversations c SET nudged_at = clock_timestamp() FROM ready WHERE c.id = ready.id
    RETURNING c.id, c.organization_id, c.integration_id, c.in_charge, c.window_opened_at
""")

_LINES = text("""
    SELECT id, NULL AS slot_in, NULL AS per_second FROM conversations
    WHERE id = ANY(CAST(:ids AS uuid[])) AND (nudged_at IS NULL OR turn_began_at > nudged_at)
    UNION ALL
    SELECT integration_id, greatest(next_at, queue_until) - statement_timestamp(), per_second
    FROM rate_slots WHERE integration_id = ANY(CAST(:numbers AS uuid[]))
""")

_GIVE_BACK_ALL = text("""
    WITH nudged AS MATERIALIZED (
      SELECT id FROM conversations
      WHERE due_at <= statement_timestamp() AND (turn_began_at IS NULL OR turn_began_at <= nudged_at)
      ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE conversations c SET nudged_at = NULL FROM nudged WHERE c.id = nudged.id
""")

_GIVE_BACK = text("UPDATE conversations SET nudged_at = NULL WHERE id = ANY(CAST(:ids AS uuid[]))")

_AGE = text("""
    SELECT coalesce(statement_timestamp() - min(due_at), interval '0') FROM conversations
    WHERE due_at <= statement_timestamp()
""")


async def lock(connection: AsyncConnection, conversation_ids: Iterable[UUID]) -> set[UUID]:
    """Lock conversations in the order of their ids, before any of their messages: every transaction does.

    Answers those that were merged into another one: no row of theirs is left there.
    """
    ids = sorted(set(conversation_ids))
    if not ids:
        return set()
    return {row.id for row in await connection.execute(_LOCK, {"ids": ids}) if row.merged_into is not None}


async def mark_due(connection: AsyncConnection, conversation_ids: Collection[UUID]) -> None:
    """Somebody has to look at these now. Wakes intake when the transaction commits."""
    if conversation_ids:
        await connection.execute(_MARK, {"ids": list(conversation_ids)})


async def mark_due_within(connection: AsyncConnection, conversation_ids: Collection[UUID], within: timedelta) -> None:
    """Somebody has to look at these before long, unless somebody does for another reason. Wakes nobody."""
    if conversation_ids:
        await connection.execute(_MARK_WITHIN, {"ids": sorted(conversation_ids), "within": within})


async def claim_due(
    database: Database, *, limit: int, quiet: timedelta, repeat: timedelta, but_of: Collection[UUID] = ()
) -> list[DueConversation]:
    """The conversations to be signalled now, noted as nudged; none of the numbers `but_of`.

    A mark is signalled once at first; a newer one unless the conversation was nudged within `quiet` and has not begun a
    turn since (that signal is still to be acted on); and one that nobody acted on, again after `repeat`.
    """
    values = {"limit": limit, "quiet": quiet, "repeat": repeat, "but_of": list(but_of)}
    async with database.statement() as connection:
        return [DueConversation(*row) for row in await connection.execute(_CLAIM, values)]


async def lines(
    database: Database, nudged: Collection[UUID], numbers: Collection[UUID]
) -> tuple[set[UUID], dict[UUID, NextSlot]]:
    """Those of these nudged conversations that were looked at since; and when these numbers have a slot nobody has."""
    async with database.statement() as connection:
        rows = (await connection.execute(_LINES, {"ids": list(nudged), "numbers": list(numbers)})).all()
    slots = {row.id: NextSlot(row.slot_in, row.per_second) for row in rows if row.per_second is not None}
    return {row.id for row in rows if row.per_second is None}, slots


async def give_back(database: Database, conversation_ids: Collection[UUID]) -> None:
    """Their signal did not arrive: they may be claimed again at once."""
    if not conversation_ids:
        return
    async with database.statement() as connection:
        await connection.execute(_GIVE_BACK, {"ids": sorted(conversation_ids)})


async def give_back_all(database: Database) -> None:
    """Whoever is due, was nudged and has not been looked at since may be claimed again at once.

    For an intake that begins: one that died may have claimed them and never signalled. A signal too many changes
    nothing.
    """
    async with database.statement() as connection:
        await connection.execute(_GIVE_BACK_ALL)


async def due_age(database: Database) -> timedelta:
    """How long the longest due conversation has waited to be looked at."""
    async with database.statement() as connection:
        age: timedelta = (await connection.execute(_AGE)).scalar_one()
        return age
