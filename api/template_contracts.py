"""What callers send to make and to change templates: Meta's own shapes, its limits left to Meta's review."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from api.contracts import Listing
from api.onboarding_contracts import MetaId
from store.reading.templates import Wanted
from whatsapp.messages.fields import JsonObject

MOST_COMPONENTS = 20
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,512}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(_[A-Za-z]{2,4})?$")]
Category = Literal["MARKETING", "UTILITY", "AUTHENTICATION"]
Components = Annotated[list[JsonObject], Field(min_length=1, max_length=MOST_COMPONENTS)]
Word = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""What Postgres can compare: it knows no NUL."""

_COMPONENTS: list[JsonValue] = [
    {
        "type": "BODY",
        "text": "Hello {{1}}, your order {{2}} is on its way.",
        "example": {"body_text": [["Ada", "4711"]]},
    }
]
_MAKE: dict[str, JsonValue] = {
    "waba_id": "102290129340398",
    "name": "order_shipped",
    "language": "en_US",
    "category": "UTILITY",
    "components": _COMPONENTS,
}


def _small(word: Any) -> Any:
    """As answers have it; Meta writes it in capitals."""
    return word.lower() if isinstance(word, str) else word


class TemplateListing(Listing):
    """Which templates are wanted."""

    waba_id: MetaId | None = Field(default=None, description="Only those of this account.")
    phone_number_id: MetaId | None = Field(default=None, description="Only those that this number may send.")
    name: Word | None = Field(default=None, max_length=512)
    language: Word | None = Field(default=None, max_length=20, description="As Meta writes it: `en_US`.")
    status: Word | None = Field(default=None, max_length=40, description="Meta's word: `APPROVED`, `PAUSED` …")
    category: Word | None = Field(default=None, max_length=40, description="Meta's word: `UTILITY` …")
    deleted: bool = Field(default=False, description="Also those that are gone at Meta.")

    def which(self) -> Wanted:
        """The same for the store."""
        names = ("waba_id", "phone_number_id", "name", "language", "status", "category", "deleted")
        return Wanted(**{name: getattr(self, name) for name in names})


class MakeTemplate(BaseModel):
    """A new template; Meta reviews it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_MAKE]})

    waba_id: MetaId | None = Field(default=None, description="Of which account; may be left out where there is one.")
    name: Name = Field(description="Small letters, digits and underscores.")
    language: Language = Field(description="As Meta writes it: `en_US`, `nl`.")
    category: Category
    parameter_format: Annotated[Literal["positional", "named"], BeforeValidator(_small)] = Field(
        default="positional", description="Whether its placeholders are counted, `{{1}}`, or have names."
    )
    components: Components = Field(description="HEADER, BODY, FOOTER, BUTTONS … in Meta's shape, with examples.")

    def content(self) -> dict[str, Any]:
        """As Meta takes it."""
        return {
            "name": self.name,
            "language": self.language,
            "category": self.category,
            "parameter_format": self.parameter_format.upper(),
            "components": self.components,
        }


class ChangeTemplate(BaseModel):
    """What is to be another; Meta reviews it anew."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"components": _COMPONENTS}]})

    category: Category | None = Field(default=None, description="Not of one that is approved: Meta refuses that.")
    components: Components | None = Field(default=None, description="All of them: they take the place of those it has.")

    @model_validator(mode="after")
    def _something(self) -> "ChangeTemplate":
        if self.category is None and self.components is None:
            raise ValueError("name category, components or both")
        return self

    def content(self) -> dict[str, Any]:
        """As Meta takes it."""
        return self.model_dump(exclude_none=True)


class ReadTemplates(BaseModel):
    """Which account's templates are to be read."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"waba_id": "102290129340398"}]})

    waba_id: MetaId | None = Field(default=None, description="May be left out where there is one account.")
