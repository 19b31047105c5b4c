import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from whatsapp.signed_request import open_signed_request

SECRET, OTHER = b"app secret", b"the one before"
TOLD = {"algorithm": "HMAC-SHA256", "user_id": "218471", "issued_at": 1795262400, "expires": 1795266000}


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(told: Any, secret: bytes = SECRET) -> str:
    payload = encoded(told if isinstance(told, bytes) else json.dumps(told).encode())
    return f"{encoded(hmac.digest(secret, payload.encode(), hashlib.sha256))}.{payload}"


def test_a_signed_request_tells_whose_it_is() -> None:
    found = open_signed_request(signed(TOLD), [SECRET])
    assert found is not None
    assert (found.user_id, found.issued_at) == ("218471", datetime.fromtimestamp(1795262400, UTC))


def test_two_secrets_are_valid_during_rotation_and_an_empty_one_never() -> None:
    assert open_signed_request(signed(TOLD, OTHER), [SECRET, OTHER]) is not None
    assert open_signed_request(signed(TOLD, OTHER), [SECRET]) is None
    assert open_signed_request(signed(TOLD, b""), [b""]) is None
    assert open_signed_request(signed(TOLD), []) is None


def test_a_payload_that_was_changed_is_refused() -> None:
    signature, payload = signed(TOLD).split(".")
    other = encoded(json.dumps({**TOLD, "user_id": "1"}).encode())
    assert open_signed_request(f"{signature}.{other}", [SECRET]) is None
    assert open_signed_request(f"{signature[:-2]}AA.{payload}", [SECRET]) is None


def test_the_request_does_not_choose_its_algorithm() -> None:
    assert open_signed_request(signed({**TOLD, "algorithm": "none"}), [SECRET]) is None
    assert open_signed_request(signed({**TOLD, "algorithm": "hmac-sha256"}), [SECRET]) is not None


@pytest.mark.parametrize(
    "value",
    ["", ".", "a", "a.b", "....", "é.ü", signed([]), signed(b"{"), signed(b"\xff"), signed({**TOLD, "user_id": ""}),
     signed({**TOLD, "user_id": "9" * 600}), "a." + "A" * 10_000],
)  # fmt: skip
def test_what_is_no_signed_request_of_ours_is_nothing(value: str) -> None:
    assert open_signed_request(value, [SECRET]) is None


def test_a_user_id_may_be_a_number_and_an_instant_missing() -> None:
    found = open_signed_request(signed({"algorithm": "HMAC-SHA256", "user_id": 7}), [SECRET])
    assert found is not None
    assert (found.user_id, found.issued_at) == ("7", None)
