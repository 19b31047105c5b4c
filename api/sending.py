"""What `send-message` takes: a body for each kind of message, told apart by its `type`.

What is inside a kind is described here and checked by `whatsapp.messages.validate_content`, for every caller alike.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from api.contracts import POLICY, Instant
from store.integrations import UnknownPolicy
from store.outbox import Draft, Target
from whatsapp.messages import CONTEXT, PARTS

_PHONE_PUNCTUATION = str.maketrans("", "", " -().")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of message carries: anything, here; OpenAPI shows what it has to be."""

    name: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let everything pass."""
        return core_schema.any_schema()

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe it as what it is checked by."""
        part = CONTEXT if self.name == "context" else PARTS[self.name]
        return handler(part.core_schema)


class Sending(BaseModel):
    """A message to a conversation or a contact. Name exactly one of conversation_id, contact_id, to and user_id."""

    model_config = ConfigDict(extra="forbid")

    conversation_id: UUID | None = None
    contact_id: UUID | None = None
    to: str | None = Field(
        default=None, max_length=32, description="A contact's phone number, in full: `+31612345678`."
    )
    user_id: str | None = Field(
        default=None, pattern=r"^[\x21-\x7e]{1,200}$", description="Meta's id of the contact for this business (BSUID)."
    )
    phone_number_id: str | None = Field(
        default=None, pattern=r"^[0-9]{1,32}$", description="From which number, where a contact writes to several."
    )
    type: str
    context: Annotated[Any, Kind("context")] = Field(default=None, description="The message that this one answers.")
    send_before: Instant | None = Field(
        default=None, description="If it could not leave by then it ends `expired` and is not sent."
    )
    unknown_policy: UnknownPolicy | None = Field(default=None, description=f"{POLICY} By default what the number says.")

    @field_validator("to")
    @classmethod
    def _digits(cls, value: str | None) -> str | None:
        if value is None:
            return None
        digits = value.translate(_PHONE_PUNCTUATION).removeprefix("+")
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError("must be a phone number with its country code")
        return digits

    @model_validator(mode="after")
    def _one_recipient(self) -> "Sending":
        named = [self.conversation_id, self.contact_id, self.to, self.user_id]
        if sum(value is not None for value in named) != 1:
            raise ValueError("name exactly one of conversation_id, contact_id, to and user_id")
        return self

    def target(self) -> Target:
        """To whom it goes."""
        return Target(self.conversation_id, self.contact_id, self.to, self.user_id, self.phone_number_id)

    def draft(self) -> Draft:
        """What is sent."""
        content = {self.type: getattr(self, self.type)} | ({} if self.context is None else {"context": self.context})
        return Draft(self.type, content, self.send_before, self.unknown_policy)


class SendText(Sending):
    """Words. The one kind whose `type` may be left out."""

    type: Literal["text"] = "text"
    text: Annotated[Any, Kind("text")]


class SendImage(Sending):
    """A picture."""

    type: Literal["image"]
    image: Annotated[Any, Kind("image")]


class SendAudio(Sending):
    """A sound, or a voice note."""

    type: Literal["audio"]
    audio: Annotated[Any, Kind("audio")]


class SendVideo(Sending):
    """A film."""

    type: Literal["video"]
    video: Annotated[Any, Kind("video")]


class SendDocument(Sending):
    """Any other file."""

    type: Literal["document"]
    document: Annotated[Any, Kind("document")]


class SendSticker(Sending):
    """A sticker."""

    type: Literal["sticker"]
    sticker: Annotated[Any, Kind("sticker")]


class SendLocation(Sending):
    """A place."""

    type: Literal["location"]
    location: Annotated[Any, Kind("location")]


class SendContacts(Sending):
    """Entries for the customer's address book."""

    type: Literal["contacts"]
    contacts: Annotated[Any, Kind("contacts")]


class SendReaction(Sending):
    """An emoji on a message, or its removal."""

    type: Literal["reaction"]
    reaction: Annotated[Any, Kind("reaction")]


class SendInteractive(Sending):
    """Something to tap: buttons, a list, a link, a flow, a request."""

    type: Literal["interactive"]
    interactive: Annotated[Any, Kind("interactive")]


class SendTemplate(Sending):
    """Words that Meta has approved before: the only kind outside the 24-hour window."""

    type: Literal["template"]
    template: Annotated[Any, Kind("template")]


def _tag(given: Any) -> str | None:
    kind = given.get("type", "text") if isinstance(given, dict) else getattr(given, "type", None)
    return f"<{kind}>" if isinstance(kind, str) and kind in PARTS else None


SendMessage = Annotated[
    Annotated[SendText, Tag("<text>")]
    | Annotated[SendImage, Tag("<image>")]
    | Annotated[SendAudio, Tag("<audio>")]
    | Annotated[SendVideo, Tag("<video>")]
    | Annotated[SendDocument, Tag("<document>")]
    | Annotated[SendSticker, Tag("<sticker>")]
    | Annotated[SendLocation, Tag("<location>")]
    | Annotated[SendContacts, Tag("<contacts>")]
    | Annotated[SendReaction, Tag("<reaction>")]
    | Annotated[SendInteractive, Tag("<interactive>")]
    | Annotated[SendTemplate, Tag("<template>")],
    Discriminator(
        _tag,
        custom_error_type="kind",
        custom_error_message=f"type: must be one of {', '.join(PARTS)}",
    ),
]

BODIES: dict[str, type[Sending]] = {
    "text": SendText,
    "image": SendImage,
    "audio": SendAudio,
    "video": SendVideo,
    "document": SendDocument,
    "sticker": SendSticker,
    "location": SendLocation,
    "contacts": SendContacts,
    "reaction": SendReaction,
    "interactive": SendInteractive,
    "template": SendTemplate,
}
DISCRIMINATOR = {
    "propertyName": "type",
    "mapping": {kind: f"#/components/schemas/{body.__name__}" for kind, body in BODIES.items()},
}
"""Tells who reads the description by machine which body has which type."""
