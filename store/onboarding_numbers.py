"""Which number an onboarding is about: taken by nobody else, and by one onboarding at a time."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from store import onboarding_rows
from store.engine import Database
from store.holders import holder_of
from store.onboardings import NumberIds, OnboardingRunningError, not_alone
from store.tables import integrations, onboardings

Taken = Literal["here", "elsewhere", "onboarding"]


async def settle_on(
    database: Database, onboarding_id: UUID, number: NumberIds
) -> Literal["number_taken", "onboarding_running"] | None:
    """Have the onboarding be about this number; answers why it cannot be. Settled twice, nothing changes.

    A number of the same organization is connected again: it keeps its conversations.
    """
    try:
        async with database.transaction() as connection:
            row = await onboarding_rows.lock(connection, onboarding_id)
            # The number first: the index knows whether another onboarding works on it, whoever holds it.
            await onboarding_rows.change(connection, onboarding_id, asdict(number))
            holder = await holder_of(connection, number.phone_number_id)
            if holder is not None and holder.refuses(row.organization_id):
                await onboarding_rows.change(connection, onboarding_id, {"phone_number_id": row.phone_number_id})
                return "number_taken"
            if holder is not None and holder.organization_id == row.organization_id and row.reconnects_id is None:
                await onboarding_rows.change(connection, onboarding_id, {"reconnects_id": holder.integration_id})
            await _replace_recoveries(connection, row, number.waba_id)
    except IntegrityError as error:
        refusal = not_alone(error)
        if isinstance(refusal, OnboardingRunningError):
            return "onboarding_running"
        raise
    return None


async def _replace_recoveries(connection: AsyncConnection, row: Any, waba_id: str) -> None:
    """One that waits for a new sign-in to this account has it with this one: it is not needed any more."""
    waiting = select(onboardings.c.id).where(
        onboardings.c.organization_id == row.organization_id,
        onboardings.c.id != row.id,
        onboardings.c.way == "recovery",
        onboardings.c.waiting_for == "code",
        onboardings.c.cancel_requested_at.is_(None),
        onboardings.c.hints["waba_id"].astext == waba_id,
    )
    for onboarding_id in (await connection.execute(waiting)).scalars().all():
        await onboarding_rows.change(connection, onboarding_id, {"cancel_requested_at": func.clock_timestamp()})
        await onboarding_rows.mark_due(connection, onboarding_id)


async def reconnected_number(database: Database, integration_id: UUID) -> str:
    """The phone_number_id of the integration that an onboarding connects again."""
    query = select(integrations.c.phone_number_id).where(integrations.c.id == integration_id)
    async with database.transaction() as connection:
        number: str = (await connection.execute(query)).scalar_one()
    return number


async def taken(
    database: Database, organization_id: UUID, onboarding_id: UUID, phone_number_ids: Collection[str]
) -> dict[str, Taken]:
    """Of these numbers, those that are not free: connected here, or elsewhere, or being connected just now."""
    held = select(
        integrations.c.phone_number_id,
        integrations.c.organization_id,
        integrations.c.state,
        integrations.c.state_reason,
    ).where(integrations.c.phone_number_id.in_(phone_number_ids), integrations.c.state != "disconnected")
    running = select(onboardings.c.phone_number_id).where(
        onboardings.c.phone_number_id.in_(phone_number_ids),
        onboardings.c.state == "running",
        onboardings.c.id != onboarding_id,
    )
    found: dict[str, Taken] = {}
    async with database.transaction() as connection:
        for row in await connection.execute(held):
            if row.organization_id == organization_id:
                found[row.phone_number_id] = "here"
            elif (row.state, row.state_reason) != ("held", "token"):
                found[row.phone_number_id] = "elsewhere"
        for number in (await connection.execute(running)).scalars():
            found[number] = "onboarding"
    return found
