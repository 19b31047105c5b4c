"""Whether a picture may be sent: what its head says is looked at before anything is decoded, then all of it is decoded.

A small file may hold a huge picture, be cut off, or be two files in one: a picture to us and a page or an archive to
somebody else. Source of the limits: section 9.
"""

import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import BinaryIO

from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from whatsapp.media_types import KB, STILL_STICKER_BYTES
from whatsapp.png_rows import has_all_rows

MOST_JPEG_PIXELS = 50_000_000
"""As many as a phone's camera makes. One that loads step by step takes 150 MB to decode, any other a few."""
MOST_PNG_PIXELS = 25_000_000
"""Decoded, 100 MB."""
MOST_STICKER_PIXELS = 4_000_000
MOST_FRAME_PIXELS = 100_000_000
"""Of all frames of an animated sticker together; they are decoded one by one."""
MOST_SCANS = 100
"""Of a JPEG. Each is a walk over the whole picture, and 5 MB have room for a hundred thousand; cameras write ten."""

BEGINS = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "image/webp": b"RIFF"}
"""How a file of each type of picture begins, of those that Meta takes."""

_FOREIGN = (b"%pdf-", b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<svg", b"<?php")
"""What other programs look for near the beginning of a file, whatever stands before it."""
_HEAD_BYTES = 1024
_CHUNK = 64 * KB
_SCAN = b"\xff\xda"
_DRAFT = 8
"""A JPEG can be decoded at an eighth of its size: all of it is read, and a 64th of it kept."""
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, struct.error, zlib.error)
"""What Pillow raises for files that are cut or forged."""


class UnfitFileError(Exception):
    """The file cannot be sent; its text goes on where its field's name stops."""


class LargeFileError(UnfitFileError):
    """The file is larger than one of its making may be."""


def check_picture(file: BinaryIO, mime_type: str, size: int) -> None:
    """Nothing, if the file is such a picture, whole, and Meta would take it. It takes up to a second.

    Raises:
        UnfitFileError: it is not, and why.
    """
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if not head.startswith(BEGINS[mime_type]):
        raise UnfitFileError(f"is not what its type says: no {mime_type} file begins like this")
    if any(mark in head.lower() for mark in _FOREIGN) or zipfile.is_zipfile(file):
        raise UnfitFileError("is two files in one: beside the picture it holds a document, a page or an archive")
    file.seek(0)
    try:
        _CHECKS[mime_type](file, head, size)
    except UNREADABLE:
        raise UnfitFileError("is cut off or damaged: it cannot be decoded") from None


def check_scans(jpeg: BinaryIO) -> None:
    """To be called before a JPEG is decoded; its position is left as it was.

    Raises:
        UnfitFileError: it has more than `MOST_SCANS`.
    """
    if _count(jpeg, _SCAN) > MOST_SCANS:
        raise UnfitFileError(f"has more than {MOST_SCANS} scans")


def _check_jpeg(file: BinaryIO, _: bytes, __: int) -> None:
    with JpegImageFile(file) as image:
        _check_pixels(image.size, MOST_JPEG_PIXELS)
        if image.mode != "RGB":
            raise UnfitFileError("must be 8-bit RGB or RGBA")
        check_scans(file)
        image.draft("RGB", (image.width // _DRAFT, image.height // _DRAFT))
        image.load()


def _check_png(file: BinaryIO, head: bytes, size: int) -> None:
    width, height, depth, colours = struct.unpack_from(">IIBB", head, 16)
    _check_pixels((width, height), MOST_PNG_PIXELS)
    if (depth, colours) not in {(8, 2), (8, 6)}:
        raise UnfitFileError("must be 8-bit RGB or RGBA")
    if _png_end(file) != size:
        raise UnfitFileError("is two files in one: something follows the picture")
    file.seek(0)
    PngImageFile(file).verify()
    file.seek(0)
    with PngImageFile(file) as image:
        image.load()
    if not has_all_rows(file):
        raise UnfitFileError("is cut off: rows of the picture are missing")


def _check_webp(file: BinaryIO, head: bytes, size: int) -> None:
    if head[8:12] != b"WEBP":
        raise UnfitFileError("is not what its type says: no image/webp file begins like this")
    canvas = _webp_size(head)
    _check_pixels(canvas, MOST_STICKER_PIXELS)
    told = struct.unpack_from("<I", head, 4)[0] + 8
    if told < size:
        raise UnfitFileError("is two files in one: something follows the picture")
    with WebPImageFile(file) as image:
        frames: int = getattr(image, "n_frames", 1)
        if frames == 1 and size > STILL_STICKER_BYTES:
            raise LargeFileError(
                f"has {size} bytes; {STILL_STICKER_BYTES // KB} KB at most for a sticker that stands still"
            )
        if frames * canvas[0] * canvas[1] > MOST_FRAME_PIXELS:
            raise UnfitFileError(f"has more than {MOST_FRAME_PIXELS:,} pixels in all its frames")
        for frame in range(frames):
            image.seek(frame)
            image.load()


def _check_pixels(size: tuple[int, int], most: int) -> None:
    if size[0] * size[1] > most:
        raise UnfitFileError(f"has {size[0]} x {size[1]} pixels; {most:,} at most")


def _count(file: BinaryIO, mark: bytes) -> int:
    """How often two bytes stand in the file; its position is left as it was."""
    place = file.tell()
    file.seek(0)
    found, before = 0, b""
    while chunk := file.read(_CHUNK):
        found += (before + chunk).count(mark)
        before = chunk[-1:]
    file.seek(place)
    return found


def _png_end(file: BinaryIO) -> int:
    """Where the last chunk ends."""
    place: int = 8
    while True:
        file.seek(place)
        length, name = struct.unpack(">I4s", file.read(8))
        place += length + 12
        if name == b"IEND":
            return place


def _webp_size(head: bytes) -> tuple[int, int]:
    """Read before the decoder is made: that would already make room for the whole picture."""
    match head[12:16]:
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", head, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            bits = struct.unpack_from("<I", head, 21)[0]
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    raise UnfitFileError("is cut off or damaged: it cannot be decoded")


_CHECKS: dict[str, Callable[[BinaryIO, bytes, int], None]] = {
    "image/jpeg": _check_jpeg,
    "image/png": _check_png,
    "image/webp": _check_webp,
}
PICTURES = _CHECKS.keys()
"""The types of pictures that Meta takes."""
