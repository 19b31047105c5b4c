"""Messages that carry a file: image, audio, video, document, sticker."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from whatsapp.messages.fields import Clean, FileId, ObjectId, Part, Text, WebAddress, most, problem

CAPTION_LIMIT = 1024

Caption = Annotated[str, most(CAPTION_LIMIT), Clean]


class FilePart(Part):
    """A file, named in exactly one of three ways."""

    link: WebAddress | None = Field(
        default=None, description="An address that Meta fetches it from. Meta keeps what it got for 10 minutes."
    )
    id: ObjectId | None = Field(default=None, description="Meta's own id of a file that this number has uploaded.")
    media_id: FileId | None = Field(default=None, description="Our id of a file that was uploaded here.")

    @model_validator(mode="after")
    def _is_named_once(self) -> Self:
        if sum(name is not None for name in (self.link, self.id, self.media_id)) != 1:
            raise problem("must have exactly one of link, id and media_id")
        return self


class ImagePart(FilePart):
    """A picture: JPEG or PNG, up to 5 MB."""

    caption: Caption | None = None


class AudioPart(FilePart):
    """A sound: AAC, AMR, MP3, M4A or OGG with Opus, up to 16 MB."""

    voice: bool | None = Field(
        default=None, description="A voice note; its file is OGG with Opus, above 512 KB it shows as a download."
    )


class VideoPart(FilePart):
    """A film: MP4 or 3GP with H.264 and AAC, up to 16 MB."""

    caption: Caption | None = None


class NamedFilePart(FilePart):
    """A document as a header has it."""

    filename: Text | None = Field(default=None, description="What the customer sees as its name.")


class DocumentPart(NamedFilePart):
    """Any other file: text, PDF, Office; up to 100 MB."""

    caption: Caption | None = None


class StickerPart(FilePart):
    """A sticker: WebP, up to 100 KB, animated up to 500 KB."""
