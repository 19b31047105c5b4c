"""What callers send to change a number's profile, within Meta's limits."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

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

Website = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]\S*$", max_length=LONGEST_WEBSITE)]
"""With http:// or https://, as Meta wants it."""


class ChangeProfile(BaseModel):
    """What is to be different; what is left out stays. An empty text or list takes a field away."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_CHANGE]})

    about: str | None = Field(default=None, min_length=1, max_length=LONGEST_ABOUT, description="Never empty.")
    address: str | None = Field(default=None, max_length=LONGEST_ADDRESS)
    description: str | None = Field(default=None, max_length=LONGEST_DESCRIPTION)
    email: str | None = Field(default=None, max_length=LONGEST_EMAIL, pattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$")
    vertical: Vertical | None = Field(default=None, description="The line of business.")
    websites: list[Website] | None = Field(default=None, max_length=MOST_WEBSITES)

    def changes(self) -> dict[str, Any]:
        """What is to be different, by Meta's names."""
        return self.model_dump(exclude_none=True)
