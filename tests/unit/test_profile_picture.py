"""What may become a profile picture: Meta's limits at and over, and files that are made to do harm."""

import random
import time

import pytest

from tests.files import png
from tests.pictures import animated, bomb, long_text, many_scans, padded, picture
from whatsapp import pictures
from whatsapp.pictures import UnfitFileError
from whatsapp.profile_picture import MOST_BYTES, checked


@pytest.mark.parametrize("side", [192, 193, 639, 640])
@pytest.mark.parametrize(("form", "mime_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
def test_a_picture_within_the_limits_is_taken_as_it_is(side: int, form: str, mime_type: str) -> None:
    data = picture(side, form=form)
    file = checked(data)
    assert (file.data, file.mime_type) == (data, mime_type)


@pytest.mark.parametrize("size", [(191, 191), (641, 641), (191, 400), (400, 641), (1, 1)])
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_side_beyond_the_limits_is_named_with_them(size: tuple[int, int], form: str) -> None:
    with pytest.raises(UnfitFileError, match=f"192 to 640 pixels on each side, and has {size[0]} x {size[1]}"):
        checked(picture(*size, form=form))


def test_a_picture_need_not_be_square() -> None:
    data = picture(192, 640)
    assert checked(data).data == data


def test_5_mb_are_taken_and_one_byte_more_is_not() -> None:
    assert len(checked(padded(picture(192), MOST_BYTES)).data) == MOST_BYTES
    with pytest.raises(UnfitFileError, match="5 MB at most"):
        checked(padded(picture(192), MOST_BYTES + 1))


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"RIFF....WEBP", b"\x00" * 1000],
)
def test_what_is_neither_jpg_nor_png_is_never_shown_to_a_decoder(data: bytes) -> None:
    with pytest.raises(UnfitFileError, match="JPG or PNG"):
        checked(data)


@pytest.mark.parametrize("form", ["GIF", "WEBP", "BMP", "TIFF", "PPM"])
def test_other_kinds_of_pictures_are_refused(form: str) -> None:
    with pytest.raises(UnfitFileError, match="JPG or PNG"):
        checked(picture(400, form=form))


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("kept", [0.01, 0.1, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_off_is_refused(form: str, kept: float) -> None:
    data = picture(400, form=form)
    with pytest.raises(UnfitFileError, match="cut off or damaged"):
        checked(data[: int(len(data) * kept)])


@pytest.mark.parametrize("missing", [6, 12])
def test_a_png_that_has_all_its_pixels_and_no_end_is_refused(missing: int) -> None:
    with pytest.raises(UnfitFileError, match="cut off or damaged"):
        checked(picture()[:-missing])


def test_a_png_that_ends_well_and_lacks_a_row_is_refused() -> None:
    checked(png(400, 400))
    with pytest.raises(UnfitFileError, match="rows of the picture are missing"):
        checked(png(400, 400, rows=399))


def test_a_png_of_which_a_part_behind_the_pixels_is_damaged_is_refused() -> None:
    whole = picture()
    bent = bytearray(padded(whole, len(whole) + 100))
    bent[-30] ^= 0xFF
    with pytest.raises(UnfitFileError, match="cut off or damaged"):
        checked(bytes(bent))


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_no_damage_ends_in_anything_but_a_picture_or_a_refusal(form: str) -> None:
    data, chance = picture(192, form=form), random.Random(7)  # noqa: S311 - repeatable, not secret
    for _ in range(400):
        bent = bytearray(data)
        for _ in range(chance.randint(1, 20)):
            bent[chance.randrange(len(bent))] = chance.randrange(256)
        try:
            checked(bytes(bent[: chance.randint(1, len(bent))] if chance.random() < 0.3 else bent))
        except UnfitFileError:
            continue


@pytest.mark.parametrize("size", [(50_000, 50_000), (2**31 - 1, 2**31 - 1), (2**31 - 1, 400), (12_000, 12_000)])
def test_a_picture_that_unpacks_to_gigabytes_is_refused_by_its_head(size: tuple[int, int]) -> None:
    began = time.perf_counter()
    with pytest.raises(UnfitFileError):
        checked(bomb(*size))
    assert time.perf_counter() - began < 0.5


def test_a_note_that_unpacks_to_megabytes_is_refused() -> None:
    with pytest.raises(UnfitFileError, match="damaged"):
        checked(long_text(400))


def test_a_picture_of_thousands_of_scans_is_refused_before_it_is_decoded() -> None:
    data = many_scans(640, 100)
    assert len(data) < MOST_BYTES
    began = time.perf_counter()
    with pytest.raises(UnfitFileError, match="more than 100 scans"):
        checked(data)
    assert time.perf_counter() - began < 0.1
    assert checked(many_scans(640, 20)).mime_type == "image/jpeg"


def test_a_picture_may_have_as_many_scans_as_any_file_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    data = many_scans(192, 5)
    scans = data.count(b"\xff\xda")
    monkeypatch.setattr(pictures, "MOST_SCANS", scans)
    checked(data)
    monkeypatch.setattr(pictures, "MOST_SCANS", scans - 1)
    with pytest.raises(UnfitFileError, match=f"more than {scans - 1} scans"):
        checked(data)


def test_a_picture_that_moves_is_refused() -> None:
    with pytest.raises(UnfitFileError, match="animated"):
        checked(animated(400))
