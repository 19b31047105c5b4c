"""What may become a profile picture: looked at before it is decoded, then decoded whole (section 9).

A small file may hold a huge picture, or a small one that takes minutes to decode: size and form are read from the head
of the file first, by the one decoder that its first bytes name.
"""

from io import BytesIO

from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from whatsapp.pictures import BEGINS, UNREADABLE, UnfitFileError, check_scans
from whatsapp.png_rows import has_all_rows
from whatsapp.resumable import File

MOST_BYTES = 5 * 1024 * 1024
SMALLEST = 192
"""Pixels, of each side."""
LARGEST = 640
_JPEG, _PNG = BEGINS["image/jpeg"], BEGINS["image/png"]


def checked(data: bytes) -> File:
    """The file that is to be uploaded, if it is such a picture. It takes milliseconds: call it beside the loop.

    Raises:
        UnfitFileError: it is none, is broken, or is not within Meta's limits.
    """
    if len(data) > MOST_BYTES:
        raise UnfitFileError(f"must have {MOST_BYTES // 1024**2} MB at most")
    if not data.startswith((_JPEG, _PNG)):
        raise UnfitFileError("must be a JPG or PNG file")
    try:
        with _opened(data) as image:
            _check_form(image, data)
            _decode(image, data)
    except UNREADABLE:
        raise UnfitFileError("is cut off or damaged: it cannot be decoded") from None
    if data.startswith(_PNG):
        return File(data, "profile.png", "image/png")
    return File(data, "profile.jpg", "image/jpeg")


def _opened(data: bytes) -> ImageFile:
    """The head of the file, read by its own decoder: no other one of Pillow's ever sees it."""
    kind = PngImageFile if data.startswith(_PNG) else JpegImageFile
    return kind(BytesIO(data))


def _check_form(image: ImageFile, data: bytes) -> None:
    width, height = image.size
    if not (SMALLEST <= width <= LARGEST and SMALLEST <= height <= LARGEST):
        raise UnfitFileError(f"must have {SMALLEST} to {LARGEST} pixels on each side, and has {width} x {height}")
    if getattr(image, "is_animated", False):
        raise UnfitFileError("must not be animated")
    if data.startswith(_JPEG):
        check_scans(BytesIO(data))


def _decode(image: ImageFile, data: bytes) -> None:
    """Decode all of it; of a PNG check every part's sum, also of those behind the pixels."""
    image.load()
    if data.startswith(_PNG):
        with _opened(data) as again:
            again.verify()
        if not has_all_rows(BytesIO(data)):
            raise UnfitFileError("is cut off: rows of the picture are missing")
