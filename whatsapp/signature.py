"""Proofs by the app's secret: that a webhook is Meta's, and that a call is ours (sections 2.6 and 4.1)."""

import hashlib
import hmac
from collections.abc import Sequence

_PREFIX = "sha256="


def sign(body: bytes, secret: bytes) -> str:
    """The value of `X-Hub-Signature-256` for a body, over its very bytes."""
    return _PREFIX + hmac.digest(secret, body, hashlib.sha256).hex()


def verify(body: bytes, header: str | None, secrets: Sequence[bytes]) -> bool:
    """Whether one of the secrets signed these bytes. Two are valid while the app's secret is being rotated.

    Takes the same time wherever the signatures differ and whichever secret fits. An empty secret signs nothing:
    everybody knows it.
    """
    given = (header or "").encode("utf-8", "replace")
    matches = [hmac.compare_digest(given, sign(body, secret).encode()) for secret in secrets if secret]
    return any(matches)


def appsecret_proof(token: str, secret: str) -> str:
    """The parameter by which Meta knows that a token is used by its own app."""
    return hmac.digest(secret.encode(), token.encode(), hashlib.sha256).hex()
