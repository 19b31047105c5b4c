"""People of the console as the store knows them: what is left when they sign in."""

from datetime import timedelta

from store.engine import Database
from store.signing_in import SignIn
from tests.people import PASSWORD
from tests.rows import rows

LIFE = timedelta(hours=12)
"""How long a session lives that nobody uses."""


async def signed_in(sign_in: SignIn, *, email: str = "ada@example.com") -> str:
    """The token of a session that is begun."""
    token = await sign_in(email=email, password=PASSWORD, address="192.0.2.1")
    assert token is not None
    return token


async def actions(database: Database) -> list[str]:
    """What the audit log says was done, in order."""
    return [one.action for one in await rows(database, "SELECT action FROM audit_log ORDER BY id")]
