"""Changes of a number's state that happen by themselves: held, stopped, released; the business is told of each.

`integrations.state_reason` holds a key of `REASONS` where sending or a check decided, and words where a person did.
"""

from collections.abc import Iterable
from typing import Any, Literal
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

_CHANGED = (
    integrations.c.id,
    integrations.c.organization_id,
    integrations.c.state,
    integrations.c.state_reason,
)
_EVENTS: dict[str, EventType] = {
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
        .returning(*_CHANGED, integrations.c.enabled)
    )
    row = (await connection.execute(change)).one()
    if state == "live" and row.enabled:
        await mark_waiting_due(connection, integration_id)
    await tell_states(connection, [row])


async def tell_states(connection: AsyncConnection, changed: Iterable[Any]) -> None:
    """Tell businesses of numbers whose state has changed, in the transaction that changes it.

    `changed` are rows of `integrations` with id, organization_id, state and state_reason.
    """
    for row in changed:
        says, next_step = REASONS.get(row.state_reason or "", (row.state_reason, None))
        await events.emit(
            connection,
            organization_id=row.organization_id,
            type=_EVENTS[row.state],
            integration_id=row.id,
            data={"state": row.state, "reason": says, "next_step": next_step},
        )
