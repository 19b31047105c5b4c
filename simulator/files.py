"""Files that Meta keeps for a while: what the app uploaded and what customers sent, and the URLs they are read from."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from simulator.file_rules import plain_type

UPLOADED_FOR = 30 * 86400.0
"""Seconds that the id of an uploaded file lives."""
RECEIVED_FOR = 7 * 86400.0
"""The same of a file that a customer sent."""
URL_FOR = 300.0
"""Seconds that a URL to download from is good for."""
DOWNLOAD_PATH = "/whatsapp_business/attachments/"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file under one id."""

    media_id: str
    phone_number_id: str
    """The number that uploaded or received it: no other can use it."""
    data: bytes
    mime_type: str
    expires_at: float
    from_customer: bool
    sha256: bytes

    @property
    def kind(self) -> str:
        """What it can be sent as: image, audio, video, document or sticker."""
        return kind_of(self.mime_type)


@dataclass(slots=True)
class Files:
    """All files, by id. An id whose time is over is as if it had never been."""

    new_id: Callable[[], str]
    stored: dict[str, StoredFile] = field(default_factory=dict)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def add(
        self, phone_number_id: str, data: bytes, mime_type: str, *, now: float, from_customer: bool = False
    ) -> StoredFile:
        """Keep a file."""
        stored = StoredFile(
            media_id=self.new_id(),
            phone_number_id=phone_number_id,
            data=data,
            mime_type=mime_type,
            expires_at=now + (RECEIVED_FOR if from_customer else UPLOADED_FOR),
            from_customer=from_customer,
            sha256=hashlib.sha256(data).digest(),
        )
        self.stored[stored.media_id] = stored
        return stored

    def find(self, media_id: str, now: float) -> StoredFile | None:
        """The file under a living id."""
        stored = self.stored.get(media_id)
        return stored if stored is not None and now < stored.expires_at else None

    def delete(self, media_id: str) -> None:
        """Forget a file."""
        self.stored.pop(media_id, None)

    def url(self, stored: StoredFile, base_url: str, *, now: float, source: str, expired: bool = False) -> str:
        """A URL on this simulator that is good for five minutes, or no longer."""
        ends = int(now + (-1 if expired else URL_FOR))
        query = {"mid": stored.media_id, "source": source, "ext": ends, "hash": self._hash(stored.media_id, str(ends))}
        return f"{base_url.rstrip('/')}{DOWNLOAD_PATH}?{urlencode(query)}"

    def behind(self, media_id: str, ends: str, signature: str, *, now: float) -> StoredFile | None:
        """The file behind the parts of a URL, while URL and id live; any `ends` but its own has another signature."""
        if not hmac.compare_digest(signature.encode(), self._hash(media_id, ends).encode()) or now >= int(ends):
            return None
        return self.find(media_id, now)

    def _hash(self, media_id: str, ends: str) -> str:
        return hmac.digest(self._key, f"{media_id}.{ends}".encode(), hashlib.sha256).hex()


def kind_of(mime_type: str) -> str:
    """What a MIME type can be sent as; `document` is what is nothing else."""
    plain = plain_type(mime_type)
    if plain == "image/webp":
        return "sticker"
    head = plain.partition("/")[0]
    return head if head in {"image", "audio", "video"} else "document"
