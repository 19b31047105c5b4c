"""Who holds a number: one integration at most that is not disconnected, of whichever organization."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from store.errors import NumberTakenError
from store.tables import integrations


@dataclass(frozen=True, slots=True)
class Holder:
    """The integration that a number belongs to."""

    integration_id: UUID
    organization_id: UUID
    state: str
    state_reason: str | None

    @property
    def is_dead(self) -> bool:
        """Its token is proven dead: whoever has a living one may take the number over."""
        return self.state == "held" and self.state_reason == "token"

    def refuses(self, organization_id: UUID) -> bool:
        """Whether this organization may not connect the number."""
        return self.organization_id != organization_id and not self.is_dead


async def holder_of(connection: AsyncConnection, phone_number_id: str, *, lock: bool = False) -> Holder | None:
    """Who holds a number; locked, it stays so until the transaction ends."""
    query = select(
        integrations.c.id, integrations.c.organization_id, integrations.c.state, integrations.c.state_reason
    ).where(integrations.c.phone_number_id == phone_number_id, integrations.c.state != "disconnected")
    row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
    return None if row is None else Holder(*row)


async def check_free(connection: AsyncConnection, organization_id: UUID, phone_number_id: str) -> None:
    """Nothing, when this organization may connect the number.

    Raises:
        NumberTakenError: another one holds it.
    """
    holder = await holder_of(connection, phone_number_id)
    if holder is not None and holder.refuses(organization_id):
        raise NumberTakenError("Another organization has this number connected.")
