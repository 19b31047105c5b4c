"""A connected number as pages show it, and what is wrong with it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from store.ids import new_id
from store.integrations import connect_number
from store.tables import findings, integrations
from tests.console.stage import Console
from tests.rows import KEYED_HASH, RING, Number


async def connected(console: Console, phone_number: str = "+49 30 1234567") -> Number:
    """A connected number of the organization."""
    place = f"106{new_id().int % 10**12:012}"
    waba_id, token = "102290129340398", "EAAlongtoken7Xk2"
    integration_id = await connect_number(
        console.database,
        RING,
        KEYED_HASH,
        organization_id=console.organization_id,
        agent_flow_id=console.agent_flow_id,
        waba_id=waba_id,
        phone_number=phone_number,
        phone_number_id=place,
        access_token=token,
        verify_token=f"verify-{place}",
    )
    return Number(console.organization_id, console.agent_flow_id, integration_id, waba_id, place, phone_number, token)


async def number(console: Console, phone_number: str = "+49 30 1234567", **columns: Any) -> UUID:
    """A connected number; answers its integration's id."""
    integration_id = (await connected(console, phone_number)).integration_id
    facts = {
        "verified_name": "Bakery Nord",
        "quality": "GREEN",
        "messaging_limit": "TIER_2K",
        "throughput": "STANDARD",
        "number_status": "CONNECTED",
        "checked_at": datetime.now(UTC) - timedelta(hours=3),
    }
    async with console.database.transaction() as connection:
        row = update(integrations).where(integrations.c.id == integration_id)
        await connection.execute(row.values(facts | columns))
    return integration_id


async def finding(console: Console, integration_id: UUID, **columns: Any) -> None:
    """What a check found and Meta says: its token is dead, unless told otherwise."""
    now = datetime.now(UTC)
    values = {
        "id": new_id(),
        "organization_id": console.organization_id,
        "integration_id": integration_id,
        "subject": "token",
        "code": "token_dead",
        "severity": "error",
        "says": "Meta no longer accepts the access token of this number: messages come in, none leave.",
        "next_step": "Connect the number again, or enter a new token: what waits then leaves in order.",
        "meta_detail": "(190/460) The session has been invalidated because the user changed the password.",
        "first_seen_at": now - timedelta(hours=2),
        "last_seen_at": now - timedelta(minutes=4),
    }
    async with console.database.transaction() as connection:
        await connection.execute(insert(findings).values(values | columns))
