import pytest

from whatsapp.messages import Recipient, payload, read_receipt, text, validate_content


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


@pytest.mark.parametrize("part", [{"body": "a" * 4096}, {"body": "😀", "preview_url": True}])
def test_a_text_within_metas_limits_has_no_problems(part: dict[str, object]) -> None:
    assert validate_content("text", {"text": part}) == []


@pytest.mark.parametrize(
    ("kind", "content", "problem"),
    [
        ("text", {}, "text: must be an object"),
        ("text", {"text": "hi"}, "text: must be an object"),
        ("text", {"text": {}}, "text.body: must be a text"),
        ("text", {"text": {"body": 5}}, "text.body: must be a text"),
        ("text", {"text": {"body": " \n"}}, "text.body: must not be empty"),
        ("text", {"text": {"body": "a" * 4097}}, "text.body: has 4097 characters, 4096 at most"),
        ("text", {"text": {"body": "a\x00"}}, "text.body: has a NUL or half a surrogate pair, which no text may have"),
        ("text", {"text": {"body": "\ud800"}}, "text.body: has a NUL or half a surrogate pair, which no text may have"),
        ("text", {"text": {"body": "a", "preview_url": 1}}, "text.preview_url: must be true or false"),
        ("text", {"text": {"body": "a", "size": 1}}, "text: has a field beside body and preview_url"),
        ("text", {"text": {"body": "a"}, "image": {}}, "message: has a field beside text and context"),
        ("text", {"text": {"body": "a"}, "context": {}}, "context.message_id: must be a text"),
        ("hologram", {"hologram": {}}, "type: cannot be sent; one of text can"),
    ],
)
def test_a_problem_names_the_field_and_its_limit(kind: str, content: dict[str, object], problem: str) -> None:
    assert validate_content(kind, content) == [problem]
