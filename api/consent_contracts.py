"""What callers tell of a contact's consent, and the words by which a number's customers stop marketing."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    field_validator,
    model_validator,
)

from whatsapp.stop_words import problems

_TOLD: dict[str, JsonValue] = {
    "choice": "opt_in",
    "told_at": "2026-11-20T14:05:00Z",
    "note": 'Ticked "news by WhatsApp" at checkout, order 4711',
}


class TellConsent(BaseModel):
    """What a contact told."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_TOLD]})

    choice: Literal["stop", "resume", "opt_in"] = Field(
        description="`stop`: no marketing. `resume`: a stop is taken back. `opt_in`: they ask for marketing."
    )
    told_at: AwareDatetime | None = Field(default=None, description="When they told it; by default now.")
    note: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="How they told it. An opt-in needs it: it is your proof of how it was obtained.",
    )

    @field_validator("told_at")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        try:
            return None if value is None else value.astimezone(UTC)
        except OverflowError as error:
            raise ValueError("must be an instant within the years 1 to 9999") from error

    @field_validator("note")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None and ("\x00" in value or not value.strip()):
            raise ValueError("must have words, and no NUL")
        return value

    @model_validator(mode="after")
    def _proven(self) -> "TellConsent":
        if self.choice == "opt_in" and self.note is None:
            raise ValueError("note: an opt-in needs one, how it was obtained")
        return self


class WordsOfALanguage(BaseModel):
    """Words and phrases, each a whole message; without case and punctuation."""

    model_config = ConfigDict(extra="forbid")

    stop: list[str] = Field(default_factory=list, description="They stop marketing.")
    start: list[str] = Field(default_factory=list, description="They let it come again.")


def _usable(words: dict[str, WordsOfALanguage]) -> dict[str, WordsOfALanguage]:
    wrong = problems({language: listed.model_dump() for language, listed in words.items()})
    if wrong:
        raise ValueError("; ".join(wrong))
    return words


_Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}([_-][A-Za-z]{2,4})?$")]
StopWords = Annotated[dict[_Language, WordsOfALanguage], AfterValidator(_usable)]
"""By language; no word may both stop and start."""
