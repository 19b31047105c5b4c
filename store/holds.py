"""What a message of ours waits for at this moment, as it is read.

A number's hold is not written on all that waits for it: thousands of rows would change for what one row says. And a
hold that is written stays on the row until it is claimed, also when the number has been released meanwhile.
"""

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.sql.expression import null

from store.tables import integrations, messages

OF_NUMBERS = ("token", "permission", "stopped", "app", "disabled")

_number = integrations.alias("holding_number")
_earlier = messages.alias("earlier_message")

_HOLD_OF_NUMBER = (
    select(
        case(
            (~_number.c.enabled, "disabled"),
            (and_(_number.c.state == "live", _number.c.access_token_sealed.is_not(None)), null()),
            (_number.c.state_reason.in_(("token", "permission", "app")), _number.c.state_reason),
            else_="stopped",
        )
    )
    .where(_number.c.id == messages.c.integration_id)
    .correlate(messages)
    .scalar_subquery()
)

_IS_BEHIND = exists().where(
    _earlier.c.conversation_id == messages.c.conversation_id,
    _earlier.c.queue_no < messages.c.queue_no,
    or_(
        _earlier.c.state.in_(("queued", "sending")),
        and_(_earlier.c.state == "unknown", _earlier.c.unknown_until > func.clock_timestamp()),
    ),
)

WAITS_FOR: ColumnElement[str | None] = case(
    (messages.c.state != "queued", null()),
    else_=func.coalesce(
        _HOLD_OF_NUMBER,
        case((messages.c.hold.not_in(OF_NUMBERS), messages.c.hold)),
        case((_IS_BEHIND, "behind")),
    ),
).label("hold")
"""One of `store.tables.messages.HOLDS` for a queued message that waits; null for one that may leave, or is not queued.
"""

IS_ASKED_ABOUT: ColumnElement[bool] = and_(
    messages.c.state == "unknown",
    or_(messages.c.unknown_until.is_(None), messages.c.unknown_until <= func.clock_timestamp()),
)
"""Nobody knows whether it arrived, and its wait is over: a person is asked, or is about to be."""
