"""What is taken as a file: each type as it begins, pictures looked at before and while they are decoded."""

import resource
from io import BytesIO

import pytest

from tests.files import ARCHIVE_END, DOCX, PDF, picture, png, sticker, with_canvas
from tests.pictures import long_text, many_scans
from whatsapp.contents import check_content
from whatsapp.media_types import FILE_TYPES
from whatsapp.pictures import MOST_PNG_PIXELS, LargeFileError, UnfitFileError

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"

GOOD = {
    JPEG: picture("JPEG"),
    PNG: picture("PNG"),
    WEBP: sticker(),
    "audio/aac": b"\xff\xf1\x50\x80",
    "audio/amr": b"#!AMR\n",
    "audio/mpeg": b"ID3\x04",
    "audio/mp4": b"\x00\x00\x00\x20ftypM4A ",
    "audio/ogg": b"OggS\x00\x02" + bytes(22) + b"OpusHead",
    "video/mp4": b"\x00\x00\x00\x20ftypisom",
    "video/3gpp": b"\x00\x00\x00\x20ftyp3gp5",
    "text/plain": "Größe".encode(),
    "application/pdf": PDF,
    "application/msword": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "application/vnd.ms-excel": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "application/vnd.ms-powerpoint": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    DOCX: b"PK\x03\x04",
    DOCX.replace("wordprocessingml.document", "spreadsheetml.sheet"): b"PK\x03\x04",
    DOCX.replace("wordprocessingml.document", "presentationml.presentation"): b"PK\x03\x04",
}


def check(data: bytes, mime_type: str) -> None:
    check_content(BytesIO(data), mime_type, len(data))


def test_every_type_has_a_file_that_is_taken() -> None:
    assert GOOD.keys() == FILE_TYPES.keys()


@pytest.mark.parametrize("mime_type", GOOD)
def test_a_file_that_begins_as_its_type_does_is_taken_and_no_other(mime_type: str) -> None:
    check(GOOD[mime_type], mime_type)
    for wrong in (b"<html><script>alert(1)</script>\x00", b"MZ\x90\x00\x03\x00\x00\x00", b"\x7fELF\x02\x01\x01\x00"):
        with pytest.raises(UnfitFileError, match="is not what its type says"):
            check(wrong, mime_type)
    with pytest.raises(UnfitFileError, match="is empty"):
        check(b"", mime_type)


@pytest.mark.parametrize(
    ("data", "mime_type"),
    [
        (picture("JPEG", progressive=True), JPEG),
        (picture("JPEG") + b"what a camera put behind it", JPEG),
        (picture("PNG", mode="RGBA"), PNG),
        (sticker(frames=12), WEBP),
        (sticker(quality=0), WEBP),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        ("Größe".encode("utf-16"), "text/plain"),
        (b"\r\n" + PDF, "application/pdf"),
    ],
)
def test_other_files_of_a_type_are_taken_too(data: bytes, mime_type: str) -> None:
    check(data, mime_type)


@pytest.mark.parametrize(("data", "mime_type"), [(GOOD[one], one) for one in (JPEG, PNG, WEBP)])
@pytest.mark.parametrize("left", [0.05, 0.5, 0.9, 0.99])
def test_a_picture_that_is_cut_off_is_refused(data: bytes, mime_type: str, left: float) -> None:
    with pytest.raises(UnfitFileError, match="cut off or damaged"):
        check(data[: int(len(data) * left)], mime_type)


@pytest.mark.parametrize("at", [20, 60, 2000])
def test_a_png_of_which_a_byte_is_not_what_it_was_is_refused(at: int) -> None:
    damaged = bytearray(GOOD[PNG])
    damaged[at] ^= 0x55
    with pytest.raises(UnfitFileError):
        check(bytes(damaged), PNG)


@pytest.mark.parametrize(
    ("data", "mime_type", "words"),
    [
        (GOOD[JPEG] + ARCHIVE_END, JPEG, "two files in one"),
        (GOOD[PNG] + ARCHIVE_END, PNG, "two files in one"),
        (GOOD[WEBP] + ARCHIVE_END, WEBP, "two files in one"),
        (GOOD[PNG] + b"<script>alert(1)</script>", PNG, "something follows the picture"),
        (GOOD[WEBP] + b"#!/bin/sh", WEBP, "something follows the picture"),
        (picture("JPEG", comment=b"<HTML><SCRIPT>alert(1)</SCRIPT>"), JPEG, "two files in one"),
        (picture("JPEG", comment=b"%PDF-1.7"), JPEG, "two files in one"),
        (GOOD[PNG], JPEG, "is not what its type says"),
        (GOOD[JPEG], WEBP, "is not what its type says"),
        (b"RIFF\x04\x00\x00\x00WAVE", WEBP, "is not what its type says"),
        (b"RIFF\x04\x00\x00\x00WEBPJUNK", WEBP, "cut off or damaged"),
        (picture("JPEG", mode="CMYK"), JPEG, "8-bit RGB or RGBA"),
        (picture("JPEG", mode="L"), JPEG, "8-bit RGB or RGBA"),
        (picture("PNG", mode="P"), PNG, "8-bit RGB or RGBA"),
        (png(8, 8, depth=16), PNG, "8-bit RGB or RGBA"),
        (many_scans(64, 101), JPEG, "scans"),
        (long_text(64), PNG, "cut off or damaged"),
    ],
)
def test_a_picture_that_is_something_else_besides_or_nothing_that_meta_takes_is_refused(
    data: bytes, mime_type: str, words: str
) -> None:
    with pytest.raises(UnfitFileError, match=words):
        check(data, mime_type)


@pytest.mark.parametrize("rows", [1, 99])
def test_a_png_that_ends_well_and_lacks_rows_is_refused(rows: int) -> None:
    check(png(100, 100, rows=100), PNG)
    with pytest.raises(UnfitFileError, match="rows of the picture are missing"):
        check(png(100, 100, rows=rows), PNG)


def test_a_picture_that_would_need_gigabytes_is_refused_by_its_head() -> None:
    bombs = [
        (png(50_000, 50_000, rows=100), PNG),
        (png(5_001, 5_000, rows=1), PNG),
        (with_canvas(sticker(frames=2), 16_383, 16_383), WEBP),
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for data, mime_type in bombs:
        with pytest.raises(UnfitFileError, match="pixels"):
            check(data, mime_type)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "KiB"
    assert MOST_PNG_PIXELS < 5_001 * 5_000


def test_a_sticker_whose_many_frames_are_a_bomb_together_is_refused() -> None:
    with pytest.raises(UnfitFileError, match="in all its frames"):
        check(with_canvas(sticker(frames=40), 1_999, 1_999), WEBP)


def test_only_a_sticker_that_moves_may_be_larger_than_100_kb() -> None:
    still = sticker(size=(512, 512), quality=90)
    assert len(still) > 100 * 1024
    with pytest.raises(LargeFileError, match="100 KB"):
        check(still, WEBP)
    check(sticker(frames=4, size=(300, 300), quality=90), WEBP)
