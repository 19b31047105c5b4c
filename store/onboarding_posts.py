"""What may be written to Meta once only, noted (and committed) before it is: the code's exchange, a registration."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from store.engine import Database
from store.onboardings import seal, unseal
from store.sealing import KeyRing
from store.tables import onboardings


async def posting_code(database: Database, onboarding_id: UUID) -> bool:
    """Note that the code is about to be written; False when it was before, or the onboarding has ended."""
    statement = (
        update(onboardings)
        .where(
            onboardings.c.id == onboarding_id,
            onboardings.c.state == "running",
            onboardings.c.code_posted_at.is_(None),
            onboardings.c.code_sealed.is_not(None),
        )
        .values(code_posted_at=func.clock_timestamp())
    )
    async with database.statement() as connection:
        return (await connection.execute(statement)).rowcount == 1


async def code_not_posted(database: Database, onboarding_id: UUID) -> None:
    """Take that note back: there was no connection, so nothing was written."""
    statement = update(onboardings).where(onboardings.c.id == onboarding_id).values(code_posted_at=None)
    async with database.statement() as connection:
        await connection.execute(statement)


async def posting_registration(
    database: Database, ring: KeyRing, onboarding_id: UUID, *, made_pin: str | None = None
) -> bool:
    """Note that the number is about to be registered, and keep the PIN if we made one; False: it is noted already."""
    values: dict[str, Any] = {
        "register_posted_at": func.clock_timestamp(),
        "register_calls": onboardings.c.register_calls + 1,
        "register_not_before": None,
        "was_registered": func.coalesce(onboardings.c.was_registered, False),
    }
    if made_pin is not None:
        values |= {"pin_sealed": seal(ring, "pin_sealed", made_pin, onboarding_id), "pin_origin": "made"}
    statement = (
        update(onboardings)
        .where(
            onboardings.c.id == onboarding_id,
            onboardings.c.state == "running",
            onboardings.c.register_posted_at.is_(None),
        )
        .values(values)
    )
    async with database.statement() as connection:
        return (await connection.execute(statement)).rowcount == 1


async def earlier_pin(database: Database, ring: KeyRing, row: Any) -> str | None:
    """The PIN that an earlier onboarding of the same organization made for this number and that nobody has seen yet."""
    query = (
        select(onboardings.c.id, onboardings.c.pin_sealed)
        .where(
            onboardings.c.organization_id == row.organization_id,
            onboardings.c.phone_number_id == row.phone_number_id,
            onboardings.c.id != row.id,
            onboardings.c.pin_origin == "made",
            onboardings.c.pin_sealed.is_not(None),
            onboardings.c.register_calls > 0,
        )
        .order_by(onboardings.c.created_at.desc())
        .limit(1)
    )
    async with database.transaction() as connection:
        found = (await connection.execute(query)).one_or_none()
    return None if found is None else unseal(ring, "pin_sealed", found.pin_sealed, found.id)


async def registration_not_posted(database: Database, onboarding_id: UUID) -> None:
    """Take that note back: there was no connection, so nothing was written and Meta has counted nothing."""
    values = {"register_posted_at": None, "register_calls": onboardings.c.register_calls - 1}
    async with database.statement() as connection:
        await connection.execute(update(onboardings).where(onboardings.c.id == onboarding_id).values(values))


async def subscribing(database: Database, onboarding_id: UUID, *, by_us: bool) -> None:
    """Note, before the request, that our app is about to be subscribed by us; afterwards that Meta refused it."""
    statement = update(onboardings).where(onboardings.c.id == onboarding_id).values(subscribed_by_us=by_us)
    async with database.statement() as connection:
        await connection.execute(statement)
