"""Whether all rows of a PNG are there, of every colour type, depth and order of rows that the format has."""

import zlib
from io import BytesIO

import pytest

from tests.pictures import PNG_HEAD, chunk
from whatsapp.png_rows import has_all_rows

_FORMS = [
    *((0, depth) for depth in (1, 2, 4, 8, 16)),
    *((3, depth) for depth in (1, 2, 4, 8)),
    *((colours, depth) for colours in (2, 4, 6) for depth in (8, 16)),
]
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def _png(size: tuple[int, int], colours: int, depth: int, rows: bytes, *, steps: int = 0) -> BytesIO:
    width, height = (side.to_bytes(4, "big") for side in size)
    head = width + height + bytes([depth, colours, 0, 0, steps])
    packed = zlib.compress(rows)
    parts = [chunk(b"IDAT", packed[:5]), chunk(b"tEXt", b"a\x00b"), chunk(b"IDAT", packed[5:]), chunk(b"IEND", b"")]
    return BytesIO(PNG_HEAD + chunk(b"IHDR", head) + b"".join(parts))


@pytest.mark.parametrize(("colours", "depth"), _FORMS)
def test_a_picture_without_its_last_byte_lacks_a_row(colours: int, depth: int) -> None:
    row = 1 + (13 * depth * _CHANNELS[colours] + 7) // 8
    assert has_all_rows(_png((13, 7), colours, depth, bytes(row * 7)))
    assert not has_all_rows(_png((13, 7), colours, depth, bytes(row * 7 - 1)))


@pytest.mark.parametrize(("size", "whole"), [((1, 1), 4), ((8, 8), 15 + 192), ((3, 2), 4 + 18)])
def test_a_picture_that_loads_step_by_step_has_a_row_for_each_step(size: tuple[int, int], whole: int) -> None:
    assert has_all_rows(_png(size, 2, 8, bytes(whole), steps=1))
    assert not has_all_rows(_png(size, 2, 8, bytes(whole - 1), steps=1))


def test_what_is_packed_a_thousandfold_is_unpacked_in_pieces() -> None:
    assert has_all_rows(_png((4000, 4000), 6, 8, bytes(4000 * 16_001)))
    assert not has_all_rows(_png((4000, 4001), 6, 8, bytes(4000 * 16_001)))
