"""The limits of what goes out, found in the rules: where each message has one, and values at it and over it."""

import copy
from collections.abc import Iterator
from typing import Any

from tests.outgoing import OUTGOING, Sent
from whatsapp.messages import CONTEXT, PARTS

Schema = dict[str, Any]
Path = tuple[str | int, ...]

_LONGEST_EMOJI = "👩" + "\u200d👩" * 15 + "\ufe0f"
_OWN_NAMES = ("id", "title", "card_index", "index")


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def _limited(schema: Schema, value: Any, root: Schema, path: Path = ()) -> Iterator[tuple[Path, Schema, str]]:
    """The places of a value that a schema limits: where, by what, and the limit's name in the schema."""
    schema = _resolved(schema, root)
    if "oneOf" in schema:
        options = [_resolved(one, root) for one in schema["oneOf"]]
        schema = next(one for one in options if one["properties"]["type"]["const"] == value["type"])
    for name, inner in schema.get("properties", {}).items():
        field = _resolved(inner, root)
        if {"maxLength", "maxItems"} & field.keys() and name in value:
            yield (*path, name), field, f"{schema['title']}.{name}"
        if name in value:
            yield from _limited(inner, value[name], root, (*path, name))
    for place, entry in enumerate(value if schema.get("type") == "array" else []):
        yield from _limited(schema["items"], entry, root, (*path, place))


def all_limits() -> Iterator[str]:
    """The names of all limits that the rules have."""
    for kind, adapter in (PARTS | {"context": CONTEXT}).items():
        schema = adapter.json_schema()
        if "maxItems" in schema:
            yield kind
        for model in (*schema.get("$defs", {}).values(), schema):
            for name, field in model.get("properties", {}).items():
                if {"maxLength", "maxItems"} & _resolved(field, schema).keys():
                    yield f"{model['title']}.{name}"


def _places() -> Iterator[tuple[str, Sent, Path, Schema, str]]:
    for name, (kind, content) in OUTGOING.items():
        for key, part in content.items():
            schema = (CONTEXT if key == "context" else PARTS[key]).json_schema()
            if "maxItems" in schema:
                yield name, (kind, content), (key,), schema, key
            for path, field, limit in _limited(schema, part, schema, (key,)):
                yield name, (kind, content), path, field, limit


PLACES = list(_places())


def at(content: Any, path: Path) -> Any:
    """What stands there."""
    for step in path:
        content = content[step]
    return content


def with_value(sent: Sent, path: Path, value: Any) -> Sent:
    """The message with this value there."""
    kind, content = sent[0], copy.deepcopy(sent[1])
    at(content, path[:-1])[path[-1]] = value
    return kind, content


def written(path: Path) -> str:
    """The place as problems name it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def text_of(field: Schema, length: int, given: str) -> str:
    """A text of this length for a field."""
    match field.get("format"), field["maxLength"]:
        case "uri", _:
            return "https://example.com/".ljust(length, "x")
        case "uuid", _:
            return given.ljust(length, "0")
        case _, 32:
            return _LONGEST_EMOJI.ljust(length, "\ufe0f")
    return "x" * length


def entries(path: Path, given: list[Any], size: int) -> list[Any]:
    """As many entries, each with names of its own."""
    made = [copy.deepcopy(given[-1]) for _ in range(size)]
    if path[-1] == "components":
        return [{"type": "button", "sub_type": "url", "index": place} for place in range(size)]
    for place, entry in enumerate(made):
        for part in (entry, *entry.get("rows", []), entry.get("reply", {})):
            part.update({name: place if "index" in name else str(place) for name in _OWN_NAMES if name in part})
        if "parameter_name" in entry:
            entry["parameter_name"] = str(place)
    return made


def full(sent: Sent, path: Path, field: Schema) -> Sent:
    """The message with as much at this place as the limit allows."""
    return _of_size(sent, path, field, more=0)


def over(sent: Sent, path: Path, field: Schema) -> Sent:
    """The message with one more at this place than the limit allows."""
    return _of_size(sent, path, field, more=1)


def _of_size(sent: Sent, path: Path, field: Schema, *, more: int) -> Sent:
    given = at(sent[1], path)
    if "maxItems" in field:
        return with_value(sent, path, entries(path, given, field["maxItems"] + more))
    return with_value(sent, path, text_of(field, field["maxLength"] + more, given))
