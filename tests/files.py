"""Files for tests: pictures that are what they say, and such as are not."""

import struct
import zlib
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

from PIL import Image

from tests.pictures import PNG_HEAD, chunk

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ARCHIVE_END = b"PK\x05\x06" + bytes(18)
"""The last bytes of an empty ZIP archive: whatever stands before them, it is one."""


def picture(kind: str, size: tuple[int, int] = (64, 48), *, mode: str = "RGB", **options: Any) -> bytes:
    """A picture that does not compress well."""
    made = BytesIO()
    Image.effect_noise(size, 90).convert(mode).save(made, kind, **options)
    return made.getvalue()


def png(width: int, height: int, *, depth: int = 8, colours: int = 2, rows: int | None = None) -> bytes:
    """A PNG of black, however large it says it is, of no more than a few kilobytes for each thousand rows."""
    line = bytes(1 + width * 3)
    packing = zlib.compressobj(9)
    pixels = b"".join(packing.compress(line) for _ in range(height if rows is None else rows)) + packing.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    return PNG_HEAD + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def sticker(*, frames: int = 1, size: tuple[int, int] = (64, 64), quality: int = 50) -> bytes:
    """A WebP, animated when it has several frames."""
    pictures = [Image.effect_noise(size, 90 + frame).convert("RGB") for frame in range(frames)]
    made = BytesIO()
    more: dict[str, Any] = {"save_all": True, "append_images": pictures[1:], "duration": 50} if frames > 1 else {}
    pictures[0].save(made, "WEBP", quality=quality, **more)
    return made.getvalue()


def with_canvas(animated: bytes, width: int, height: int) -> bytes:
    """The same animated WebP, which now says that it is as large as this."""
    return animated[:24] + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little") + animated[30:]


async def pieces(data: bytes, *, error: Exception | None = None, size: int = 100_000) -> AsyncIterator[bytes]:
    """A file as it comes, piece by piece; with an error, it breaks off after the last."""
    for place in range(0, len(data), size):
        yield data[place : place + size]
    if error is not None:
        raise error
