"""Bodies that cannot be read whole: what is broken says truly why, and costs its neighbours nothing."""

import json
from typing import Any

import pytest

from tests.unit.bodies import WABA, body, change, envelope, message, status
from tests.unit.parsed import only, reason
from whatsapp.events import InboundMessage, Unreadable
from whatsapp.parsing import parse


@pytest.mark.parametrize(
    "timestamp",
    [
        None,
        "",
        "soon",
        "-5",
        -5,
        0,
        "0",
        "99999999999999999999",
        10**40,
        1e300,
        1795262400.5,
        True,
        [],
        "١٢",
        "9" * 5000,
    ],
)
def test_a_timestamp_that_whatsapp_cannot_mean_is_unreadable_and_says_so(timestamp: object) -> None:
    assert "timestamp" in reason(body(change(messages=[message(timestamp=timestamp)])))


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"", "the body is no JSON"),
        (b"{", "the body is no JSON"),
        (b"[1]", "the body is no webhook of a whatsapp_business_account"),
        (b'{"object":"page","entry":[]}', "the body is no webhook of a whatsapp_business_account"),
        (b"[" * 100_000, "the body is nested too deeply to be read"),
        (envelope(), "the body has no entry that can be read"),
        (envelope(7), "the body has no entry that can be read"),
        (envelope({"id": WABA}), "the entry has no change that can be read"),
        (envelope({"id": WABA, "changes": ["x"]}), "the entry has no change that can be read"),
        (body({"value": {}}), "no field on the change"),
        (body({"field": "messages", "value": []}), "the change has no value that can be read"),
        (body(change(messages=[message()]), waba=None), "no WABA id"),
        (body(change(messages={"0": message()})), "messages is not a list"),
        (body(change(messages=[3])), "it is no object"),
        (body(change(messages=[message(id=None)])), "no message id"),
        (body(change(messages=[message(id="w" * 513)])), "an id is longer than 512 characters"),
        (body(change(statuses=[status(status=None)])), "no status"),
        (body({"field": "messages", "value": {"messages": [message()]}}), "no phone_number_id in the metadata"),
    ],
)
def test_what_cannot_be_read_says_truly_why(sent: bytes, told: str) -> None:
    assert reason(sent) == told


def test_an_unreadable_item_does_not_take_its_neighbours_with_it() -> None:
    deep: Any = "x"
    for _ in range(150):
        deep = [deep]
    items = parse(body(change(messages=[message(), message(text=deep), 5, message(id="wamid.C")])))
    assert [type(item) for item in items] == [InboundMessage, Unreadable, Unreadable, InboundMessage]
    assert isinstance(items[1], Unreadable)
    assert items[1].reason == "nested deeper than 100 levels"


@pytest.mark.parametrize("half", ["\\u0000", "\\ud800", "\\udc00"])
def test_what_postgres_refuses_in_a_text_is_replaced_and_the_message_kept(half: str) -> None:
    sent = body(change(messages=[message(text={"body": "before HERE after"})])).replace(b"HERE", half.encode())
    item = only(sent)
    assert isinstance(item, InboundMessage)
    assert item.content["text"]["body"] == "before \ufffd after"


def test_a_whole_surrogate_pair_beside_half_a_one_is_kept() -> None:
    sent = body(change(messages=[message(text={"body": "HERE"})])).replace(b"HERE", b"\\ud83d\\ude00\\ud83d")
    item = only(sent)
    assert isinstance(item, InboundMessage)
    assert item.content["text"]["body"] == "😀\ufffd"


def test_broken_utf_8_and_a_byte_order_mark_cost_no_message() -> None:
    sent = b"\xef\xbb\xbf" + body(change(messages=[message(text={"body": "HERE"})])).replace(b"HERE", b"\xff!")
    item = only(sent)
    assert isinstance(item, InboundMessage)
    assert item.content["text"]["body"] == "\ufffd!"


def test_numbers_that_no_column_takes_are_kept_in_a_form_that_json_has() -> None:
    sent = body(change(messages=[message(order={"price": 0})])).replace(
        b'"price": 0', b'"price": 1e999, "n": 1' + b"0" * 30
    )
    item = only(sent)
    assert isinstance(item, InboundMessage)
    assert json.loads(json.dumps(item.content, allow_nan=False))["order"] == {"price": "inf", "n": "1" + "0" * 30}


def test_a_million_broken_items_are_counted_together_past_the_first_thousand() -> None:
    items = parse(envelope({"id": WABA, "changes": [None] * 20_000 + [change(messages=[message()])]}))
    assert len(items) == 1002
    assert isinstance(items[-2], InboundMessage)
    assert isinstance(items[-1], Unreadable)
    assert items[-1].reason == "19000 more items of this body cannot be read"
    assert len({item.origin.place for item in items}) == len(items)
