"""`signed_request`: how Facebook tells an app that a user has removed it, or wants his data deleted."""

import base64
import hashlib
import hmac

import orjson


def signed_request(user_id: str, app_secret: str, *, issued_at: int) -> str:
    """Signature and payload, each base64url without padding; the signature is over the encoded payload."""
    payload = {"algorithm": "HMAC-SHA256", "issued_at": issued_at, "user_id": user_id}
    encoded = _encoded(orjson.dumps(payload))
    signature = hmac.digest(app_secret.encode(), encoded.encode(), hashlib.sha256)
    return f"{_encoded(signature)}.{encoded}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
