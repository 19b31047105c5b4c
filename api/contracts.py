"""What callers send. What they get are the store's own dataclasses, described to OpenAPI as they are."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from store.integrations import UnknownPolicy
from store.outbox import Draft, Target
from store.paging import PageRequest

POLICY = (
    "What to do when nobody knows whether a message arrived. `evidence`: send it again once if Meta's silence proves "
    "that it was not taken, else ask a person. `ask`: always ask. `resend`: send it again once without proof, then "
    "ask. `give_up`: by proof once, else it ends `failed`."
)
_PHONE_PUNCTUATION = str.maketrans("", "", " -().")
_EXAMPLE: dict[str, JsonValue] = {
    "to": "+31612345678",
    "type": "text",
    "text": {"body": "Your order has left our warehouse."},
    "send_before": "2026-11-22T18:00:00Z",
}


class SendMessage(BaseModel):
    """A message to a conversation or a contact. Name exactly one of conversation_id, contact_id, to and user_id."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

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
    type: Literal["text"] = "text"
    text: dict[str, Any] = Field(description="`body`, up to 4096 characters, and optionally `preview_url`.")
    context: dict[str, Any] | None = Field(default=None, description="`message_id`: the wamid that this answers.")
    send_before: AwareDatetime | None = Field(
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

    @field_validator("send_before")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        try:
            return None if value is None else value.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("must be an instant within the years 1 to 9999") from error

    @model_validator(mode="after")
    def _one_recipient(self) -> "SendMessage":
        named = [self.conversation_id, self.contact_id, self.to, self.user_id]
        if sum(value is not None for value in named) != 1:
            raise ValueError("name exactly one of conversation_id, contact_id, to and user_id")
        return self

    def target(self) -> Target:
        """To whom it goes."""
        return Target(self.conversation_id, self.contact_id, self.to, self.user_id, self.phone_number_id)

    def draft(self) -> Draft:
        """What is sent."""
        content = {self.type: self.text} | ({} if self.context is None else {"context": self.context})
        return Draft(self.type, content, self.send_before, self.unknown_policy)


class Listing(BaseModel):
    """Which part of a list is wanted."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(default=None, max_length=400, description="`next_cursor` of the page before.")
    limit: int = Field(default=50, ge=1, le=200)

    def wanted(self) -> PageRequest:
        """The page to read."""
        return PageRequest(self.cursor, self.limit)


ListingQuery = Annotated[Listing, Query()]
