"""Keyed hashes: for secrets that are only ever compared (API keys, verify tokens), so that none can be read back."""

import hashlib
import hmac
from dataclasses import dataclass, field

from store.sealing import decode_key


@dataclass(frozen=True, slots=True)
class KeyedHash:
    """HMAC-SHA-256 under `SEALING_HASH_KEY`: a copy of the database alone cannot be used to try out guesses."""

    key: bytes = field(repr=False)

    @classmethod
    def parse(cls, encoded: str) -> "KeyedHash":
        """Read `SEALING_HASH_KEY`.

        Raises:
            SettingsError: it is not the base64 of 32 bytes.
        """
        return cls(decode_key(encoded, setting="SEALING_HASH_KEY"))

    def digest(self, value: str) -> bytes:
        """What is stored instead of the value, 32 bytes."""
        return hmac.digest(self.key, value.encode(), hashlib.sha256)

    def matches(self, value: str, digest: bytes) -> bool:
        """Whether this is the value behind a stored digest, in constant time."""
        return hmac.compare_digest(self.digest(value), digest)
