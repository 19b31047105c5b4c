"""A person as callers name them: by phone number or by BSUID."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from whatsapp.events import Sender
from whatsapp.phone_numbers import digits_of


class NamedPerson(BaseModel):
    """A person, who need not be a contact: exactly one of to and user_id."""

    model_config = ConfigDict(extra="forbid")

    to: str | None = Field(
        default=None, max_length=40, description="Their phone number with + and country code: `+31612345678`."
    )
    user_id: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$",
        description="Meta's id of the person for this business (BSUID), exactly as Meta wrote it.",
    )

    @field_validator("to")
    @classmethod
    def _digits(cls, value: str | None) -> str | None:
        return None if value is None else digits_of(value)

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if (self.to is None) == (self.user_id is None):
            raise ValueError("name exactly one of to and user_id")
        return self

    def person(self) -> Sender:
        """Who it is, as Meta would name them."""
        return Sender(self.to, self.user_id, profile_name=None, username=None)


class PersonInAddress(NamedPerson):
    """The same as part of an address, where `+` means a space unless it is written `%2B`."""

    @field_validator("to", mode="before")
    @classmethod
    def _plus(cls, value: str | None) -> str | None:
        return f"+{value[1:]}" if value is not None and value.startswith(" ") else value
