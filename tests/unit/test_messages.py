import pytest

from tests.outgoing import OUTGOING
from whatsapp.messages import PARTS, Recipient, payload, read_receipt, text, validate_content


def test_a_text_to_a_phone_number_keeps_the_plus_and_carries_our_id() -> None:
    assert text(Recipient("4915112345678", None), "hello", reply_to=None, callback_data="m.1") == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+4915112345678",
        "type": "text",
        "text": {"body": "hello"},
        "biz_opaque_callback_data": "m.1",
    }


def test_a_customer_without_a_phone_number_is_addressed_by_the_user_id_as_it_came() -> None:
    made = text(Recipient(None, "DE.1001"), "hello", reply_to=None, callback_data="m.1")
    assert made["recipient"] == "DE.1001"
    assert "to" not in made


def test_the_phone_number_wins_where_both_are_known() -> None:
    assert Recipient("+4915112345678", "DE.1001").address() == {"to": "+4915112345678"}


def test_nobody_cannot_be_addressed() -> None:
    with pytest.raises(ValueError, match="wa_id or a user_id"):
        Recipient(None, None).address()


def test_a_reply_names_the_message_it_answers() -> None:
    content = {"text": {"body": "hello"}, "context": {"message_id": "wamid.A"}}
    assert validate_content("text", content) == []
    made = payload(Recipient("1", None), "text", content, callback_data="m.1")
    assert made["context"] == {"message_id": "wamid.A"}
    assert text(Recipient("1", None), "x", reply_to="wamid.B", callback_data="")["context"] == {"message_id": "wamid.B"}


def test_reading_and_typing_are_one_call() -> None:
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A"}
    assert read_receipt("wamid.A", typing=False) == read
    assert read_receipt("wamid.A", typing=True) == read | {"typing_indicator": {"type": "text"}}


@pytest.mark.parametrize("name", OUTGOING)
def test_each_kind_can_be_sent_as_it_is_given(name: str) -> None:
    kind, content = OUTGOING[name]
    assert validate_content(kind, content) == []
    made = payload(Recipient("31612345678", None), kind, content, callback_data="m.1")
    assert (made["type"], made[kind]) == (kind, content[kind])
    assert made.get("context") == content.get("context")


def test_the_messages_are_of_every_kind() -> None:
    assert {kind for kind, _ in OUTGOING.values()} == set(PARTS)


def test_every_kind_but_a_reaction_may_answer_a_message() -> None:
    for kind, content in OUTGOING.values():
        problems = validate_content(kind, content | {"context": {"message_id": "wamid.A"}})
        refused = ["context: a reaction answers no message, it names one in reaction.message_id"]
        assert problems == (refused if kind == "reaction" else [])
