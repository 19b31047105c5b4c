import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.bodies import ANNA, AT, BEN, NUMBER, SHOWN, WABA, body, change, envelope, message, status
from whatsapp.events import Echo, InboundMessage, Item, Notice, Sender, Status, StatusError, Unreadable
from whatsapp.parsing import parse

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def only(sent: bytes) -> Item:
    (item,) = parse(sent)
    return item


def inbound(**more: Any) -> InboundMessage:
    item = only(body(change(messages=[message(**more)], contacts=[ANNA])))
    assert isinstance(item, InboundMessage)
    return item


def reason(sent: bytes) -> str:
    item = only(sent)
    assert isinstance(item, Unreadable)
    return item.reason


def test_a_message_is_read_with_its_number_sender_time_and_content() -> None:
    item = inbound(context={"from": SHOWN, "id": "wamid.Z"}, tomorrow={"key": 1})
    assert (item.origin.waba_id, item.origin.phone_number_id, item.origin.field) == (WABA, NUMBER, "messages")
    assert item.wamid == "wamid.A"
    assert item.sender == Sender("4915112345678", "DE.1001", "Anna", None)
    assert item.timestamp == NOON
    assert item.content == {
        "text": {"body": "hi"},
        "context": {"from": SHOWN, "id": "wamid.Z"},
        "tomorrow": {"key": 1},
    }
    assert item.opens_window
    assert item.answerable


def test_every_item_of_every_change_of_every_entry_is_read_in_order() -> None:
    entry = {"id": WABA, "changes": [change(messages=[message(), message()]), change(statuses=[status()])]}
    items = parse(envelope(entry, entry, {"id": "2", "changes": [change(errors=[{"code": 130429}])]}))
    assert [item.origin.place for item in items] == list(range(7))
    kinds = [InboundMessage, InboundMessage, Status, InboundMessage, InboundMessage, Status, Notice]
    assert [type(item) for item in items] == kinds
    assert items[-1].origin.waba_id == "2"


def test_messages_statuses_and_errors_of_one_change_are_all_read() -> None:
    items = parse(body(change(messages=[message()], statuses=[status()], errors=[{"code": 131000}])))
    assert [type(item) for item in items] == [InboundMessage, Status, Notice]


def test_ids_are_read_as_numbers_and_as_text() -> None:
    sent = change(messages=[message(**{"from": 4915112345678})], contacts=[ANNA])
    sent["value"]["metadata"]["phone_number_id"] = int(NUMBER)
    item = only(body(sent, waba=int(WABA)))
    assert isinstance(item, InboundMessage)
    assert (item.origin.waba_id, item.origin.phone_number_id) == (WABA, NUMBER)
    assert item.sender.profile_name == "Anna"


@pytest.mark.parametrize("timestamp", [AT, int(AT)])
def test_a_timestamp_is_read_as_text_and_as_a_number(timestamp: object) -> None:
    assert inbound(timestamp=timestamp).timestamp == NOON


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


def test_the_first_contact_need_not_belong_to_the_first_message() -> None:
    messages = [message(), message(**{"from": BEN["wa_id"]})]
    items = parse(body(change(messages=messages, contacts=[BEN, ANNA])))
    senders = [item.sender for item in items if isinstance(item, InboundMessage)]
    assert [sender.profile_name for sender in senders] == ["Anna", "Ben"]
    assert [sender.user_id for sender in senders] == ["DE.1001", "DE.1002"]
    assert senders[1].username == "ben.b"


def test_a_stranger_among_the_contacts_lends_nobody_a_name_or_an_identity() -> None:
    item = only(body(change(messages=[message()], contacts=[BEN])))
    assert isinstance(item, InboundMessage)
    assert item.sender == Sender("4915112345678", None, None, None)


def test_a_contact_with_the_same_phone_and_another_user_id_is_somebody_else() -> None:
    item = only(body(change(messages=[message(from_user_id="DE.9")], contacts=[ANNA])))
    assert isinstance(item, InboundMessage)
    assert item.sender == Sender("4915112345678", "DE.9", None, None)


def test_a_user_with_a_username_is_known_by_the_user_id_alone() -> None:
    sent = message(from_user_id="DE.1002")
    del sent["from"]
    contact = {key: part for key, part in BEN.items() if key != "wa_id"}
    item = only(body(change(messages=[sent], contacts=[contact])))
    assert isinstance(item, InboundMessage)
    assert item.sender == Sender(None, "DE.1002", "Ben", "ben.b")


def test_messages_without_contacts_are_read() -> None:
    item = only(body(change(messages=[message()])))
    assert isinstance(item, InboundMessage)
    assert item.sender.wa_id == "4915112345678"


def test_a_message_without_any_sender_is_unreadable_unless_its_only_contact_tells() -> None:
    sent = message()
    del sent["from"]
    assert reason(body(change(messages=[sent], contacts=[ANNA, BEN]))) == "no sender"
    item = only(body(change(messages=[sent], contacts=[ANNA])))
    assert isinstance(item, InboundMessage)
    assert item.sender.wa_id == ANNA["wa_id"]


@pytest.mark.parametrize("kind", ["text", "image", "interactive", "order", "unsupported", "hologram"])
def test_users_messages_of_any_type_open_the_window_and_may_be_answered(kind: str) -> None:
    item = inbound(type=kind)
    assert (item.type, item.opens_window, item.answerable) == (kind, True, True)


