"""Sealing: what must not be readable in a copy of the database (tokens, agents' secrets) is stored encrypted.

An envelope: each value has a data key of its own, which the ring's first key wraps. Both layers are AES-256-GCM and
bound to table, column and row, so that a sealed value opens only where it was put. Format, decisions and rotation:
docs/decisions/0001-sealing.md.
"""

import base64
import binascii
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from store.errors import SealingError, SettingsError

_VERSION = b"\x01"
_NONCE = 12
_KEY = 32
_TAG = 16
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys by id. The first one seals, all of them open: put a new one in front, and take an old one away later."""

    sealing_key_id: str
    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def parse(cls, entries: Sequence[str]) -> "KeyRing":
        """Read `SEALING_KEYS`: `id:base64 of 32 bytes` each.

        Raises:
            SettingsError: none is given, or one is not a key; it names the place, never the value.
        """
        keys: dict[str, bytes] = {}
        for place, entry in enumerate(entries, start=1):
            key_id, _, encoded = entry.strip().partition(":")
            if not _KEY_ID.fullmatch(key_id) or key_id in keys:
                raise SettingsError(f"SEALING_KEYS: entry {place} has no id of its own before a colon")
            keys[key_id] = decode_key(encoded, setting=f"SEALING_KEYS: entry {place}")
        if not keys:
            raise SettingsError("SEALING_KEYS is empty", next_step="Make a key with `holdfast seal new-key`.")
        return cls(next(iter(keys)), keys)

    def seal(self, value: str, *, table: str, column: str, row: UUID) -> bytes:
        """Encrypt a value for one place; the same value never gives the same bytes twice."""
        place = _place(table, column, row)
        data_key = AESGCM.generate_key(_KEY * 8)
        return self._wrap(data_key, place) + _encrypt(data_key, value.encode(), place)

    def open(self, sealed: bytes, *, table: str, column: str, row: UUID) -> str:
        """Decrypt what was sealed for this very place.

        Raises:
            SealingError: its key is not in the ring, it was sealed for another place, or it was tampered with.
        """
        place = _place(table, column, row)
        data_key, content = self._unwrap(sealed, place)
        return _decrypt(data_key, content, place).decode()

    def rewrap(self, sealed: bytes, *, table: str, column: str, row: UUID) -> bytes:
        """The same value under the ring's first key; the value itself is not decrypted. For rotation.

        Raises:
            SealingError: as for `open`.
        """
        place = _place(table, column, row)
        data_key, content = self._unwrap(sealed, place)
        return self._wrap(data_key, place) + content

    def _wrap(self, data_key: bytes, place: bytes) -> bytes:
        key_id = self.sealing_key_id.encode()
        wrapped = _encrypt(self.keys[self.sealing_key_id], data_key, place)
        return _VERSION + bytes([len(key_id)]) + key_id + wrapped

    def _unwrap(self, sealed: bytes, place: bytes) -> tuple[bytes, bytes]:
        key_id = sealed_with(sealed)
        key = self.keys.get(key_id)
        if key is None:
            raise SealingError(f"the key {key_id} is not in the ring")
        start = 2 + len(key_id)
        end = start + _NONCE + _KEY + _TAG
        return _decrypt(key, sealed[start:end], place), sealed[end:]


def sealed_with(sealed: bytes) -> str:
    """The id of the key that a sealed value needs: what tells when an old key may go.

    Raises:
        SealingError: these bytes are not a sealed value.
    """
    id_length = sealed[1] if len(sealed) > 1 else 0
    if sealed[:1] != _VERSION or len(sealed) < 2 + id_length + 2 * (_NONCE + _TAG) + _KEY:
        raise SealingError("these bytes are not a sealed value")
    return sealed[2 : 2 + id_length].decode("ascii", "replace")


def decode_key(encoded: str, *, setting: str) -> bytes:
    """The 32 bytes that a setting gives in base64.

    Raises:
        SettingsError: it is something else; the value is not shown.
    """
    try:
        key = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _KEY:
        raise SettingsError(f"{setting} is not the base64 of {_KEY} bytes")
    return key


def new_key() -> str:
    """A fresh random key, as the settings want it."""
    return base64.b64encode(os.urandom(_KEY)).decode()


def _place(table: str, column: str, row: UUID) -> bytes:
    return f"{table}.{column}.{row}".encode()


def _encrypt(key: bytes, value: bytes, place: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, value, place)


def _decrypt(key: bytes, sealed: bytes, place: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], place)
    except (InvalidTag, ValueError):
        raise SealingError("the value was sealed for another place, by another key, or was changed") from None
