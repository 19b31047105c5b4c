"""What goes out, in docs/messages.md, made from rules and examples: `python -m tests.docs.kinds_out`."""

import json
import sys
from pathlib import Path
from typing import Any

from api.sending_examples import EXAMPLES
from tests.docs.generated import with_part
from tests.outgoing import OUTGOING, SHOWN, Sent
from whatsapp.messages import PARTS

PAGE = Path(__file__).parents[2] / "docs" / "messages.md"

_ALSO = {
    "button": "ids and titles unlike",
    "list": "10 rows in all, ids unlike, several sections each with a title",
    "contacts": "beside `formatted_name` one part of the name",
    "reaction": "one emoji, or none, which takes it away; to a message of the conversation, 30 days old at most",
    "template": "`name` of a to z, digits and underscores; the parameters are those of the template",
}
Schema = dict[str, Any]


def page() -> str:
    """The whole page, with the part on what goes out made anew."""
    return with_part(PAGE, "tests.docs.kinds_out", _made())


def _made() -> str:
    first = {_kind(sent): sent for sent in reversed(OUTGOING.values())}
    kinds = dict.fromkeys(map(_kind, OUTGOING.values()))
    rows = "\n".join(f"| {_named(kind)} | {_told(first[kind])} | {_limits(kind)} |" for kind in kinds)
    shown = "\n".join(_example(name) for name in EXAMPLES)
    return f"| kind | what it is | limits |\n|---|---|---|\n{rows}\n\n{shown}"


def _told(sent: Sent) -> str:
    kind, content = sent
    schema = PARTS[kind].json_schema()
    chosen = _chosen(_resolved(schema.get("items", schema), schema), content[kind], schema)
    return str(chosen["description"])


def _kind(sent: Sent) -> str:
    kind, content = sent
    return str(content[kind]["type"]) if kind == "interactive" else kind


def _named(kind: str) -> str:
    return f"`{kind}`" if kind in PARTS else f"`interactive`, `{kind}`"


def _limits(kind: str) -> str:
    found: dict[str, str] = {}
    for sent in OUTGOING.values():
        if _kind(sent) == kind:
            schema = PARTS[sent[0]].json_schema()
            found |= _limited(schema, sent[1][sent[0]], schema)
    told = [f"`{field}` {limit}" for field, limit in found.items()]
    return "; ".join(told + ([_ALSO[kind]] if kind in _ALSO else [])) or "none that Meta tells"


def _limited(schema: Schema, value: Any, root: Schema, path: str = "") -> dict[str, str]:
    """Meta's limits of the fields that a value has, by the field's name."""
    schema = _chosen(_resolved(schema, root), value, root)
    found: dict[str, str] = {}
    for name, inner in schema.get("properties", {}).items():
        field = _resolved(inner, root)
        where = f"{path}.{name}".removeprefix(".")
        if name in value:
            limit = _limit(field)
            found |= ({where: limit} if limit else {}) | _limited(inner, value[name], root, where)
    for entry in value if schema.get("type") == "array" else []:
        found |= _limited(schema["items"], entry, root, f"{path}[]")
    return found


def _resolved(schema: Schema, root: Schema) -> Schema:
    return root["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _chosen(schema: Schema, value: Any, root: Schema) -> Schema:
    options = [_resolved(one, root) for one in schema.get("oneOf", [])]
    return next((one for one in options if one["properties"]["type"]["const"] == value["type"]), schema)


def _limit(field: Schema) -> str | None:
    if "x-limit" in field:
        return None
    if "maxLength" in field:
        return f"{field['maxLength']:,} characters"
    if "maxItems" in field:
        return f"{field['maxItems']} entries"
    return f"{field['minimum']:g} to {field['maximum']:g}" if "maximum" in field else None


def _example(name: str) -> str:
    kind, content = SHOWN[name]
    said = json.dumps({"type": kind, **content}, ensure_ascii=False, indent=2)
    return f"### {EXAMPLES[name]['summary']}\n\n```json\n{said}\n```\n"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
    sys.stdout.write(f"{PAGE.name} is up to date.\n")
