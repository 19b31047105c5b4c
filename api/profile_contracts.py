"""What callers send to change a number's profile, within Meta's limits."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from whatsapp.profile import (
    LONGEST_ABOUT,
    LONGEST_ADDRESS,
    LONGEST_DESCRIPTION,
    LONGEST_EMAIL,
    LONGEST_WEBSITE,
    MOST_WEBSITES,
    Vertical,
)

_CHANGE: dict[str, JsonValue] = {
    "about": "Bread since 1902",
    "vertical": "RESTAURANT",
    "websites": ["https://bakery.example.com"],
}


def _address_of_a_page(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]\S*", value):
        raise ValueError("must begin with http:// or https:// and hold no spaces")
    return value


def _address_of_a_mailbox(value: str) -> str:
    if value and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        raise ValueError("must be an address with an @ and a domain")
    return value


Website = Annotated[str, StringConstraints(max_length=LONGEST_WEBSITE), AfterValidator(_address_of_a_page)]
Email = Annotated[str, StringConstraints(max_length=LONGEST_EMAIL), AfterValidator(_address_of_a_mailbox)]


class ChangeProfile(BaseModel):
    """What is to be different; what is left out stays. An empty text or list takes a field away."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_CHANGE]})

    about: str | None = Field(default=None, min_length=1, max_length=LONGEST_ABOUT, description="Never empty.")
    address: str | None = Field(default=None, max_length=LONGEST_ADDRESS)
    description: str | None = Field(default=None, max_length=LONGEST_DESCRIPTION)
    email: Email | None = Field(default=None, description="With an `@` and a domain.")
    vertical: Vertical | None = Field(default=None, description="The line of business.")
    websites: list[Website] | None = Field(
        default=None, max_length=MOST_WEBSITES, description="Each with `http://` or `https://`."
    )

    def changes(self) -> dict[str, Any]:
        """What is to be different, by Meta's names."""
        return self.model_dump(exclude_none=True)
