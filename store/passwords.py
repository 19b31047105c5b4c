"""Passwords: argon2id, off the event loop, a few at a time."""

import asyncio
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from store.errors import InvalidRequestError

SHORTEST = 12
LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Passwords:
    """Makes and checks hashes of passwords.

    `hasher` carries the parameters; a hash made with others still opens and asks to be made anew. At most `at_once` run
    together: each takes 64 MiB for some 30 ms.
    """

    hasher: PasswordHasher = field(default_factory=PasswordHasher)
    at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    async def hash(self, password: str) -> str:
        """What is stored instead of the password.

        Raises:
            InvalidRequestError: it is shorter than 12 characters or absurdly long.
        """
        if not SHORTEST <= len(password) <= LONGEST:
            raise InvalidRequestError(
                f"A password has {SHORTEST} to {LONGEST} characters.", next_step="Choose another; a sentence is good."
            )
        async with self.at_once:
            return await asyncio.to_thread(self.hasher.hash, password)

    async def matches(self, password: str, stored: str) -> bool:
        """Whether this is the password behind a stored hash."""
        async with self.at_once:
            return await asyncio.to_thread(self._matches, password[: LONGEST + 1], stored)

    async def matches_nobody(self, password: str) -> None:
        """Take the time that a check takes: an unknown e-mail address is not to be told by its answer's speed."""
        await self.matches(password, _nobody(self.hasher))

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self.hasher.check_needs_rehash(stored)

    def _matches(self, password: str, stored: str) -> bool:
        try:
            return self.hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _nobody(hasher: PasswordHasher) -> str:
    """A well-formed hash with the hasher's own parameters that no password is known for."""
    salt, digest = "A" * 22, "A" * 43
    return f"$argon2id$v=19$m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}${salt}${digest}"
