"""Two contacts that turn out to be one: the older one stays, and of each number the older conversation keeps the rows.

The other conversation is closed: it says where it went (`merged_into`), its run ends at its next turn, and whoever
still knows its id is led on. Nothing is sent twice for it: a message's row moves with its state.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from contextlib import suppress
from functools import wraps
from typing import Any, ParamSpec
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import consents, nudges
from store.errors import UnavailableError

log = structlog.get_logger(__name__)
_Given = ParamSpec("_Given")

FOLLOWED = ("conversations", "contact_identities", "messages", "turns", "media", "consents", "portfolio_contacts")
"""Every table with rows of a contact or of a conversation: a merge takes all of them along."""
DISCARDED = "The contact turned out to be one who was known already: everything is answered in one conversation."

_CONVERSATIONS = text("""
    SELECT id, integration_id FROM conversations
    WHERE contact_id = ANY(CAST(:contacts AS uuid[])) AND merged_into IS NULL ORDER BY created_at, id
""")

# Messages in the order of their ids, as everywhere where several are locked.
_LOCK_MESSAGES = text("""
    SELECT id FROM messages WHERE conversation_id = ANY(CAST(:both AS uuid[])) ORDER BY id FOR NO KEY UPDATE
""")

# An open turn asks about one half of what was said: both halves are asked about together, once.
_REOPEN = text("""
    WITH discarded AS (
      UPDATE turns SET state = 'discarded', ended_at = clock_timestamp(), error_detail = :why
      WHERE conversation_id = ANY(CAST(:both AS uuid[])) AND state = 'asking' RETURNING id
    )
    UPDATE messages m SET state = 'received', turn_id = NULL
    FROM discarded WHERE m.turn_id = discarded.id AND m.direction = 'in' AND m.state = 'in_turn'
""")

_MOVE = (
    text("""
    UPDATE turns SET conversation_id = :kept,
           turn_no = turn_no + (SELECT last_turn_no FROM conversations WHERE id = :kept)
    WHERE conversation_id = :closed
"""),
    # By their messages, before those move: of files an index knows the conversation only as long as they wait.
    text("""
    UPDATE media SET conversation_id = :kept
    WHERE message_id IN (SELECT id FROM messages WHERE conversation_id = :closed)
"""),
    text("UPDATE messages SET conversation_id = :kept WHERE conversation_id = :closed"),
    text("""
    UPDATE conversations k
    SET window_opened_at = greatest(k.window_opened_at, o.window_opened_at),
        window_refused_at = greatest(k.window_refused_at, o.window_refused_at),
        pair_next_at = greatest(k.pair_next_at, o.pair_next_at),
        last_message_at = greatest(k.last_message_at, o.last_message_at),
        last_turn_no = k.last_turn_no + o.last_turn_no,
        in_charge = CASE WHEN n.newer THEN o.in_charge ELSE k.in_charge END,
        in_charge_reason = CASE WHEN n.newer THEN o.in_charge_reason ELSE k.in_charge_reason END,
        in_charge_since = CASE WHEN n.newer THEN o.in_charge_since ELSE k.in_charge_since END
    FROM conversations o, LATERAL (
      SELECT coalesce(o.in_charge_since, '-infinity')
             > coalesce((SELECT in_charge_since FROM conversations WHERE id = :kept), '-infinity') AS newer) AS n
    WHERE k.id = :kept AND o.id = :closed
"""),
    text("""
    UPDATE conversations SET merged_into = :kept, due_at = clock_timestamp(), nudged_at = NULL WHERE id = :closed
"""),
    text("UPDATE conversations SET merged_into = :kept WHERE merged_into = :closed"),
    # The one that goes on is looked at even if it was nudged a moment ago: it has more to do now.
    text("UPDATE conversations SET nudged_at = NULL WHERE id = :kept"),
)

_CARRY = (
    text("""
    UPDATE conversations
    SET contact_id = CASE WHEN merged_into IS NULL THEN CAST(:older AS uuid) ELSE CAST(:younger AS uuid) END
    WHERE id = ANY(CAST(:conversations AS uuid[]))
"""),
    text("UPDATE contact_identities SET contact_id = :older WHERE contact_id = :younger"),
    text("UPDATE consents SET contact_id = :older WHERE contact_id = :younger"),
    # Whom both were, the portfolio has written to once.
    text("""
    WITH doubled AS (
      DELETE FROM portfolio_contacts y
      USING portfolio_contacts o
      WHERE y.contact_id = :younger AND o.contact_id = :older
        AND o.organization_id = y.organization_id AND o.portfolio = y.portfolio
      RETURNING y.organization_id, y.portfolio, y.sent_at
    ), counted AS (
      UPDATE portfolios p SET contacts = greatest(p.contacts - 1, 0)
      FROM doubled d WHERE p.organization_id = d.organization_id AND p.portfolio = d.portfolio
    )
    UPDATE portfolio_contacts o SET sent_at = greatest(o.sent_at, d.sent_at)
    FROM doubled d
    WHERE o.contact_id = :older AND o.organization_id = d.organization_id AND o.portfolio = d.portfolio
