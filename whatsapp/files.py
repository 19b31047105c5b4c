"""What Meta takes as a file: kinds, types and sizes (section 9), and how it writes a file's hash."""

import base64
import binascii
from collections.abc import Mapping

LARGEST_INBOUND = 100 * 1024 * 1024
"""Bytes of a customer's file, whatever its kind."""

_MB = 1024 * 1024
_KB = 1024
_SHA256 = 32

KINDS = ("image", "audio", "video", "document", "sticker")

TYPES: Mapping[str, Mapping[str, int]] = {
    "image": {"image/jpeg": 5 * _MB, "image/png": 5 * _MB},
    "audio": {
        "audio/aac": 16 * _MB,
        "audio/amr": 16 * _MB,
        "audio/mpeg": 16 * _MB,
        "audio/mp4": 16 * _MB,
        "audio/ogg": 16 * _MB,
    },
    "video": {"video/mp4": 16 * _MB, "video/3gpp": 16 * _MB},
    "document": {
        "text/plain": 100 * _MB,
        "application/pdf": 100 * _MB,
        "application/msword": 100 * _MB,
        "application/vnd.ms-excel": 100 * _MB,
        "application/vnd.ms-powerpoint": 100 * _MB,
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": 100 * _MB,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": 100 * _MB,
        "application/vnd.openxmlformats-officedocument.presentationml.presentation": 100 * _MB,
    },
    "sticker": {"image/webp": 500 * _KB},
}
"""What may be sent, by kind: the types and the bytes that each may have."""
STILL_STICKER = 100 * _KB
"""A sticker that does not move may have no more."""

_FAMILIES = {"image": ("image",), "sticker": ("image",), "audio": ("audio",), "video": ("video",)}


def base_type(mime_type: str | None) -> str:
    """The type without its parameters, in small letters: `audio/ogg` of `audio/ogg; codecs=opus`."""
    return (mime_type or "").partition(";")[0].strip().lower()


def is_a(kind: str, mime_type: str | None) -> bool:
    """Whether a customer's file of this type can be of the kind that was told.

    Anything can be a document; what names no type of its own may be anything.
    """
    family = base_type(mime_type).partition("/")[0]
    return family in ("", "application", "binary") or family in _FAMILIES.get(kind, (family,))


def digest(told: str | None) -> bytes | None:
    """The bytes of a hash as Meta writes it: base64 in webhooks, hexadecimal digits in answers; None if it is none."""
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
