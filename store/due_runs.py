"""Onboardings, event deliveries and checks that are due: marked with what happened, then woken by intake.

Only the run itself clears a mark. A wake that was lost is repeated, one too many changes nothing. A number that was
disconnected is marked so too: its checks are to end, and intake clears the mark when Temporal has ended them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import text

from store.engine import Database

Kind = Literal["onboarding", "delivery", "check", "end_of_checks"]


@dataclass(frozen=True, slots=True)
class DueRun:
    """A run to be woken."""

    kind: Kind
    id: UUID
    organization_id: UUID
    step: str
    """Where an onboarding stands; empty for the others."""


def _ready(table: str, due: str = "due_at", nudged: str = "nudged_at", *, only: str = "true") -> str:
    return f"""
      SELECT id FROM {table}
      WHERE {due} <= statement_timestamp() AND {only}
        AND ({nudged} IS NULL
             OR ({due} > {nudged} AND {nudged} < statement_timestamp() - CAST(:quiet AS interval))
             OR {nudged} < statement_timestamp() - CAST(:repeat AS interval))
      ORDER BY {due} LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    """  # noqa: S608 - the names are ours


# What is being connected has no check that could clear the mark.
_READY_CHECKS = _ready("integrations", "check_due_at", "check_nudged_at", only="state <> 'connecting'")

# One statement for all: nearly always there is nothing, and it is asked every second.
_CLAIM = text(f"""
    WITH ready_onboardings AS MATERIALIZED ({_ready("onboardings")}),
    ready_deliveries AS MATERIALIZED ({_ready("event_deliveries")}),
    ready_checks AS MATERIALIZED ({_READY_CHECKS}),
    claimed_onboardings AS (
      UPDATE onboardings o SET nudged_at = clock_timestamp() FROM ready_onboardings r WHERE o.id = r.id
      RETURNING o.id, o.organization_id, o.step
    ), claimed_deliveries AS (
      UPDATE event_deliveries d SET nudged_at = clock_timestamp() FROM ready_deliveries r WHERE d.id = r.id
      RETURNING d.id, d.organization_id
    ), claimed_checks AS (
      UPDATE integrations i SET check_nudged_at = clock_timestamp() FROM ready_checks r WHERE i.id = r.id
      RETURNING i.id, i.organization_id, CASE i.state WHEN 'disconnected' THEN 'end_of_checks' ELSE 'check' END AS kind
    )
    SELECT 'onboarding', id, organization_id, step FROM claimed_onboardings
    UNION ALL SELECT kind, id, organization_id, '' FROM claimed_checks
    UNION ALL SELECT 'delivery', id, organization_id, '' FROM claimed_deliveries
""")  # noqa: S608 - the names are ours

_CHECKS_ENDED = text("""
    UPDATE integrations SET check_due_at = NULL, check_nudged_at = NULL WHERE id = :id AND state = 'disconnected'
""")

_GIVE_BACK = text("""
    WITH back AS (UPDATE onboardings SET nudged_at = NULL WHERE id = ANY(CAST(:ids AS uuid[]))),
    checks AS (UPDATE integrations SET check_nudged_at = NULL WHERE id = ANY(CAST(:ids AS uuid[])))
    UPDATE event_deliveries SET nudged_at = NULL WHERE id = ANY(CAST(:ids AS uuid[]))
""")


async def claim_due(database: Database, *, limit: int, quiet: timedelta, repeat: timedelta) -> list[DueRun]:
    """The runs to be woken now, `limit` of each kind at most, noted as nudged; onboardings first.

    A mark is told once at first; a newer one unless its run was nudged within `quiet`; and one that no run acted on,
    again after `repeat`.
    """
    async with database.statement() as connection:
        rows = await connection.execute(_CLAIM, {"limit": limit, "quiet": quiet, "repeat": repeat})
        return [DueRun(*row) for row in rows]


async def give_back(database: Database, runs: Collection[DueRun]) -> None:
    """They were not woken: they may be claimed again at once."""
    if not runs:
        return
    async with database.statement() as connection:
        await connection.execute(_GIVE_BACK, {"ids": sorted(run.id for run in runs)})


async def checks_ended(database: Database, integration_id: UUID) -> None:
    """Temporal has ended a number's checks: nothing is left to be done, unless it was connected again meanwhile."""
    async with database.statement() as connection:
        await connection.execute(_CHECKS_ENDED, {"id": integration_id})
