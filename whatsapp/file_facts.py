"""What Meta tells of a customer's file, and what is to be believed of it (section 9)."""

import base64
import binascii
from collections.abc import Mapping

LARGEST_INBOUND = 100 * 1024 * 1024
"""Bytes of a customer's file, whatever its kind."""

_SHA256 = 32
_FAMILIES: Mapping[str, str] = {"image": "image", "sticker": "image", "audio": "audio", "video": "video"}
_NAMELESS = frozenset({"", "application", "binary"})


def is_a(kind: str, mime_type: str | None) -> bool:
    """Whether a file of this type can be of the kind that its message says; anything can be a document.

    What names no type of its own (`application/octet-stream`) may be anything.
    """
    family = (mime_type or "").partition("/")[0].strip().lower()
    return family in _NAMELESS or family == _FAMILIES.get(kind, family)


def digest(told: str | None) -> bytes | None:
    """The bytes of a SHA-256 as Meta writes it: base64 in webhooks, hexadecimal digits in answers; None if it is none.

    Some write base64 without its padding, or with the letters that are good in addresses.
    """
    told = (told or "").strip()
    for read in (bytes.fromhex, _base64):
        try:
            found = read(told)
        except (ValueError, binascii.Error):
            continue
        if len(found) == _SHA256:
            return found
    return None


def _base64(told: str) -> bytes:
    padded = told + "=" * (-len(told) % 4)
    return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
