"""Facebook's `signed_request`: who deauthorised our app or wants their data deleted (section 11)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from whatsapp.foreign import UnreadableError, identifier, instant, mapping, read, text

ALGORITHM = "HMAC-SHA256"
LONGEST = 8192
"""Characters. Facebook's own have a few hundred."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What Facebook signed."""

    user_id: str
    """Of the Facebook user, as our app knows them; nobody of WhatsApp."""
    issued_at: datetime | None
    payload: Mapping[str, Any]


def open_signed_request(value: str, secrets: Sequence[bytes]) -> SignedRequest | None:
    """What a signed request says; None unless one of the secrets signed it and it names a user.

    Takes the same time wherever the signatures differ and whichever secret fits. Two are valid while the app's secret
    is being rotated; an empty one signs nothing. The algorithm is the one we know, never one that the request chooses.
    """
    signature, dot, signed = value.partition(".")
    if not dot or len(value) > LONGEST or not value.isascii():
        return None
    given, payload = _decoded(signature), _payload(signed)
    expected = [hmac.digest(secret, signed.encode(), hashlib.sha256) for secret in secrets if secret]
    matches = [hmac.compare_digest(given, digest) for digest in expected]
    if not any(matches) or (text(payload.get("algorithm")) or "").upper() != ALGORITHM:
        return None
    try:
        user_id = identifier(payload.get("user_id"))
    except UnreadableError:
        return None
    return SignedRequest(user_id, _issued_at(payload), payload) if user_id else None


def _decoded(part: str) -> bytes:
    """Base64 for URLs, whose padding Facebook leaves out; nothing for what is none."""
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _payload(part: str) -> dict[str, Any]:
    try:
        return mapping(read(_decoded(part)))
    except UnreadableError:
        return {}


def _issued_at(payload: Mapping[str, Any]) -> datetime | None:
    try:
        return instant(payload.get("issued_at"))
    except UnreadableError:
        return None
