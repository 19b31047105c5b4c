"""Accounts that our app is to be unsubscribed from: kept until Meta has done it, however long Meta is away.

The app's subscription belongs to the account (WABA), so it goes only when no number of it is connected here. The token
for it is the last one we had: it stays sealed with the account until then, and no longer.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store.engine import Database
from store.sealing import KeyRing
from store.tables import integrations, wabas

_LEASE = timedelta(seconds=30)
"""Whoever tries has this long; then somebody else may. Doubled with each attempt, up to `_LONGEST`."""
_LONGEST = timedelta(hours=1)
MOST_ATTEMPTS = 80
"""About three days. A webhook of an account that nobody has connected is quarantined, so nothing breaks after that."""

_FREE = (
    ~select(integrations.c.id)
    .where(integrations.c.waba_id == wabas.c.waba_id, integrations.c.state != "disconnected")
    .correlate(wabas)
    .exists()
)


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """An account that our app is to be unsubscribed from, and the token to do it with."""

    waba_row_id: UUID
    waba_id: str
    attempt: int
    access_token: str = field(repr=False)


async def keep(connection: AsyncConnection, ring: KeyRing, *, waba_row_id: UUID, access_token: str) -> None:
    """Have our app unsubscribed from an account, in the transaction that disconnects its last number."""
    sealed = ring.seal(access_token, table="wabas", column="unsubscribe_token_sealed", row=waba_row_id)
    values = {
        "unsubscribe_token_sealed": sealed,
        "unsubscribe_due_at": func.clock_timestamp(),
        "unsubscribe_attempts": 0,
        "unsubscribe_says": None,
    }
    await connection.execute(update(wabas).where(wabas.c.id == waba_row_id).values(values))


async def forget_used(database: Database) -> None:
    """Leave accounts alone that have a connected number again."""
    statement = update(wabas).where(wabas.c.unsubscribe_due_at.is_not(None), ~_FREE)
    async with database.statement() as connection:
        await connection.execute(statement.values(unsubscribe_token_sealed=None, unsubscribe_due_at=None))


async def claim(database: Database, ring: KeyRing, *, waba_row_id: UUID | None = None) -> Unsubscription | None:
    """The next account whose turn it is, or this one if it is its turn; nobody else gets it for a while.

    Raises:
        SealingError: its token's key is not in the ring.
    """
    query = select(wabas.c.id).where(wabas.c.unsubscribe_due_at <= func.clock_timestamp(), _FREE)
    if waba_row_id is not None:
        query = query.where(wabas.c.id == waba_row_id)
    query = query.order_by(wabas.c.unsubscribe_due_at).limit(1).with_for_update(skip_locked=True)
    wait = func.least(_LEASE * func.power(2, func.least(wabas.c.unsubscribe_attempts, 8)), _LONGEST)
    taken = (
        update(wabas)
        .where(wabas.c.id == query.scalar_subquery())
        .values(unsubscribe_due_at=func.clock_timestamp() + wait, unsubscribe_attempts=wabas.c.unsubscribe_attempts + 1)
        .returning(wabas.c.id, wabas.c.waba_id, wabas.c.unsubscribe_attempts, wabas.c.unsubscribe_token_sealed)
    )
    async with database.transaction() as connection:
        row = (await connection.execute(taken)).one_or_none()
    if row is None:
        return None
    token = ring.open(row.unsubscribe_token_sealed, table="wabas", column="unsubscribe_token_sealed", row=row.id)
    return Unsubscription(row.id, row.waba_id, row.unsubscribe_attempts, token)


async def standing(database: Database, waba_row_id: UUID) -> tuple[bool, str | None]:
    """Whether our app is still to be unsubscribed from an account, and what came of the last attempt."""
    query = select(wabas.c.unsubscribe_due_at.is_not(None), wabas.c.unsubscribe_says).where(wabas.c.id == waba_row_id)
    async with database.transaction() as connection:
        row = (await connection.execute(query)).one()
    return row[0], row[1]


async def note(database: Database, waba_row_id: UUID, *, says: str, over: bool) -> None:
    """Keep what came of an attempt; `over`: there will be no other, and the token is wiped."""
    values: dict[str, object] = {"unsubscribe_says": says}
    if over:
        values |= {"unsubscribe_token_sealed": None, "unsubscribe_due_at": None, "subscribed_at": None}
    async with database.statement() as connection:
        await connection.execute(update(wabas).where(wabas.c.id == waba_row_id).values(values))
