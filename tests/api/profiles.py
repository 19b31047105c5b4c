"""A number whose profile is asked about through the API, at a Meta with limits of its own."""

from typing import Any

from store.engine import Database
from tests.api.edge import Tenant
from tests.rows import rows


def path(shop: Tenant, *, picture: bool = False) -> str:
    """Where its profile is, or the profile's picture."""
    place = f"/api/v1/channels/whatsapp/integrations/{shop.number.integration_id}/profile"
    return f"{place}/picture" if picture else place


async def read(shop: Tenant) -> dict[str, Any]:
    """The profile as Meta has it."""
    answer = await shop.client.get(path(shop))
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def put(shop: Tenant, **changes: Any) -> dict[str, Any]:
    """Change it; what Meta has then."""
    answer = await shop.client.put(path(shop), json=changes)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def audited(database: Database) -> list[Any]:
    """The changes of profiles in the audit log."""
    return await rows(database, "SELECT * FROM audit_log WHERE action = 'profile.changed' ORDER BY at")
