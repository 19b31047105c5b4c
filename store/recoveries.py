"""A signup that was finished at Meta and whose code never reached us: shown as an onboarding that waits for a new one.

Meta tells of each finished signup by PARTNER_APP_INSTALLED. It is one of ours to recover when an onboarding that named
the account or its business lost its code; the organization is that onboarding's. No guess is made beyond that.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import audit, events, onboarding_rows
from store.ids import new_id
from store.tables.onboardings import ONBOARDING_STEPS
from whatsapp.account_changes import AccountUpdate

INSTALLED = "PARTNER_APP_INSTALLED"
RECENT = timedelta(days=7)
"""As long as Meta repeats a webhook, and as an onboarding waits for a person."""
SAYS = "This business finished the signup at Meta, but its code never reached us."
NEXT_STEP = "Start again: the window remembers what was entered. A new code is all that is missing."

_LOST_CODES = "('code_expired', 'code_used', 'code_lost', 'code_refused')"
_NAMES = """
    (coalesce(o.waba_id, o.hints ->> 'waba_id') = :waba_id
     OR (o.waba_id IS NULL AND NOT o.hints ? 'waba_id'
         AND coalesce(o.business_id, o.hints ->> 'business_id') = :business_id))
"""
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('recovery/' || :waba_id, 0))")
_RUNNING = text(f"""
    SELECT o.organization_id, o.way FROM onboardings o
    WHERE o.ended_at IS NULL AND o.created_at > clock_timestamp() - CAST(:recent AS interval) AND {_NAMES}
    ORDER BY (o.way = 'recovery') DESC LIMIT 1
""")  # noqa: S608 - the parts are constants of this file
_LOST = text(f"""
    SELECT o.organization_id, o.agent_flow_id, o.reconnects_id FROM onboardings o
    WHERE o.state = 'failed' AND o.error_code IN {_LOST_CODES}
      AND o.created_at > clock_timestamp() - CAST(:recent AS interval) AND {_NAMES}
    ORDER BY o.created_at DESC LIMIT 1
""")  # noqa: S608 - the parts are constants of this file

_BEGIN = text("""
    WITH begun AS (
      INSERT INTO onboardings (id, organization_id, agent_flow_id, reconnects_id, way, step, waiting_for, waiting_since,
                               hints, next_step, changed_at)
      VALUES (:id, :organization_id, :agent_flow_id, :reconnects_id, 'recovery', 'exchange', 'code', clock_timestamp(),
              jsonb_strip_nulls(jsonb_build_object('waba_id', CAST(:waba_id AS text),
                                                   'business_id', CAST(:business_id AS text))),
              :next_step, clock_timestamp())
      RETURNING id, organization_id
    )
    INSERT INTO onboarding_steps (onboarding_id, organization_id, step, position, state, says, next_step, began_at)
    SELECT b.id, b.organization_id, s.step, s.position,
           CASE s.position WHEN 1 THEN 'waiting' ELSE 'pending' END, CASE s.position WHEN 1 THEN :says END,
           CASE s.position WHEN 1 THEN :next_step END, CASE s.position WHEN 1 THEN clock_timestamp() END
    FROM begun b, unnest(CAST(:steps AS text[])) WITH ORDINALITY AS s (step, position)
""")


NAMELESS = "No number of this WABA is connected: its signup was finished at Meta, and no sign-in here names it."
RUNNING = "No number of this WABA is connected yet: its onboarding is under way."


@dataclass(frozen=True, slots=True)
class Attributed:
    """Whose a finished signup is."""

    organization_id: UUID | None
    """None: nobody's, as far as anything here names it, or not for certain yet."""
    reason: str = ""
    """Why nobody's."""


async def attribute(connection: AsyncConnection, change: AccountUpdate) -> Attributed:
    """Whose a finished signup of an unknown account is; one whose code was lost becomes an onboarding that waits."""
    values = {"waba_id": change.waba_id, "business_id": change.business_id, "recent": RECENT}
    await connection.execute(_LOCK, {"waba_id": change.waba_id})
    running = (await connection.execute(_RUNNING, values)).one_or_none()
    if running is not None:
        is_known = running.way == "recovery"
        return Attributed(running.organization_id) if is_known else Attributed(None, RUNNING)
    lost = (await connection.execute(_LOST, values)).one_or_none()
    if lost is None:
        return Attributed(None, NAMELESS)
    await _begin(connection, lost, change)
    return Attributed(lost.organization_id)


async def _begin(connection: AsyncConnection, lost: Any, change: AccountUpdate) -> None:
    onboarding_id = new_id()
    await connection.execute(
        _BEGIN,
        {
            "id": onboarding_id,
            "organization_id": lost.organization_id,
            "agent_flow_id": lost.agent_flow_id,
            "reconnects_id": lost.reconnects_id,
            "waba_id": change.waba_id,
            "business_id": change.business_id,
            "says": SAYS,
            "next_step": NEXT_STEP,
            "steps": list(ONBOARDING_STEPS),
        },
    )
    await onboarding_rows.mark_due(connection, onboarding_id)
    await onboarding_rows.tell(connection, onboarding_id)
    await audit.note(
        connection,
        organization_id=lost.organization_id,
        action="onboarding.started",
        subject_id=onboarding_id,
        actor="meta",
        detail={"way": "recovery", "event": INSTALLED},
    )
    data = {"onboarding_id": str(onboarding_id), "waiting_for": "code", "says": SAYS, "next_step": NEXT_STEP}
    await events.emit(connection, organization_id=lost.organization_id, type="onboarding.waiting", data=data)
