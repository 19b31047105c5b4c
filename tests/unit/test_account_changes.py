from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.bodies import NUMBER, SHOWN, WABA, body, change, envelope, message
from whatsapp.account_changes import (
    AccountAlert,
    AccountChange,
    AccountReview,
    AccountUpdate,
    Capability,
    HistoryProgress,
    HistoryRefused,
    NameUpdate,
    NumberUpdate,
    Restriction,
    Security,
)
from whatsapp.events import Item, Notice, PastMessage, Sender, SyncedContact, Unreadable
from whatsapp.parsing import parse

TIME = 1795262400
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
CUSTOMER = "4915112345678"


def told(field: str, value: dict[str, Any], **entry: Any) -> Notice:
    (item,) = parse(envelope({"id": WABA, "time": TIME, "changes": [{"field": field, "value": value}], **entry}))
    assert isinstance(item, Notice)
    return item


def said(field: str, value: dict[str, Any]) -> AccountChange | None:
    return told(field, value).change


def test_a_restriction_lists_what_is_forbidden_and_until_when() -> None:
    restrictions = [{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": TIME}, {"expiration": "x"}]
    item = told("account_update", {"event": "ACCOUNT_RESTRICTION", "restriction_info": restrictions})
    assert (item.kind, item.timestamp, item.origin.at) == ("account_update.ACCOUNT_RESTRICTION", NOON, NOON)
    assert item.change == AccountUpdate(
        "ACCOUNT_RESTRICTION",
        (Restriction("RESTRICTED_BIZ_INITIATED_MESSAGING", NOON), Restriction("UNKNOWN", None)),
    )


def test_a_ban_and_a_violation_are_told_in_metas_words() -> None:
    ban = {"waba_ban_state": "SCHEDULE_FOR_DISABLE", "waba_ban_date": "April 17, 2027"}
    assert said("account_update", {"event": "DISABLED_UPDATE", "ban_info": ban}) == AccountUpdate(
        "DISABLED_UPDATE", ban_state="SCHEDULE_FOR_DISABLE", ban_date="April 17, 2027"
    )
    violation = {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "ADULT"}}
    assert said("account_update", violation) == AccountUpdate("ACCOUNT_VIOLATION", violation="ADULT")


def test_a_partner_event_is_of_the_customers_account_not_of_our_portfolio() -> None:
    info = {"waba_id": 11, "owner_business_id": "12", "partner_app_id": "13"}
    item = told("account_update", {"event": "PARTNER_APP_INSTALLED", "waba_info": info}, id="2949482758682047")
    assert item.origin.waba_id == "11"
    assert item.change == AccountUpdate("PARTNER_APP_INSTALLED", waba_id="11", business_id="12", app_id="13")


def test_a_removal_tells_who_ended_the_connection() -> None:
    disconnection = {"reason": "PRIMARY_INACTIVITY", "initiated_by": "SYSTEM"}
    removal = {"event": "PARTNER_REMOVED", "waba_info": {"waba_id": "11"}, "disconnection_info": disconnection}
    assert said("account_update", removal) == AccountUpdate(
        "PARTNER_REMOVED", waba_id="11", disconnected_by="SYSTEM", disconnected_why="PRIMARY_INACTIVITY"
    )


ALERT = {"alert_severity": "CRITICAL", "alert_status": "ACTIVE", "alert_type": "T", "alert_description": "D"}


@pytest.mark.parametrize("value", [{"alert_info": ALERT}, ALERT])
def test_an_alert_is_read_in_its_present_and_its_older_shape(value: dict[str, Any]) -> None:
    entity = {"entity_type": "PHONE_NUMBER", "entity_id": 7}
    assert said("account_alerts", value | entity) == AccountAlert("T", "CRITICAL", "ACTIVE", "D", "PHONE_NUMBER", "7")


@pytest.mark.parametrize(
    ("field", "value", "change"),
    [
        ("account_review_update", {"decision": "REJECTED"}, AccountReview("REJECTED")),
        ("account_review_update", {}, None),
        (
            "phone_number_name_update",
            {"decision": "REJECTED", "requested_verified_name": "Shop", "rejection_reason": "NAME"},
            NameUpdate("REJECTED", "Shop", "NAME"),
        ),
        ("phone_number_quality_update", {"event": "THROUGHPUT_UPGRADE"}, NumberUpdate("THROUGHPUT_UPGRADE", None)),
        ("phone_number_quality_update", {"event": "X", "current_limit": "TIER_1K"}, NumberUpdate("X", "TIER_1K")),
        (
            "business_capability_update",
            {"max_daily_conversations_per_business": 2000, "max_phone_numbers_per_business": 25},
            Capability("TIER_2K", 25, None),
        ),
        (
            "business_capability_update",
            {"max_daily_conversation_per_phone": -1},
            Capability("TIER_UNLIMITED", None, None),
        ),
        ("security", {"event": "PIN_RESET_REQUEST", "requester": "9"}, Security("PIN_RESET_REQUEST", "9")),
        ("security", {"event": {}}, None),
        ("message_template_status_update", {"event": "APPROVED"}, None),
        ("account_update", {"event": "SOMETHING_NEW"}, AccountUpdate("SOMETHING_NEW")),
        ("account_update", {"event": "X", "ban_info": [], "waba_info": 3}, AccountUpdate("X")),
    ],
)  # fmt: skip
def test_each_field_of_an_account_is_one_value(field: str, value: dict[str, Any], change: AccountChange | None) -> None:
    assert said(field, value) == change


@pytest.mark.parametrize("time", [None, "soon", 10**15, -1])
def test_an_entry_without_a_time_that_makes_sense_is_read_all_the_same(time: Any) -> None:
    assert told("account_update", {"event": "ACCOUNT_DELETED"}, time=time).timestamp is None


def history(*chunks: Any, **value: Any) -> list[Item]:
    return parse(body(change("history", history=list(chunks), **value)))


def chunk(*messages: Any, thread: Any = CUSTOMER, **metadata: Any) -> dict[str, Any]:
    return {"metadata": metadata, "threads": [{"id": thread, "messages": list(messages)}]}


def past(**more: Any) -> PastMessage:
    thread = more.pop("thread", CUSTOMER)
    items = history(chunk(message(**more), thread=thread))
    (found,) = [item for item in items if isinstance(item, PastMessage)]
    return found


def test_history_is_its_chunks_and_each_of_their_messages() -> None:
    items = history(
        chunk(message(id="wamid.1"), message(id="wamid.2"), phase=1, chunk_order=2, progress=55),
        chunk(message(id="wamid.3"), progress=100),
    )
    assert [item.origin.place for item in items] == [0, 1, 2, 3, 4]
    assert [item.change for item in items if isinstance(item, Notice)] == [
        HistoryProgress(1, 2, 55),
        HistoryProgress(None, None, 100),
    ]
    assert [item.wamid for item in items if isinstance(item, PastMessage)] == ["wamid.1", "wamid.2", "wamid.3"]
    assert {item.kind for item in items if isinstance(item, Notice | PastMessage)} == {"history"}
    assert {item.origin.phone_number_id for item in items} == {NUMBER}


def test_a_past_message_of_the_customer_keeps_its_moment_and_content() -> None:
    found = past(history_context={"status": "READ"}, to=SHOWN)
    assert (found.is_ours, found.person) == (False, Sender(CUSTOMER, None, None, None))
    assert (found.timestamp, found.type, found.content, found.status) == (
        NOON,
        "text",
        {"text": {"body": "hi"}},
        "read",
    )


@pytest.mark.parametrize(
    "more",
    [
        {"from": SHOWN, "to": CUSTOMER},
        {"from": f"+{SHOWN}"},
        {"from": "1999", "to": CUSTOMER},
        {"from": "1999", "history_context": {"from_me": True}},
    ],
)
def test_a_past_message_of_the_business_names_the_customer_of_its_thread(more: dict[str, Any]) -> None:
    found = past(**more)
    assert (found.is_ours, found.person.wa_id) == (True, CUSTOMER)


def test_a_past_message_of_somebody_known_by_user_id_only_is_theirs() -> None:
    found = past(thread="DE.1001", **{"from": None, "from_user_id": "DE.1001"})
    assert (found.is_ours, found.person) == (False, Sender(None, "DE.1001", None, None))


def test_media_of_the_past_that_is_told_of_later_is_read_too() -> None:
    (found,) = parse(body(change("history", messages=[message(type="image", image={"id": "7"})])))
    assert isinstance(found, PastMessage)
    assert (found.type, found.person.wa_id) == ("image", CUSTOMER)


@pytest.mark.parametrize(
    "lists",
    [
        {"history": [{"errors": [{"code": 2593109, "message": "off"}]}]},
        {"errors": [{"code": 2593109, "error_data": {"details": "off"}}]},
    ],
)
def test_a_declined_history_says_so(lists: dict[str, Any]) -> None:
    (item,) = parse(body(change("history", **lists)))
    assert isinstance(item, Notice)
    assert (item.kind, item.change) == ("history", HistoryRefused(2593109, "off"))


@pytest.mark.parametrize("broken", [1, {"id": "wamid.X"}, {**message(), "timestamp": "x"}, {**message(), "id": None}])
def test_one_past_message_that_cannot_be_read_leaves_the_others(broken: Any) -> None:
    items = history(chunk(message(id="wamid.1"), broken, message(id="wamid.2")))
    assert [type(item) for item in items] == [Notice, PastMessage, Unreadable, PastMessage]


@pytest.mark.parametrize("chunks", [[], None, [1], [{"threads": 3}], [{"threads": [1, {"messages": 2}]}]])
def test_a_history_of_another_shape_is_no_trouble(chunks: Any) -> None:
    assert parse(body(change("history", history=chunks)))


def synced(*parts: Any) -> list[Item]:
    return parse(body(change("smb_app_state_sync", state_sync=list(parts))))


def test_contacts_of_the_address_book_are_read_by_their_digits() -> None:
    contact = {"full_name": "Mira Vogel", "first_name": "Mira", "phone_number": "+49 151 1234"}
    added, removed, nameless = synced(
        {"type": "contact", "contact": contact, "action": "add", "metadata": {"timestamp": "1"}},
        {"type": "contact", "contact": contact, "action": "remove"},
        {"type": "contact", "contact": {"phone_number": "491511234"}, "action": "add"},
    )
    assert isinstance(added, SyncedContact)
    assert (added.wa_id, added.name, added.is_removed) == ("491511234", "Mira Vogel", False)
    assert (added.kind, added.origin.phone_number_id) == ("smb_app_state_sync", NUMBER)
    assert isinstance(removed, SyncedContact)
    assert removed.is_removed
    assert isinstance(nameless, SyncedContact)
    assert nameless.name is None


def test_what_else_is_synced_is_kept_and_a_contact_without_a_number_is_not_read() -> None:
    other, unreadable = synced({"type": "label"}, {"type": "contact", "contact": {"phone_number": "none"}})
    assert isinstance(other, Notice)
    assert isinstance(unreadable, Unreadable)
