"""What every change of an onboarding does: lock its row, note the moment, tell who watches, wake who has to look."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store.errors import NotFoundError
from store.tables import onboardings

ONBOARDING_CHANNEL = "onboarding"

_TELL = text("SELECT pg_notify('onboarding', :onboarding_id)")
_WAKE = text("SELECT pg_notify('due', '')")

NO_LONGER_WAITING: Mapping[str, Any] = {
    "waiting_for": None,
    "waiting_since": None,
    "waited": onboardings.c.waited
    + func.coalesce(func.clock_timestamp() - onboardings.c.waiting_since, text("interval '0'")),
}
"""What ends a wait: its time is added to those before."""

_PIN_IS_SET = or_(
    onboardings.c.registered_by_us, and_(onboardings.c.ended_at.is_not(None), onboardings.c.register_calls > 0)
)
PIN_CAN_BE_SHOWN = and_(
    onboardings.c.pin_origin == "made",
    onboardings.c.pin_sealed.is_not(None),
    onboardings.c.pin_shown_at.is_(None),
    _PIN_IS_SET,
).label("pin_can_be_shown")
"""Whether the row holds a PIN that we made, may have set at Meta, and have not shown."""


async def lock(connection: AsyncConnection, onboarding_id: UUID, *, organization_id: UUID | None = None) -> Any:
    """The onboarding's row, locked until the transaction ends.

    Raises:
        NotFoundError: there is none, or it is another organization's.
    """
    query = select(onboardings, PIN_CAN_BE_SHOWN, func.clock_timestamp().label("now"))
    query = query.where(onboardings.c.id == onboarding_id)
    if organization_id is not None:
        query = query.where(onboardings.c.organization_id == organization_id)
    row = (await connection.execute(query.with_for_update(key_share=True))).one_or_none()
    if row is None:
        raise NotFoundError("There is no such onboarding.")
    return row


async def change(connection: AsyncConnection, onboarding_id: UUID, values: Mapping[str, Any]) -> None:
    """Change the row and tell who watches it."""
    changed = {**values, "changed_at": func.clock_timestamp()}
    await connection.execute(update(onboardings).where(onboardings.c.id == onboarding_id).values(changed))
    await tell(connection, onboarding_id)


async def tell(connection: AsyncConnection, onboarding_id: UUID) -> None:
    """Whoever watches this onboarding reads it anew once the transaction commits."""
    await connection.execute(_TELL, {"onboarding_id": str(onboarding_id)})


async def mark_due(connection: AsyncConnection, onboarding_id: UUID) -> None:
    """Somebody has to look at it now. Wakes intake when the transaction commits."""
    due = {"due_at": func.clock_timestamp()}
    await connection.execute(update(onboardings).where(onboardings.c.id == onboarding_id).values(due))
    await connection.execute(_WAKE)
