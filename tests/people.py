"""People who may sign in at the console, by a password whose hash costs next to nothing."""

from uuid import UUID

from argon2 import PasswordHasher

from store.engine import Database
from store.passwords import Passwords
from store.people import Role, create_person

PASSWORD = "correct horse battery"
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


async def person(
    database: Database, organization_id: UUID, email: str, *, name: str = "", role: Role = "member"
) -> UUID:
    """Somebody of this organization, named like their address unless told."""
    return await create_person(
        database,
        CHEAP,
        organization_id=organization_id,
        email=email,
        name=name or email.partition("@")[0],
        password=PASSWORD,
        role=role,
    )
