"""Changes of a number's state that happen by themselves: held, stopped, released; the business is told of each.

`integrations.state_reason` holds a key of `REASONS` where sending or a check decided, and words where a person did.
"""

from typing import Literal
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import events
from store.event_types import EventType
from store.integrations import mark_waiting_due
from store.tables import integrations

Told = Literal["live", "held", "stopped", "disconnected"]

_RECONNECT = "Connect the number again, or store a new access token."
REASONS = {
    "token": ("Meta says that the access token is not valid, or no longer.", _RECONNECT),
    "permission": (
        "The access token may no longer do what sending needs.",
        "Give the app its access to the account back in Meta's business settings, or connect the number again.",
    ),
    "app": (
        "Meta does not accept our app's proof.",
        "Whoever runs Holdfast compares META_APP_SECRET with the app at Meta.",
    ),
    "stopped": (
        "Meta has stopped the number.",
        "Look at the number and its account in WhatsApp Manager; the findings name what is known.",
    ),
}
"""Why a number does not send, and what helps, by the key that its row keeps."""

_EVENTS: dict[Told, EventType] = {
    "live": "integration.live",
    "held": "integration.held",
    "stopped": "integration.stopped",
    "disconnected": "integration.disconnected",
}


async def put_state(connection: AsyncConnection, integration_id: UUID, *, state: Told, reason: str | None) -> None:
    """Hold, stop or release a number, and tell the business. Released, what waits goes on, in order.

    The caller has locked the row and knows that this is a change.
    """
    change = (
        update(integrations)
        .where(integrations.c.id == integration_id)
        .values(state=state, state_reason=reason, state_since=func.clock_timestamp())
        .returning(integrations.c.organization_id, integrations.c.phone_number, integrations.c.enabled)
    )
    row = (await connection.execute(change)).one()
    if state == "live" and row.enabled:
        await mark_waiting_due(connection, integration_id)
    await tell_state(
        connection,
        organization_id=row.organization_id,
        integration_id=integration_id,
        phone_number=row.phone_number,
        state=state,
        reason=reason,
    )


async def tell_state(
    connection: AsyncConnection,
    *,
    organization_id: UUID,
    integration_id: UUID,
    phone_number: str,
    state: Told,
    reason: str | None,
) -> None:
    """Tell the business that a number's state has changed, in the transaction that changes it."""
    says, next_step = REASONS.get(reason or "", (reason, None))
    await events.emit(
        connection,
        organization_id=organization_id,
        type=_EVENTS[state],
        integration_id=integration_id,
        data={"phone_number": phone_number, "state": state, "reason": says, "next_step": next_step},
    )
