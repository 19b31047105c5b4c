"""Onboardings as they begin, and what one waits for."""

from typing import Any
from uuid import UUID

from store.onboardings import HandedToken, NumberIds, start_by_hand, start_onboarding
from tests.rows import change
from tests.store.conftest import Tenants


async def started(tenants: Tenants, owner: UUID, **options: Any) -> UUID:
    """One that begins with a code."""
    given: dict[str, Any] = {
        "way": "frontend",
        "code": "AQcode",
        "agent_flow_id": await tenants.agent_flow(owner),
    } | options
    return await start_onboarding(tenants.database, tenants.ring, organization_id=owner, **given)


async def by_hand(tenants: Tenants, owner: UUID, phone_number_id: str = "42", **options: Any) -> UUID:
    """One that begins with a token by hand."""
    return await start_by_hand(
        tenants.database,
        tenants.ring,
        organization_id=owner,
        agent_flow_id=await tenants.agent_flow(owner),
        number=NumberIds("1001", phone_number_id, "+15550001111"),
        token=HandedToken("EAAhanded"),
        **options,
    )


async def waits(tenants: Tenants, onboarding_id: UUID, what: str | None) -> None:
    """Have it wait for a person."""
    await change(
        tenants.database,
        "UPDATE onboardings SET waiting_for = :what, waiting_since = clock_timestamp(), due_at = NULL WHERE id = :id",
        what=what,
        id=onboarding_id,
    )
