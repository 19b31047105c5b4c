"""Whether a file is what its type says, by how such files begin; pictures are looked at whole (`whatsapp.pictures`).

What Meta takes, it decodes only after it has answered: a wrong file would fail long after it was queued.
"""

from collections.abc import Callable
from typing import BinaryIO

from whatsapp.media_types import FILE_TYPES
from whatsapp.pictures import PICTURES, UnfitFileError, check_picture

_HEAD_BYTES = 1024
"""Of a PDF, readers look this far for its mark, and so do writers that put something before it."""
_SYNC = 0xFF


def check_content(file: BinaryIO, mime_type: str, size: int) -> None:
    """Nothing, if a file of this type may look like this. It may take a second: call it beside the loop.

    Raises:
        UnfitFileError: it is something else, cut off, or larger than what it is made of may be.
    """
    if not size:
        raise UnfitFileError("is empty")
    if mime_type in PICTURES:
        check_picture(file, mime_type, size)
        return
    file.seek(0)
    if not _begins_like(file.read(_HEAD_BYTES), mime_type):
        raise UnfitFileError(f"is not what its type says: no {FILE_TYPES[mime_type].extension} file begins like this")


def _begins_like(head: bytes, mime_type: str) -> bool:
    looks_right = _BEGINNINGS.get(mime_type)
    if looks_right is not None:
        return looks_right(head)
    return head.startswith(b"PK\x03\x04" if ".openxmlformats-" in mime_type else b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


def _is_text(head: bytes) -> bool:
    return b"\x00" not in head or head.startswith((b"\xff\xfe", b"\xfe\xff"))


def _is_sound(head: bytes, mask: int) -> bool:
    """Begins with tags, or with a frame of sound: eleven or twelve bits that are set."""
    return head.startswith((b"ID3", b"ADIF")) or (len(head) > 1 and head[0] == _SYNC and head[1] & mask == mask)


def _is_mp4(head: bytes) -> bool:
    return head[4:8] == b"ftyp"


_BEGINNINGS: dict[str, Callable[[bytes], bool]] = {
    "application/pdf": lambda head: b"%PDF-" in head,
    "text/plain": _is_text,
    "audio/amr": lambda head: head.startswith(b"#!AMR"),
    "audio/ogg": lambda head: head.startswith(b"OggS") and b"OpusHead" in head,
    "audio/mpeg": lambda head: _is_sound(head, 0xE0),
    "audio/aac": lambda head: _is_sound(head, 0xF0),
    "audio/mp4": _is_mp4,
    "video/mp4": _is_mp4,
    "video/3gpp": _is_mp4,
}
"""Office's files are all alike: the older ones are one kind of container, the newer ones another."""
