"""Messages as webhooks bring them: number, sender, time, content, and whether they open the window."""

from typing import Any

import pytest

from tests.unit.bodies import ANNA, AT, BEN, NUMBER, SHOWN, WABA, body, change, envelope, message, status
from tests.unit.parsed import NOON, only, reason
from whatsapp.events import InboundMessage, Notice, Sender, Status
from whatsapp.parsing import parse


def inbound(**more: Any) -> InboundMessage:
    item = only(body(change(messages=[message(**more)], contacts=[ANNA])))
    assert isinstance(item, InboundMessage)
    return item


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
