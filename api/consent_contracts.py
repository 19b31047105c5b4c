"""What callers tell of a contact's consent, and the words by which a number's customers stop marketing."""

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    field_validator,
    model_validator,
)

from api.contracts import Instant
from api.named_people import NamedPerson
from whatsapp.stop_words import problems

_TOLD: dict[str, JsonValue] = {
    "choice": "opt_in",
    "told_at": "2026-11-20T14:05:00Z",
    "note": 'Ticked "news by WhatsApp" at checkout, order 4711',
}

_TOLD_OF: dict[str, JsonValue] = {"to": "+31612345678", **_TOLD}


class _Told(BaseModel):
    """What somebody told of marketing."""

    model_config = ConfigDict(extra="forbid")

    choice: Literal["stop", "resume", "opt_in"] = Field(
        description="`stop`: no marketing. `resume`: a stop is taken back. `opt_in`: they ask for marketing."
    )
    note: str | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="How they told it. An opt-in needs it: it is your proof of how it was obtained.",
    )

    @field_validator("note")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None and ("\x00" in value or not value.strip()):
            raise ValueError("must have words, and no NUL")
        return value

    @model_validator(mode="after")
    def _proven(self) -> Self:
        if self.choice == "opt_in" and self.note is None:
            raise ValueError("note: an opt-in needs one, how it was obtained")
        return self


class TellConsent(_Told):
    """What a contact told."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TOLD]})

    told_at: Instant | None = Field(default=None, description="When they told it; by default now.")


class TellConsentOf(NamedPerson, _Told):
    """What a person told, who need not be a contact: name exactly one of to and user_id."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TOLD_OF]})

    told_at: Instant = Field(
        description="When they told it: a request that is repeated, however late, changes nothing."
    )


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
