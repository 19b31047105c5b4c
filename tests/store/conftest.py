from dataclasses import dataclass, field
from uuid import UUID

import pytest

from store import integrations, organizations
from store.engine import Database
from store.hashing import KeyedHash
from store.ids import new_id
from store.sealing import KeyRing, new_key
from store.signing_in import SignIn, Throttle
from tests.people import CHEAP, person
from tests.rows import KEYED_HASH
from tests.store.people import LIFE


@dataclass(frozen=True, slots=True)
class Tenants:
    """Makes organizations with agent flows and numbers in one database."""

    database: Database
    ring: KeyRing = field(default_factory=lambda: KeyRing.parse([f"test:{new_key()}"]))
    keyed_hash: KeyedHash = field(default_factory=lambda: KeyedHash.parse(new_key()))

    async def organization(self, name: str = "Bakery") -> UUID:
        return await organizations.create_organization(self.database, name)

    async def agent_flow(self, organization_id: UUID) -> UUID:
        return await organizations.create_agent_flow(
            self.database, self.ring, organization_id=organization_id, name="echo", kind="echo"
        )

    async def number(
        self,
        organization_id: UUID,
        *,
        agent_flow_id: UUID | None = None,
        phone_number_id: str | None = None,
        access_token: str = "EAAtesttoken",
        verify_token: str = "verify-me",
        state: integrations.IntegrationState = "live",
    ) -> UUID:
        return await integrations.connect_number(
            self.database,
            self.ring,
            self.keyed_hash,
            organization_id=organization_id,
            agent_flow_id=agent_flow_id or await self.agent_flow(organization_id),
            waba_id="1001",
            phone_number="+15550001111",
            phone_number_id=phone_number_id or str(new_id().int)[:15],
            access_token=access_token,
            verify_token=verify_token,
            state=state,
        )


@pytest.fixture
def tenants(database: Database) -> Tenants:
    return Tenants(database)


@pytest.fixture
async def bakery(database: Database) -> UUID:
    """An organization."""
    return await organizations.create_organization(database, "Bakery")


@pytest.fixture
async def ada(database: Database, bakery: UUID) -> UUID:
    """Its only owner, and so far its only person."""
    return await person(database, bakery, "Ada@example.com", role="owner")


@pytest.fixture
def sign_in(database: Database) -> SignIn:
    """The way in, for three attempts."""
    return SignIn(database, KEYED_HASH, CHEAP, Throttle(attempts=3), LIFE)
