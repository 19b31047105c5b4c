"""Which files Meta takes: the types, the kind of message each is sent as, and how large it may be (section 9)."""

from collections.abc import Mapping
from dataclasses import dataclass

MB = 1024 * 1024
KB = 1024
STILL_STICKER_BYTES = 100 * KB
"""An animated one may have five times that."""

_OFFICE = "application/vnd.openxmlformats-officedocument"


@dataclass(frozen=True, slots=True)
class FileType:
    """A type of files that can be sent."""

    mime_type: str
    kind: str
    """image, audio, video, document or sticker: the message's type."""
    extension: str
    most_bytes: int

    @property
    def limit(self) -> str:
        """How large it may be, in words."""
        size = f"{self.most_bytes // MB} MB" if self.most_bytes >= MB else f"{self.most_bytes // KB} KB"
        return f"{size} at most for {self.kind}"


def _types() -> Mapping[str, FileType]:
    kinds: dict[str, tuple[int, dict[str, str]]] = {
        "image": (5 * MB, {"image/jpeg": "jpg", "image/png": "png"}),
        "sticker": (500 * KB, {"image/webp": "webp"}),
        "audio": (
            16 * MB,
            {
                "audio/aac": "aac",
                "audio/amr": "amr",
                "audio/mpeg": "mp3",
                "audio/mp4": "m4a",
                "audio/ogg": "ogg",
            },
        ),
        "video": (16 * MB, {"video/mp4": "mp4", "video/3gpp": "3gp"}),
        "document": (
            100 * MB,
            {
                "text/plain": "txt",
                "application/pdf": "pdf",
                "application/msword": "doc",
                "application/vnd.ms-excel": "xls",
                "application/vnd.ms-powerpoint": "ppt",
                f"{_OFFICE}.wordprocessingml.document": "docx",
                f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
                f"{_OFFICE}.presentationml.presentation": "pptx",
            },
        ),
    }
    return {
        mime_type: FileType(mime_type, kind, extension, most)
        for kind, (most, types) in kinds.items()
        for mime_type, extension in types.items()
    }


FILE_TYPES = _types()
"""By MIME type, without its parameters."""


def bare(mime_type: str | None) -> str:
    """A MIME type without its parameters: `audio/ogg` of `audio/ogg; codecs=opus`."""
    return (mime_type or "").partition(";")[0].strip().lower()


def file_type(mime_type: str | None) -> FileType | None:
    """What is known of this type; None of one that Meta does not take."""
    return FILE_TYPES.get(bare(mime_type))
