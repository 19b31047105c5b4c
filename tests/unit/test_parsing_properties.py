"""Mutated bodies: whatever is cut, swapped or put in, parsing answers, and what it answers can be stored."""

import copy
import dataclasses
import json
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.bodies import ANNA, BEN, WABA, change, message, status
from whatsapp.events import Item, Unreadable
from whatsapp.parsing import parse

_CALL = {"id": "wacid.1", "from": "1", "event": "connect", "direction": "USER_INITIATED", "timestamp": "1795262400"}
_PARTNER = {"event": "PARTNER_ADDED", "waba_info": {"waba_id": "1"}}
_WHOLE: dict[str, Any] = {
    "object": "whatsapp_business_account",
    "entry": [
        {
            "id": WABA,
            "changes": [
                change(messages=[message(), message(type="reaction")], contacts=[ANNA, BEN], errors=[{"code": 1}]),
                change(statuses=[status(), status(status="failed", errors=[{"code": 131047, "error_data": {}}])]),
                change("smb_message_echoes", message_echoes=[message(to="1")]),
                change("calls", calls=[_CALL]),
                {"field": "account_update", "value": _PARTNER},
            ],
        }
    ],
}

_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["\x00", "\ud800", "+", " ", "9" * 600, 2**63, -(2**80), "1e999"])
)
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


def _places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(tree, dict):
        return [path, *(place for key, part in tree.items() for place in _places(part, (*path, key)))]
    if isinstance(tree, list):
        return [path, *(place for index, part in enumerate(tree) for place in _places(part, (*path, index)))]
    return [path]


_PLACES = [place for place in _places(_WHOLE) if place]


def _mutated(mutations: list[tuple[tuple[Any, ...], Any]]) -> Any:
    tree = copy.deepcopy(_WHOLE)
    for path, value in mutations:
        target: Any = tree
        for step in path[:-1]:
            target = target[step] if isinstance(target, dict | list) and _has(target, step) else None
        if isinstance(target, dict | list) and _has(target, path[-1]):
            target[path[-1]] = value
    return tree


def _has(target: Any, step: Any) -> bool:
    return step in target if isinstance(target, dict) else isinstance(step, int) and step < len(target)


def _assert_storable(items: list[Item]) -> None:
    assert items
    assert len({item.origin.place for item in items}) == len(items)
    for item in items:
        written = orjson.dumps(dataclasses.asdict(item), default=str)
        assert b"\\u0000" not in written
        if isinstance(item, Unreadable):
            assert item.reason


@settings(max_examples=600, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(_PLACES), _values), min_size=1, max_size=6))
def test_any_value_in_any_place_of_a_body_is_answered_by_items_that_can_be_stored(
    mutations: list[tuple[tuple[Any, ...], Any]],
) -> None:
    _assert_storable(parse(json.dumps(_mutated(mutations)).encode()))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_bytes_cut_out_and_put_in_anywhere_are_answered(data: st.DataObject) -> None:
    whole = json.dumps(_WHOLE).encode()
    begin = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(begin, min(len(whole), begin + 40)))
    _assert_storable(parse(whole[:begin] + data.draw(st.binary(max_size=12)) + whole[end:]))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_answered(noise: bytes) -> None:
    _assert_storable(parse(noise))
