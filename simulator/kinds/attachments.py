"""Images, audio, video, documents and stickers, by id or by link; also as headers of other kinds."""

from simulator.file_rules import UPLOAD_FAILED, plain_type
from simulator.kinds.params import MISSING, Param
from simulator.kinds.sending import Sending
from simulator.refusals import RefusedError

LONGEST_CAPTION = 1024
KINDS = ("image", "audio", "video", "document", "sticker")
_KEYS = {
    "image": ("id", "link", "caption"),
    "video": ("id", "link", "caption"),
    "document": ("id", "link", "caption", "filename"),
    "audio": ("id", "link", "voice"),
    "sticker": ("id", "link"),
}


def check_attachment(sending: Sending, kind: str, file: Param) -> None:
    """A file of this kind: either an id of this number or a link."""
    file.only(*_KEYS[kind])
    file.maybe_text("caption", longest=LONGEST_CAPTION)
    file.maybe_text("filename")
    voice = file.maybe_flag("voice")
    media_id, link = file.maybe_text("id"), file.maybe_text("link")
    if not media_id and not link:
        raise RefusedError(MISSING, details=f"Parameter {file.at('id')} or {file.at('link')} is required")
    if media_id and link:
        message = f"(#100) Param {file.name} takes either id or link, not both."
        raise RefusedError(100, message=message)
    if media_id:
        _check_id(sending, kind, file, media_id, voice=voice)
    else:
        file.link("link")


def _check_id(sending: Sending, kind: str, file: Param, media_id: str, *, voice: bool) -> None:
    """An id that is none is refused; a file of another kind is taken, and fails when Meta comes to send it."""
    stored = sending.file(media_id)
    if stored is None:
        message = f"(#100) Param {file.at('id')} is not a valid whatsapp business account media attachment ID"
        raise RefusedError(100, message=message)
    mime_type = plain_type(stored.mime_type)
    # Anything that can be sent at all can be sent as a document.
    if kind not in {"document", stored.kind}:
        sending.fail_late(UPLOAD_FAILED, f"Unsupported {kind} mime type {mime_type}")
    elif voice and mime_type != "audio/ogg":
        sending.fail_late(UPLOAD_FAILED, f"A voice message must be audio/ogg with the opus codec, not {mime_type}")
