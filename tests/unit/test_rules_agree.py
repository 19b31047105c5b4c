"""Two sets of rules, written apart: what we let out, the simulator takes; what is over Meta's limits, neither."""

import copy
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from simulator.files import StoredFile
from simulator.kinds.check import check_content
from simulator.kinds.sending import Known, Sending
from simulator.payloads import check_envelope
from simulator.refusals import RefusedError
from simulator.templates import Shelf
from tests.limits import PLACES, Path, Schema, full, over
from tests.outgoing import OUTGOING, Sent
from whatsapp.messages import PARTS, Recipient, payload, validate_content
from whatsapp.own_files import with_meta_id

_FILE_NAMES = ("link", "id", "media_id")
_EMOJI = ("👍", "❤️", "👩‍👩‍👧", "🇳🇱", "")


class Believing(Sending):
    """A call of a number that has every file and knows every message."""

    def file(self, media_id: str) -> StoredFile | None:
        return StoredFile(media_id, "1", b"", "image/png", expires_at=0, from_customer=False, sha256=b"")

    def message(self, wamid: str) -> Known | None:
        return Known("text", 0.0) if wamid else None

    def is_past(self, known: Known) -> bool:
        return known.timestamp > 0


def refusal(sent: Sent) -> RefusedError | None:
    """What the simulator has against a message as we would post it."""
    kind, content = sent
    made = payload(Recipient("31612345678", None), kind, with_meta_id(kind, content, "17"), callback_data="m.1")
    # An account without any template takes any: what fits a template is judged in tests/activities.
    world, number = SimpleNamespace(templates=Shelf()), SimpleNamespace(waba_id="1")
    try:
        check_envelope(made)
        check_content(Believing(cast("Any", world), cast("Any", number), cast("Any", None), made, to_phone=True))
    except RefusedError as error:
        return error
    return None


def _strings(name: str, schema: Schema) -> st.SearchStrategy[str]:
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    if name == "emoji":
        return st.sampled_from(_EMOJI)
    if schema.get("format") == "uri":
        return st.sampled_from(["https://example.com", "http://example.com/a?b=c#d", "HTTP://EXAMPLE.COM"])
    if schema.get("format") == "uuid":
        return st.uuids().map(str)
    if "maxLength" not in schema:
        return st.sampled_from("0123456789")
    most = 9 if "x-limit" in schema else schema["maxLength"]
    lengths = st.sampled_from([1, 2, most // 2 + 1, most])
    return st.tuples(lengths, st.sampled_from("xé👍")).map(lambda drawn: drawn[1] * drawn[0])


_SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(0, 12),
    "boolean": st.booleans(),
    "object": st.dictionaries(st.sampled_from("abc"), st.integers(), max_size=2),
}


def _values(schema: Schema, root: Schema, name: str = "") -> st.SearchStrategy[Any]:
    """What a schema allows; what else has to hold, the rules themselves tell."""
    if "$ref" in schema:
        return _values(root["$defs"][schema["$ref"].rpartition("/")[2]], root, name)
    options = schema.get("oneOf", schema.get("anyOf"))
    if options:
        return st.one_of([_values(one, root, name) for one in options])
    match schema["type"]:
        case "object" if "properties" in schema:
            made = _object(schema, root)
        case "array":
            made = st.lists(_values(schema["items"], root), min_size=schema.get("minItems", 0), max_size=3)
        case "string":
            made = _strings(name, schema)
        case "number":
            made = st.floats(schema["minimum"], schema["maximum"]) | st.integers(-90, 90)
        case simple:
            made = _SIMPLE[simple]
    return made


def _object(schema: Schema, root: Schema) -> st.SearchStrategy[Any]:
    fields = {name: _values(inner, root, name) for name, inner in schema["properties"].items()}
    needed = set(schema.get("required", ()))
    if fields.keys() >= set(_FILE_NAMES):
        return st.sampled_from(_FILE_NAMES).flatmap(lambda name: st.fixed_dictionaries({name: fields[name]}))
    return st.fixed_dictionaries(
        {name: made for name, made in fields.items() if name in needed},
        optional={name: made for name, made in fields.items() if name not in needed},
    )


_CONTENTS = {kind: _values(adapter.json_schema(), adapter.json_schema()) for kind, adapter in PARTS.items()}


@pytest.mark.parametrize("name", OUTGOING)
def test_the_simulator_takes_each_of_our_messages(name: str) -> None:
    assert refusal(OUTGOING[name]) is None


@pytest.mark.parametrize("kind", PARTS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_we_let_out_the_simulator_takes(kind: str, data: st.DataObject) -> None:
    content = {kind: data.draw(_CONTENTS[kind])}
    assume(validate_content(kind, content) == [])
    found = refusal((kind, content))
    assert found is None, found and found.details


METAS = [(sent, path, field) for _, sent, path, field, _ in PLACES if "x-limit" not in field]


@pytest.mark.parametrize(("sent", "path", "field"), METAS, ids=lambda it: str(it)[:40])
def test_what_is_over_one_of_metas_limits_the_simulator_does_not_take(sent: Sent, path: Path, field: Schema) -> None:
    if sent[0] != "template":
        assert refusal(over(sent, path, field)) is not None


@pytest.mark.parametrize(("sent", "path", "field"), METAS, ids=lambda it: str(it)[:40])
def test_what_is_at_one_of_metas_limits_the_simulator_takes(sent: Sent, path: Path, field: Schema) -> None:
    # A list that is as long as it may be has more rows, with other sections, than a list may have.
    if "maxLength" in field or path[-1] != "rows":
        assert refusal(full(sent, path, field)) is None


def test_a_message_that_was_spoiled_on_the_way_is_refused() -> None:
    kind, content = copy.deepcopy(OUTGOING["buttons"])
    content["interactive"]["action"]["buttons"][0]["reply"]["title"] = ""
    assert refusal((kind, content)) is not None
