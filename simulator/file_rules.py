"""What Meta takes as a file to send: types, sizes, and whether the bytes are of the type they are said to be."""

from simulator.refusals import RefusedError

_MB = 1024 * 1024
_KB = 1024
LIMITS: dict[str, int] = {
    "image/jpeg": 5 * _MB,
    "image/png": 5 * _MB,
    "audio/aac": 16 * _MB,
    "audio/amr": 16 * _MB,
    "audio/mpeg": 16 * _MB,
    "audio/mp4": 16 * _MB,
    "audio/ogg": 16 * _MB,
    "video/mp4": 16 * _MB,
    "video/3gpp": 16 * _MB,
    "image/webp": 500 * _KB,
    "text/plain": 100 * _MB,
    "application/pdf": 100 * _MB,
    "application/msword": 100 * _MB,
    "application/vnd.ms-excel": 100 * _MB,
    "application/vnd.ms-powerpoint": 100 * _MB,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": 100 * _MB,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": 100 * _MB,
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": 100 * _MB,
}
"""The most bytes by type."""
_STATIC_STICKER = 100 * _KB
_BEGINNINGS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"%PDF-", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"#!AMR", "audio/amr"),
    (b"GIF8", "image/gif"),
)
UPLOAD_FAILED = 131053
"""A file that is not what it should be, at once or when Meta comes to send it."""


def check_file(data: bytes, mime_type: str) -> None:
    """Refuse a file as Meta does.

    Raises:
        RefusedError: 100 for a type that nothing can be sent as, 131053 for one that is empty, too large, or another
            type than it is said to be.
    """
    plain = plain_type(mime_type)
    limit = LIMITS.get(plain)
    if limit is None:
        known = ", ".join(sorted(LIMITS))
        message = f"(#100) Param file must be a file with one of the following types: {known}. Received file of type"
        raise RefusedError(100, message=f"{message} '{mime_type}'.")
    if plain == "image/webp" and b"ANIM" not in data[:64]:
        limit = _STATIC_STICKER
    if not data:
        raise RefusedError(UPLOAD_FAILED, details="The file is empty")
    if len(data) > limit:
        details = f"File Size is too big: {len(data)} bytes of {plain}, at most {limit} are allowed"
        raise RefusedError(UPLOAD_FAILED, details=details)
    found = _recognized(data)
    if found is not None and found != plain:
        raise RefusedError(UPLOAD_FAILED, details=f"The file is said to be {plain}, but it is {found}")


def plain_type(mime_type: str) -> str:
    """A MIME type without its parameters."""
    return mime_type.partition(";")[0].strip().lower()


def _recognized(data: bytes) -> str | None:
    """The type that the first bytes give away; None if they say nothing."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((mime_type for beginning, mime_type in _BEGINNINGS if data.startswith(beginning)), None)
