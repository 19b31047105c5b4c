"""A problem of a field in words: where it is and what is allowed there, never what was given."""

from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_WORDS = {
    "missing": "is missing",
    "string_type": "must be a text",
    "string_too_short": "must not be empty",
    "string_unicode": "has a NUL or half a surrogate pair, which no text may have",
    "list_type": "must be a list",
    "too_short": "must not be empty",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "bool_type": "must be true or false",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
}


def in_words(kind: str, error: ValidationError) -> Iterator[str]:
    """Each problem of a part as `interactive.action.buttons[2].reply.title: has 25 characters, 20 at most`."""
    for found in error.errors(include_url=False):
        yield f"{_place(kind, found['loc'])}: {_said(found)}"


def _place(kind: str, location: tuple[int | str, ...]) -> str:
    place = kind
    for part in location:
        if isinstance(part, int):
            place += f"[{part}]"
        elif not part.startswith("<"):  # a tag tells which of several objects is meant, and is no field
            place += f".{part}"
    return place


def _said(found: ErrorDetails) -> str:
    limits = found.get("ctx", {})
    match found["type"]:
        case "refused":
            said = found["msg"]
        case "string_too_long":
            said = f"has {len(found['input'])} characters, {limits['max_length']} at most"
        case "too_long":
            said = f"has {len(found['input'])} entries, {limits['max_length']} at most"
        case "literal_error":
            said = f"must be {limits['expected']}"
        case "greater_than_equal":
            said = f"must be {limits['ge']:g} at least"
        case "less_than_equal":
            said = f"must be {limits['le']:g} at most"
        case unfit:
            said = _WORDS.get(unfit, "is not what Meta takes there")
    return said
