"""Whether a PNG holds all the rows of its picture: what is missing a decoder leaves black, and says nothing."""

import struct
import zlib
from typing import BinaryIO

_HEAD = struct.Struct(">IIBBBBB")
_HEAD_AT, _FIRST_CHUNK = 16, 8
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""By the head's colour type."""
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Of each pass of a picture that loads step by step: its first column and row, and the step to the next."""
_AT_ONCE = 256 * 1024


def has_all_rows(file: BinaryIO) -> bool:
    """Unpack what the picture is made of, a piece at a time, until there is enough of it; the file's position moves.

    Raises:
        struct.error, zlib.error, LookupError: it is cut off, damaged or no PNG.
    """
    file.seek(_HEAD_AT)
    width, height, depth, colours, _, _, steps = _HEAD.unpack(file.read(_HEAD.size))
    missing = _bytes_of(width, height, depth * _CHANNELS[colours], steps=bool(steps))
    unpacker, place = zlib.decompressobj(), _FIRST_CHUNK
    while missing > 0:
        file.seek(place)
        length, name = struct.unpack(">I4s", file.read(8))
        if name == b"IEND":
            return False
        place += length + 12
        while name == b"IDAT" and length and missing > 0:
            packed = file.read(min(length, _AT_ONCE))
            if not packed:
                return False
            length -= len(packed)
            missing -= _unpacked(unpacker, packed, missing)
    return True


def _bytes_of(width: int, height: int, bits: int, *, steps: bool) -> int:
    """Of the rows, each with the byte before it that tells how it is written."""
    passes = _ADAM7 if steps else ((0, 0, 1, 1),)
    sizes = [(-(-(width - x) // right), -(-(height - y) // down)) for x, y, right, down in passes]
    return sum(high * (1 + -(-wide * bits // 8)) for wide, high in sizes if wide > 0 and high > 0)


def _unpacked(unpacker: "zlib._Decompress", packed: bytes, most: int) -> int:
    """How many bytes this piece holds, `most` or more being enough; no more than one piece is in memory."""
    found, came = 0, _AT_ONCE
    while found < most and not unpacker.eof and (packed or came == _AT_ONCE):
        came = len(unpacker.decompress(packed, _AT_ONCE))
        packed, found = unpacker.unconsumed_tail, found + came
    return found
