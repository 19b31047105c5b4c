"""What webhooks tell besides messages: statuses, echoes, calls, and what happens to the account."""

import pytest

from tests.unit.bodies import ANNA, AT, BEN, SHOWN, body, change, message, status
from tests.unit.parsed import NOON, only, reason
from whatsapp.events import Echo, InboundMessage, Notice, Sender, Status, StatusError
from whatsapp.parsing import parse


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
