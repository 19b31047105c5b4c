"""What the control API is asked for about messages of every kind: bodies, checked."""

from typing import Any, Literal, Self

from pydantic import Base64Bytes, Field, model_validator

from simulator.kinds_in import misshapen
from simulator.orders import CustomerOrder, Digits, Moment


class CustomerChange(CustomerOrder):
    """A customer as from now on; what is left out stays."""

    shares_phone: bool | None = None
    """False: webhooks omit the phone number, as of users with a username."""


class WrittenOrder(CustomerOrder):
    """When a message was written, and what it hangs on."""

    timestamp: Moment | None = None
    """What the message claims instead of now."""
    context: dict[str, Any] | str | None = None
    """Meta's object, or just the wamid that is replied to."""
    referral: dict[str, Any] | None = None
    group_id: str | None = None
    contacts: bool | None = None
    """Whether the webhook has a `contacts` block; None: as Meta does with this kind."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further keys of the message."""


class MessageOrder(WrittenOrder):
    """A message of any kind, from a customer or from the business's own app."""

    type: str
    content: Any = None
    """What stands under the type's own key."""

    @model_validator(mode="after")
    def _shaped(self) -> Self:
        if problem := misshapen(self.type, self.content):
            raise ValueError(problem)
        return self


class FileOrder(WrittenOrder):
    """A file."""

    kind: Literal["image", "video", "audio", "document", "sticker"]
    data: Base64Bytes
    mime_type: str
    filename: str | None = None
    caption: str | None = None
    voice: bool = False
    animated: bool = False
    url: bool = True
    """Whether the webhook brings a URL, as since late 2025."""
    echo: bool = False
    """Whether the business sends it, in its own app."""


class ChangedNumberOrder(CustomerOrder):
    """A customer who changes the phone number."""

    new_wa_id: Digits | None = None
    """None: Meta does not share it, and tells of a changed BSUID alone."""
    new_user_id: str | None = None
    """None: a new one is made."""
    names_previous: bool = True
    """False: the former BSUID stands only in the body, as until August 2026."""


class PreferenceOrder(CustomerOrder):
    """What a customer wants of marketing messages."""

    value: Literal["stop", "resume", "signup"]
    timestamp: Moment | None = None
    signup_id: str | None = None
