"""Picture files, good ones and traps."""

import struct
import zlib
from io import BytesIO

from PIL import Image

PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def picture(width: int = 400, height: int | None = None, *, form: str = "PNG") -> bytes:
    """A picture of noise, square unless it is said how high it is."""
    size = (width, height or width)
    made = BytesIO()
    Image.effect_noise(size, 80).convert("RGB").save(made, form)
    return made.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG file, with its sum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def padded(png: bytes, length: int) -> bytes:
    """The same picture in a file of exactly this length: what is added, every reader passes over."""
    body, end = png[:-12], png[-12:]
    return body + chunk(b"paDd", b"\x00" * (length - len(png) - 12)) + end


def bomb(width: int, height: int) -> bytes:
    """A small PNG that says it is this large."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return PNG_HEAD + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\x00" * 1000)) + chunk(b"IEND", b"")


def animated(width: int) -> bytes:
    """A PNG that moves."""
    frames = [Image.new("RGB", (width, width), colour) for colour in ("red", "blue")]
    made = BytesIO()
    frames[0].save(made, "PNG", save_all=True, append_images=frames[1:])
    return made.getvalue()


def many_scans(width: int, scans: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    made = BytesIO()
    Image.radial_gradient("L").resize((width, width)).convert("RGB").save(made, "JPEG", progressive=True)
    jpeg = made.getvalue()
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:-2] + jpeg[last:-2] * scans + jpeg[-2:]


def long_text(width: int) -> bytes:
    """A PNG with a note that unpacks to 64 MB."""
    note = b"note\x00\x00" + zlib.compress(b"\x00" * 64 * 1024**2, 9)
    png = picture(width)
    return png[:33] + chunk(b"zTXt", note) + png[33:]
