"""Examples for OpenAPI of files."""

from typing import Any

from api.examples import PROBLEMS, problem
from whatsapp.media_types import FILE_TYPES

FILE = {
    "id": "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a21",
    "direction": "out",
    "kind": "document",
    "state": "stored",
    "mime_type": "application/pdf",
    "size": 48213,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "filename": "invoice-4711.pdf",
    "message_id": None,
    "says": None,
    "fetch_before": None,
    "stored_at": "2026-11-21T09:00:00Z",
    "created_at": "2026-11-21T09:00:00Z",
}

BODY = {
    "required": True,
    "description": "The file itself.",
    "content": {mime_type: {"schema": {"type": "string", "format": "binary"}} for mime_type in FILE_TYPES},
}

CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {"application/octet-stream": {"example": "(the bytes)"}}},
    206: {"description": "A part of it.", "content": {"application/octet-stream": {"example": "(some bytes)"}}},
    **{status: PROBLEMS[status] for status in (401, 404, 422, 503)},
    409: problem(
        409,
        "file_waiting",
        "The file is still to be fetched from Meta; Meta keeps it until 2026-11-28 09:00 UTC.",
        "Try again in a moment.",
    ),
    410: problem(
        410,
        "file_lost",
        "The file is lost. Meta did not have it any more.",
        "Ask the customer to send it again.",
    ),
}
