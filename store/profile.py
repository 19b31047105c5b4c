"""Whose profile at Meta is read or changed: the number's token, and who changed what. The profile stays there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from store import audit, number_states
from store.audit import By
from store.engine import Database
from store.errors import ConflictError, NotFoundError, NumberHeldError
from store.integrations import open_token
from store.number_states import REASONS
from store.sealing import KeyRing
from store.tables import integrations

Outcome = Literal["done", "unknown"]
"""unknown: Meta was asked and did not answer."""


@dataclass(frozen=True, slots=True)
class NumberAtMeta:
    """A number, and what to ask Meta about it with."""

    id: UUID
    organization_id: UUID
    phone_number_id: str
    access_token: str = field(repr=False)
    access_token_sealed: bytes = field(repr=False)


async def number_at_meta(
    database: Database, ring: KeyRing, organization_id: UUID, integration_id: UUID
) -> NumberAtMeta:
    """A number that Meta can be asked about.

    Raises:
        NotFoundError: the organization has no such integration.
        NumberHeldError: its token is of no use at the moment.
        ConflictError: it is not connected, or not yet.
        SealingError: its token's key is not in the ring.
    """
    query = select(integrations).where(
        integrations.c.id == integration_id, integrations.c.organization_id == organization_id
    )
    async with database.transaction() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFoundError("This organization has no such integration.")
    if row.state == "held":
        raise held(row.state_reason)
    if row.state == "disconnected":
        raise ConflictError("The number is disconnected.", next_step="Connect it again.")
    if row.state == "connecting" or row.access_token_sealed is None:
        raise ConflictError("The number is still being connected.", next_step="Follow its onboarding to its end.")
    token = open_token(ring, row.access_token_sealed, row.id)
    return NumberAtMeta(row.id, organization_id, row.phone_number_id, token, row.access_token_sealed)


def held(reason: str | None) -> NumberHeldError:
    """What to say of a number that is held for this reason: a key of `REASONS`, or words."""
    says, next_step = REASONS.get(reason or "", (reason or "Its state says no more.", None))
    return NumberHeldError(f"The number is held. {says}", next_step=next_step)


async def note_change(
    database: Database, number: NumberAtMeta, *, changed: Sequence[str], actor: By, outcome: Outcome
) -> None:
    """Keep who changed which fields of a profile; what they say is Meta's to keep."""
    async with database.transaction() as connection:
        await audit.note(
            connection,
            organization_id=number.organization_id,
            action="profile.changed",
            subject_id=number.id,
            actor=actor.actor,
            actor_id=actor.actor_id,
            detail={"changed": sorted(changed), "outcome": outcome},
        )


async def hold_for_token(database: Database, number: NumberAtMeta, *, says: str, next_step: str) -> None:
    """Hold a number whose token Meta has just refused, as a refused send does, unless it has another token by now."""
    query = select(integrations.c.id).where(
        integrations.c.id == number.id, integrations.c.access_token_sealed == number.access_token_sealed
    )
    async with database.transaction() as connection:
        if (await connection.execute(query.with_for_update(key_share=True))).one_or_none() is not None:
            await number_states.hold(connection, number.id, hold="token", says=says, next_step=next_step)
