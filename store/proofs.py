"""The live proof of an onboarding: what came for its number wakes the one that waits for it."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# One that is about to wait (`activate`) is woken too: it may have looked before this was committed.
_WAKE = text("""
    WITH woken AS (
      UPDATE onboardings SET due_at = clock_timestamp()
      WHERE integration_id = ANY(CAST(:integrations AS uuid[])) AND step IN ('activate', 'prove') AND ended_at IS NULL
      RETURNING id
    )
    SELECT pg_notify('due', '') FROM (SELECT FROM woken LIMIT 1) AS any_woken
""")


async def wake_proofs(connection: AsyncConnection, integration_ids: Collection[UUID]) -> None:
    """Something came that may prove these numbers."""
    if integration_ids:
        await connection.execute(_WAKE, {"integrations": sorted(integration_ids)})