@pytest.mark.parametrize("kind", ["reaction", "system", "edit", "revoke"])
def test_reactions_system_messages_edits_and_revokes_open_nothing_and_get_no_answer(kind: str) -> None:
    item = inbound(type=kind)
    assert (item.type, item.opens_window, item.answerable) == (kind, False, False)


def test_an_edit_that_the_platform_cannot_show_is_still_no_new_message() -> None:
    assert not inbound(type="unsupported", unsupported={"type": "edit"}).opens_window
    assert inbound(type="unsupported", unsupported={"type": "gif"}).opens_window


def test_a_groups_message_is_flagged_and_opens_no_window_between_two() -> None:
    item = inbound(group_id="Y2FwaV9ncm91cA")
    assert (item.group_id, item.opens_window, item.answerable) == ("Y2FwaV9ncm91cA", False, False)


def test_a_system_message_without_a_phone_belongs_to_the_identity_known_before() -> None:
    system = {"type": "user_changed_user_id", "user_id": "DE.2", "previous_user_id": "DE.1"}
    sent = message(type="system", system=system)
    del sent["from"]
    item = only(body(change(messages=[sent])))
    assert isinstance(item, InboundMessage)
    assert item.sender == Sender(None, "DE.1", None, None)


def test_a_status_is_read_with_our_own_id_and_the_recipient() -> None:
    item = only(body(change(statuses=[status(biz_opaque_callback_data="m.1", recipient_user_id="DE.1001")])))
    assert isinstance(item, Status)
    assert (item.wamid, item.status, item.timestamp, item.callback_data) == ("wamid.B", "delivered", NOON, "m.1")
    assert (item.recipient_id, item.recipient_user_id, item.error) == ("4915112345678", "DE.1001", None)


@pytest.mark.parametrize(
    ("error", "read"),
    [
        (
            {"code": 131047, "title": "Re-engagement", "message": "m", "error_data": {"details": "24 hours"}},
            StatusError(131047, "Re-engagement", "24 hours"),
        ),
        ({"code": "131026", "message": "Undeliverable"}, StatusError(131026, None, "Undeliverable")),
        ({"code": 100, "error_data": "in words"}, StatusError(100, None, "in words")),
        ({"code": 10**30}, None),
        ({"title": "no code"}, None),
        ("none", None),
    ],
)
def test_a_failed_status_says_why_where_meta_does(error: object, read: StatusError | None) -> None:
    item = only(body(change(statuses=[status(status="failed", errors=[error])])))
    assert isinstance(item, Status)
    assert item.error == read


def test_an_echo_is_read_with_its_recipient() -> None:
    echo = message(**{"from": SHOWN, "to": BEN["wa_id"], "to_user_id": "DE.1002"})
    item = only(body(change("smb_message_echoes", message_echoes=[echo], contacts=[BEN])))
    assert isinstance(item, Echo)
    assert item.recipient == Sender("4915187654321", "DE.1002", "Ben", "ben.b")
    assert item.content == {"text": {"body": "hi"}}


def test_an_echo_to_nobody_is_unreadable_and_one_to_a_group_a_notice() -> None:
    assert reason(body(change("message_echoes", message_echoes=[message()]))) == "the echo names no recipient"
    group = only(body(change("message_echoes", message_echoes=[message(group_id="G")])))
    assert isinstance(group, Notice)


@pytest.mark.parametrize(
    ("direction", "event", "opens"),
    [
        ("USER_INITIATED", "connect", True),
        ("USER_INITIATED", "terminate", False),
        ("BUSINESS_INITIATED", "connect", False),
    ],
)
def test_a_users_call_opens_a_window_and_is_a_notice(direction: str, event: str, *, opens: bool) -> None:
    call = {"id": "wacid.1", "from": ANNA["wa_id"], "event": event, "direction": direction, "timestamp": AT}
    item = only(body(change("calls", calls=[call], contacts=[ANNA])))
    assert isinstance(item, Notice)
    assert (item.kind, item.opens_window) == (f"calls.{event}", opens)
    if opens:
        assert (item.timestamp, item.sender) == (NOON, Sender("4915112345678", "DE.1001", "Anna", None))


def test_a_partner_event_belongs_to_the_customers_waba_not_to_the_entrys_portfolio() -> None:
    partner = {"event": "PARTNER_REMOVED", "waba_info": {"waba_id": 980198427658004, "owner_business_id": "23"}}
    item = only(body({"field": "account_update", "value": partner}, waba="2949482758682047"))
    assert isinstance(item, Notice)
    assert (item.origin.waba_id, item.origin.phone_number_id) == ("980198427658004", None)
    assert item.kind == "account_update.PARTNER_REMOVED"


def test_account_events_and_fields_of_tomorrow_are_notices_with_their_value() -> None:
    told = {"display_phone_number": SHOWN, "event": "THROUGHPUT_UPGRADE"}
    item = only(body({"field": "phone_number_quality_update", "value": told}))
    assert isinstance(item, Notice)
    assert (item.display_phone_number, item.raw) == (SHOWN, told)
    later = only(body({"field": "telepathy_update", "value": {"event": ["?"]}}))
    assert isinstance(later, Notice)
    assert later.kind == "telepathy_update"


def test_value_level_errors_are_notices_beside_the_message_they_came_with() -> None:
    items = parse(body(change(messages=[message(type="interactive")], errors=[{"code": 131000}])))
    assert isinstance(items[0], InboundMessage)
    assert isinstance(items[1], Notice)
    assert items[1].kind == "messages.errors"


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
