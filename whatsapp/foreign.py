"""Foreign JSON read without trust: any bytes become a tree that can be stored, any value a field or a reason.

Postgres refuses NUL in text and jsonb, and UTF-8 has no lone surrogates: both become U+FFFD, so that a message with one
of them is kept with the rest of its text. Numbers that no column and no JSON writer takes become their digits as text.
"""

import json
import math
from datetime import UTC, datetime
from typing import Any

import orjson

LONGEST_ID = 512
"""Characters. Meta's own ids stay under 150; a b-tree index of Postgres refuses entries over 2,704 bytes."""
DEEPEST = 100
"""Levels of nesting within one item. Meta's deepest has about 12; JSON writers give up between 250 and 1,000."""
EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
"""WhatsApp's first year: nothing it says happened before."""
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

_INT32 = 2**31
_INT64 = 2**63
_DIGITS_IN_INSTANT = 12
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class UnreadableError(Exception):
    """Something cannot be read; its text is the reason, in words, without the content."""


def read(body: bytes) -> Any:
    """Read JSON into a tree of values that can be stored and written again.

    Raises:
        UnreadableError: it is no JSON, or nested deeper than a reader can follow.
    """
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _clean(_read_slowly(body))
    # In valid JSON a NUL can only be escaped, so most bodies are known to be clean by one search.
    return _clean(tree) if b"\\u0000" in body else tree


def _read_slowly(body: bytes) -> Any:
    """Read what orjson refuses though something can be made of it: lone surrogates, broken UTF-8, a byte order mark."""
    try:
        return json.loads(body.decode("utf-8-sig", errors="replace"), parse_int=_whole, parse_constant=str)
    except RecursionError:
        raise UnreadableError("nested too deeply to be read") from None
    except ValueError:
        raise UnreadableError("no JSON") from None


def _whole(digits: str) -> int | str:
    # Python itself refuses to convert more than 4,300 digits.
    return int(digits) if len(digits) < len(str(_INT64)) else digits


def _clean(value: Any, depth: int = 0) -> Any:
    # What is too deep is left as it is: `check_depth` refuses the item it stands in, and only that one.
    if depth > DEEPEST * 2:
        return value
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [_clean(part, depth + 1) for part in value]
    if isinstance(value, dict):
        return {clean_text(key): _clean(part, depth + 1) for key, part in value.items()}
    return value


def clean_text(value: str) -> str:
    """The text with what cannot be stored replaced by U+FFFD."""
    if "\x00" in value:
        value = value.replace("\x00", _REPLACEMENT)
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def check_depth(value: Any) -> None:
    """Refuse what a JSON writer or Postgres might not take for its depth.

    Raises:
        UnreadableError: it is nested deeper than `DEEPEST` levels.
    """
    level = [value]
    for _ in range(DEEPEST):
        level = [part for outer in level for part in _parts(outer)]
        if not level:
            return
    raise UnreadableError(f"nested deeper than {DEEPEST} levels")


def _parts(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def text(value: Any) -> str | None:
    """A text as it is, a number as its digits, anything else as nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def identifier(value: Any) -> str | None:
    """An id, which Meta writes as text or as a number; None when there is none.

    Raises:
        UnreadableError: it is longer than any id.
    """
    found = text(value)
    if not found or not found.strip():
        return None
    if len(found) > LONGEST_ID:
        raise UnreadableError(f"an id is longer than {LONGEST_ID} characters")
    return found.strip()


def required(value: Any, name: str) -> str:
    """An id that has to be there.

    Raises:
        UnreadableError: it is not, or it is too long.
    """
    found = identifier(value)
    if found is None:
        raise UnreadableError(f"no {name}")
    return found


def number(value: Any) -> int | None:
    """A whole number that fits a column, written as one or as text; otherwise nothing."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(_INT32)):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if -_INT32 <= value < _INT32 else None


def instant(value: Any) -> datetime:
    """An instant, which Meta writes as seconds since 1970, as text or as a number.

    Raises:
        UnreadableError: there is none, or it is none that WhatsApp can mean.
    """
    if value is None:
        raise UnreadableError("no timestamp")
    digits = text(value)
    if digits is None or not (digits.isascii() and digits.isdigit()):
        raise UnreadableError("the timestamp is not a number of seconds")
    if len(digits) > _DIGITS_IN_INSTANT:
        raise UnreadableError("the timestamp is out of range")
    found = datetime.fromtimestamp(int(digits), UTC) if int(digits) < LATEST.timestamp() else LATEST
    if not EARLIEST <= found < LATEST:
        raise UnreadableError("the timestamp is out of range")
    return found


def mapping(value: Any) -> dict[str, Any]:
    """An object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; nothing for anything else."""
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []
