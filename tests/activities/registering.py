"""PINs as a person gives and sees them, and how often a number was registered with one."""

from store.onboarding_answers import give_pin, show_pin
from tests.activities.signup import Signup
from tests.rows import RING

PIN = "246810"


async def given(signup: Signup, pin: str) -> None:
    """A person enters the PIN."""
    await give_pin(signup.database, RING, pin=pin, **signup.names)


async def shown_pin(signup: Signup) -> str:
    """A person has the PIN shown that was made."""
    return await show_pin(signup.database, RING, **signup.names)


async def registered(signup: Signup) -> int:
    """How often register was called."""
    return await signup.meta.count("register")