"""),
    text("UPDATE portfolio_contacts SET contact_id = :older WHERE contact_id = :younger"),
    text("""
    UPDATE contacts o
    SET profile_name = CASE WHEN n.named THEN coalesce(y.profile_name, o.profile_name)
                            ELSE coalesce(o.profile_name, y.profile_name) END,
        username = CASE WHEN n.named THEN coalesce(y.username, o.username) ELSE coalesce(o.username, y.username) END,
        profile_told_at = greatest(o.profile_told_at, y.profile_told_at),
        renewed_at = greatest(o.renewed_at, y.renewed_at)
    FROM contacts y, LATERAL (
      SELECT coalesce(y.profile_told_at, '-infinity') > coalesce(e.profile_told_at, '-infinity') AS named
      FROM contacts e WHERE e.id = :older) AS n
    WHERE o.id = :older AND y.id = :younger
"""),
    text("UPDATE contacts SET merged_into = :older WHERE id = :younger OR merged_into = :younger"),
)


_LEAVE = text("""
    UPDATE conversations SET due_at = NULL, turn_began_at = clock_timestamp()
    WHERE id = :id AND merged_into IS NOT NULL RETURNING merged_into
""")

_PRESENT = text("""
    SELECT merged_into FROM conversations WHERE id = :id AND organization_id = :organization_id
""")


class MovedError(UnavailableError):
    """A conversation was merged into another between being found and being locked: what began has to begin anew."""


def anew(write: Callable[_Given, Awaitable[None]]) -> Callable[_Given, Coroutine[Any, Any, None]]:
    """Begin a transaction anew whose conversations were merged meanwhile: by then the merge is through.

    What it raises a third time goes on to the caller.
    """

    @wraps(write)
    async def begun_anew(*args: _Given.args, **named: _Given.kwargs) -> None:
        for _ in range(2):
            with suppress(MovedError):
                await write(*args, **named)
                return
        await write(*args, **named)

    return begun_anew


async def lock(connection: AsyncConnection, conversation_ids: Iterable[UUID]) -> None:
    """Lock conversations in which rows are going to be written, in the order of their ids.

    Raises:
        MovedError: one of them was merged into another meanwhile.
    """
    if await nudges.lock(connection, conversation_ids):
        raise MovedError("Two contacts turned out to be one at this moment.")


async def present(connection: AsyncConnection, organization_id: UUID, conversation_id: UUID) -> UUID:
    """The conversation itself, or the one it was merged into."""
    values = {"organization_id": organization_id, "id": conversation_id}
    into: UUID | None = (await connection.execute(_PRESENT, values)).scalar_one_or_none()
    return into or conversation_id


async def leave(connection: AsyncConnection, conversation_id: UUID) -> UUID | None:
    """Take the mark off a conversation that was merged and answer where it went; None when it was not."""
    into: UUID | None = (await connection.execute(_LEAVE, {"id": conversation_id})).scalar_one_or_none()
    return into


async def merge(
    connection: AsyncConnection,
    pairs: Sequence[tuple[UUID, UUID]],
    *,
    contacts_too: Collection[UUID] = (),
    conversations_too: Collection[UUID] = (),
) -> None:
    """Merge pairs of contacts. The caller changes contacts of their organizations alone and has locked none of both.

    They and their conversations are locked together with others that the caller needs, in the order of their ids.

    Raises:
        MovedError: one of those was merged into another meanwhile.
    """
    contacts = sorted({contact for pair in pairs for contact in pair})
    await consents.lock(connection, {*contacts, *contacts_too})
    rows = (await connection.execute(_CONVERSATIONS, {"contacts": contacts})).all()
    await lock(connection, {row.id for row in rows} | set(conversations_too))
    became: dict[UUID, UUID] = {}
    for pair in pairs:
        older, younger = sorted(_now(became, contact) for contact in pair)
        if older != younger:
            await _merge_two(connection, older, younger)
            became[younger] = older


def _now(became: dict[UUID, UUID], contact_id: UUID) -> UUID:
    while contact_id in became:
        contact_id = became[contact_id]
    return contact_id


async def _merge_two(connection: AsyncConnection, older: UUID, younger: UUID) -> None:
    by_number: defaultdict[UUID, list[Any]] = defaultdict(list)
    for row in await connection.execute(_CONVERSATIONS, {"contacts": [older, younger]}):
        by_number[row.integration_id].append(row.id)
    for ids in by_number.values():
        if len(ids) > 1:
            await _close(connection, kept=ids[0], closed=ids[1])
    theirs = [one for ids in by_number.values() for one in ids]
    for statement in _CARRY:
        values = {"older": older, "younger": younger, "conversations": theirs}
        await connection.execute(statement, {name: values[name] for name in statement.compile().params})
    await consents.settle(connection, [older])
    await nudges.mark_due(connection, sorted(ids[0] for ids in by_number.values()))
    log.info("contact.merged", contact_id=str(younger), merged_into=str(older))


async def _close(connection: AsyncConnection, *, kept: UUID, closed: UUID) -> None:
    both = {"both": [kept, closed]}
    await connection.execute(_LOCK_MESSAGES, both)
    await connection.execute(_REOPEN, both | {"why": DISCARDED})
    for statement in _MOVE:
        await connection.execute(statement, {"kept": kept, "closed": closed})
    log.info("conversation.merged", conversation_id=str(closed), merged_into=str(kept))
