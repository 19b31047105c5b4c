"""The one door for the content of what goes out: structure and limits of every kind.

Content is stored as agents and callers give it: under the kind's own key, `{"text": {"body": "…"}}`, and, where it
answers one message, `"context": {"message_id": "wamid…"}`. A new kind is one entry of `PARTS`.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from whatsapp.messages.fields import listed
from whatsapp.messages.interactive import InteractivePart
from whatsapp.messages.media import AudioPart, DocumentPart, ImagePart, StickerPart, VideoPart
from whatsapp.messages.plain import ContactsPart, ContextPart, LocationPart, ReactionPart, TextPart
from whatsapp.messages.template import TemplatePart
from whatsapp.messages.words import in_words

Content = Mapping[str, Any]

PARTS: dict[str, TypeAdapter[Any]] = {
    "text": TypeAdapter(TextPart),
    "image": TypeAdapter(ImagePart),
    "audio": TypeAdapter(AudioPart),
    "video": TypeAdapter(VideoPart),
    "document": TypeAdapter(DocumentPart),
    "sticker": TypeAdapter(StickerPart),
    "location": TypeAdapter(LocationPart),
    "contacts": TypeAdapter(ContactsPart),
    "reaction": TypeAdapter(ReactionPart),
    "interactive": TypeAdapter(InteractivePart),
    "template": TypeAdapter(TemplatePart),
}
"""What stands under a kind's own key."""
CONTEXT: TypeAdapter[Any] = TypeAdapter(ContextPart)
"""What may stand beside it: the message that is answered."""


def validate_content(kind: str, content: Content) -> list[str]:
    """What Meta would refuse, each problem naming the field and its limit; empty when it may be sent.

    Nothing that was given is repeated, a field's name neither: an agent may have put its answer in the wrong place, and
    the words end in Temporal's history.
    """
    if kind not in PARTS:
        return [f"type: cannot be sent; one of {listed(PARTS)} can"]
    problems = []
    if set(content) - {kind, "context"}:
        problems.append(f"message: has a field beside {kind} and context")
    if kind == "reaction" and "context" in content:
        problems.append("context: a reaction answers no message, it names one in reaction.message_id")
    elif "context" in content:
        problems += _problems("context", CONTEXT, content["context"])
    if kind not in content:
        return [*problems, f"{kind}: is missing"]
    return problems + _problems(kind, PARTS[kind], content[kind])


def _problems(kind: str, adapter: TypeAdapter[Any], part: Any) -> list[str]:
    try:
        adapter.validate_python(part, strict=True)
    except ValidationError as error:
        return list(in_words(kind, error))
    return []
