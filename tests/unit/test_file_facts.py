import base64

import pytest

from whatsapp.file_facts import digest, is_a

SHA = bytes(range(224, 256))


@pytest.mark.parametrize(
    "told",
    [
        SHA.hex(),
        SHA.hex().upper(),
        base64.b64encode(SHA).decode(),
        base64.b64encode(SHA).decode().rstrip("="),
        base64.urlsafe_b64encode(SHA).decode(),
        f" {SHA.hex()}\n",
    ],
)
def test_a_hash_is_read_in_every_form_that_meta_writes(told: str) -> None:
    assert digest(told) == SHA


@pytest.mark.parametrize("told", [None, "", "no hash", SHA.hex()[:-2], base64.b64encode(SHA[:-1]).decode(), "ü" * 44])
def test_what_is_no_hash_is_none(told: str | None) -> None:
    assert digest(told) is None


@pytest.mark.parametrize(
    ("kind", "mime_type"),
    [
        ("image", "image/jpeg"),
        ("sticker", "image/webp"),
        ("audio", "audio/ogg; codecs=opus"),
        ("video", "VIDEO/mp4"),
        ("document", "text/html"),
        ("document", "image/png"),
        ("image", None),
        ("image", "application/octet-stream"),
        ("image", "binary/octet-stream"),
    ],
)
def test_a_type_that_its_kind_can_have(kind: str, mime_type: str | None) -> None:
    assert is_a(kind, mime_type)


@pytest.mark.parametrize(
    ("kind", "mime_type"), [("image", "text/html"), ("audio", "image/png"), ("sticker", "video/mp4")]
)
def test_a_type_that_its_kind_cannot_have(kind: str, mime_type: str) -> None:
    assert not is_a(kind, mime_type)
