"""Messages of one object: text, location, reaction, contacts; and what any message may answer."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from whatsapp.messages.emoji import is_one_emoji
from whatsapp.messages.fields import OURS, Clean, ObjectId, Part, Text, WebAddress, entries, most, problem, storable

TEXT_LIMIT = 4096
_EMOJI_LIMIT = 32


class ContextPart(Part):
    """The message that this one answers."""

    message_id: ObjectId = Field(description="Its wamid.")


class TextPart(Part):
    """Words."""

    body: Annotated[str, most(TEXT_LIMIT), Clean]
    preview_url: bool | None = Field(default=None, description="Shows a preview of the first http(s) address in it.")


class LocationPart(Part):
    """A place."""

    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)
    name: Text | None = None
    address: Text | None = None


def _emoji_or_nothing(value: str) -> str:
    if value and not (storable(value) and is_one_emoji(value)):
        raise problem("must be one emoji, or an empty text, which takes the reaction away")
    return value


class ReactionPart(Part):
    """An emoji on a message of the conversation that is not older than 30 days."""

    message_id: ObjectId = Field(description="The wamid of the message that it is put on.")
    emoji: Annotated[
        str,
        Field(
            max_length=_EMOJI_LIMIT,
            description="One emoji; empty: the reaction is taken away.",
            json_schema_extra=OURS,
        ),
        AfterValidator(_emoji_or_nothing),
    ]


class ContactName(Part):
    """A name; `formatted_name` is what the customer sees, and one of its parts has to be there too."""

    formatted_name: Text
    first_name: Text | None = None
    last_name: Text | None = None
    middle_name: Text | None = None
    prefix: Text | None = None
    suffix: Text | None = None

    @model_validator(mode="after")
    def _has_a_part(self) -> Self:
        names = (self.first_name, self.last_name, self.middle_name, self.prefix, self.suffix)
        if all(name is None for name in names):
            raise problem("needs one of first_name, last_name, middle_name, prefix and suffix")
        return self


class ContactPhone(Part):
    """A phone number; with `wa_id` the customer can write to it at once."""

    phone: Text
    wa_id: Text | None = None
    type: Text | None = None


class ContactEmail(Part):
    """An e-mail address."""

    email: Text
    type: Text | None = None


class ContactUrl(Part):
    """A web address."""

    url: WebAddress
    type: Text | None = None


class ContactAddress(Part):
    """A postal address."""

    street: Text | None = None
    city: Text | None = None
    state: Text | None = None
    zip: Text | None = None
    country: Text | None = None
    country_code: Text | None = None
    type: Text | None = None


class ContactOrganization(Part):
    """Where somebody works."""

    company: Text | None = None
    department: Text | None = None
    title: Text | None = None


class ContactCard(Part):
    """A contact to be kept in the customer's address book."""

    name: ContactName
    phones: Annotated[list[ContactPhone], entries()] | None = None
    emails: Annotated[list[ContactEmail], entries()] | None = None
    urls: Annotated[list[ContactUrl], entries()] | None = None
    addresses: Annotated[list[ContactAddress], entries()] | None = None
    org: ContactOrganization | None = None
    birthday: Text | None = Field(default=None, description="`YYYY-MM-DD`.")


ContactsPart = Annotated[list[ContactCard], entries(least=1)]
