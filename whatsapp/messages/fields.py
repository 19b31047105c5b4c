"""What the fields of a message may hold: the pieces its kinds are put together from."""

import json
import math
from collections.abc import Callable, Iterable
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

OUR_LIMIT = 4096
"""Characters, where Meta tells no limit: this one is ours, against what can only be a mistake."""
OUR_MOST = 100
"""Entries of a list, where Meta tells no limit: ours too."""
OURS: dict[str, Any] = {"x-limit": "ours"}
"""Tells in the schema that a limit is ours."""
_PLACES = frozenset(map(str, range(OUR_MOST)))
_OUR_DEPTH = 32
_OUR_JSON_BYTES = 64 * 1024
_INTEGERS = range(-(2**63), 2**63)
"""What JSON carries everywhere without loss of a digit."""


def problem(words: str) -> PydanticCustomError:
    """A problem in words of our own; they follow the name of the field."""
    return PydanticCustomError("refused", "{words}", {"words": words})


def listed(names: Iterable[str], *, last: str = "and") -> str:
    """Names as people write them: `a, b and c`."""
    *first, end = names
    return f"{', '.join(first)} {last} {end}" if first else end


def _left_out_rather_than_null(schema: dict[str, Any]) -> None:
    for name, field in schema.get("properties", {}).items():
        field.pop("default", None)
        given = [one for one in field.get("anyOf", []) if one != {"type": "null"}]
        if len(given) == 1:
            del field["anyOf"]
            schema["properties"][name] = given[0] | field


class Part(BaseModel):
    """An object of a message. What was given is never repeated, the name of an unknown field neither."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
        json_schema_extra=_left_out_rather_than_null,
    )

    @model_validator(mode="before")
    @classmethod
    def _has_known_fields_only(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        if set(given) - set(cls.model_fields):
            raise problem(f"has a field beside {listed(cls.model_fields)}")
        # Meta is not told to read null as nothing.
        if any(value is None for value in given.values()):
            raise problem("has a field that is null: leave it out")
        return given


def _clean(value: str) -> str:
    if not value.strip():
        raise problem("must not be empty")
    if not storable(value):
        raise problem("has a NUL or half a surrogate pair, which no text may have")
    return value


def storable(value: str) -> bool:
    """Whether Postgres and JSON can hold it: no NUL, no half of a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in value


Clean = AfterValidator(_clean)


def most(characters: int) -> Any:
    """The limit of a text, in characters as Unicode counts them: an emoji is one or more."""
    return Field(min_length=1, max_length=characters)


def entries(*, least: int = 0) -> Any:
    """The limit of a list for which Meta tells none."""
    return Field(min_length=least, max_length=OUR_MOST, json_schema_extra=OURS)


Text = Annotated[str, Field(min_length=1, max_length=OUR_LIMIT, json_schema_extra=OURS), Clean]
"""A text whose limit Meta does not tell."""
ObjectId = Annotated[str, Field(min_length=1, max_length=512, json_schema_extra=OURS), Clean]
"""An id of Meta's: a wamid, a file's, a flow's."""


def _web_address(value: str) -> str:
    host = value.partition("://")[2]
    if not value.startswith(("http://", "https://")) or not host.strip("/?#") or any(map(str.isspace, value)):
        raise problem("must be an http or https address")
    return value


WebAddress = Annotated[
    str,
    Field(min_length=1, max_length=2048, json_schema_extra={"format": "uri"} | OURS),
    Clean,
    AfterValidator(_web_address),
]


def _our_file(value: str) -> str:
    try:
        well_written = str(UUID(value)) == value.lower()
    except ValueError:
        well_written = False
    if not well_written:
        raise problem("must be the id of a file that was uploaded here")
    return value


FileId = Annotated[str, Field(max_length=36, json_schema_extra={"format": "uuid"} | OURS), AfterValidator(_our_file)]


def _place_in_row(value: Any) -> str:
    written = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(written, str) or written not in _PLACES:
        raise problem(f"must be a number from 0 to {OUR_MOST - 1}")
    return written


Place = Annotated[str, PlainValidator(_place_in_row, json_schema_input_type=int | str)]
"""Which button or card is meant; the first is 0."""


def _json_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise problem("must be an object")
    found = _json_problem(value, _OUR_DEPTH)
    if found is not None:
        raise problem(found)
    if len(json.dumps(value, ensure_ascii=False).encode()) > _OUR_JSON_BYTES:
        raise problem("is larger than 64 KiB")
    return value


def _json_problem(value: Any, depth: int) -> str | None:
    """Why this JSON could not be stored or sent as it is."""
    if depth == 0:
        return f"is nested more than {_OUR_DEPTH} deep"
    inner: list[Any] = []
    match value:
        case dict():
            inner = [*value, *value.values()]
        case list():
            inner = value
        case str() if not storable(value):
            return "has a NUL or half a surrogate pair, which no text may have"
        case bool():
            pass
        case int() if value not in _INTEGERS:
            return "has a number of more than 64 bits"
        case float() if not math.isfinite(value):
            return "has a number that is none in JSON"
    return next(filter(None, (_json_problem(one, depth - 1) for one in inner)), None)


JsonObject = Annotated[dict[str, Any], PlainValidator(_json_object, json_schema_input_type=dict[str, Any])]
"""What the business's own software made and will read again; Meta only passes it on."""


def by_type(*types: str) -> Discriminator:
    """Tells which of several objects is meant by its `type`; each is annotated `Tag("<type>")`.

    The angle brackets tell a tag from a field where a problem's place is put into words.
    """

    def tag(given: Any) -> str | None:
        kind = given.get("type") if isinstance(given, dict) else getattr(given, "type", None)
        return f"<{kind}>" if isinstance(kind, str) and kind in types else None

    return Discriminator(
        tag,
        custom_error_type="refused",
        custom_error_message=f"must be an object whose type is {listed(types, last='or')}",
    )


def unlike(what: str, of: Callable[[Any], object]) -> AfterValidator:
    """Refuses a list in which two entries have the same `what`."""

    def check(entries: list[Any]) -> list[Any]:
        if len({of(entry) for entry in entries}) < len(entries):
            raise problem(f"two have the same {what}, each needs its own")
        return entries

    return AfterValidator(check)
