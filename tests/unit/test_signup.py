from typing import Any

import pytest

from whatsapp.signup import (
    COEXISTENCE_FIELDS,
    REQUIRED_FIELDS,
    REQUIRED_SCOPES,
    Ending,
    missing_fields,
    missing_scopes,
    read_signup,
)

IDS = {"phone_number_id": "1", "waba_id": 2, "business_id": "3"}


@pytest.mark.parametrize(
    ("event", "data", "ending", "success"),
    [
        ("FINISH", IDS, Ending.FINISHED, True),
        ("FINISH_ONLY_WABA", {"waba_id": "2"}, Ending.FINISHED_WITHOUT_NUMBER, True),
        ("FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING", IDS, Ending.FINISHED_COEXISTENCE, True),
        ("FINISH_OBO_MIGRATION", IDS, Ending.FINISHED, True),
        ("CANCEL", {"current_step": "PHONE_NUMBER_SETUP"}, Ending.LEFT, False),
        ("CANCEL", {}, Ending.LEFT, False),
        ("CANCEL", {"error_message": "No", "error_code": "524126"}, Ending.ERROR_REPORTED, False),
        ("CANCEL", {"error_id": 7}, Ending.ERROR_REPORTED, False),
        ("ERROR", {"error_message": "No"}, Ending.FAILED, False),
        ("FINISH_TOMORROW", IDS, Ending.UNKNOWN, False),
        ("", {}, Ending.UNKNOWN, False),
    ],
)
def test_each_event_of_the_popup_is_one_ending(
    event: str, data: dict[str, Any], ending: Ending, *, success: bool
) -> None:
    signup = read_signup(event, data)
    assert (signup.ending, signup.is_success) == (ending, success)
    assert signup.says
    assert signup.next_step


def test_the_ids_of_a_signup_are_hints() -> None:
    signup = read_signup("FINISH", {**IDS, "waba_ids": ["2", 4, None]})
    assert signup.hints == {"phone_number_id": "1", "waba_id": "2", "business_id": "3"}
    assert signup.waba_ids == ("2", "4")


def test_a_browser_cannot_smuggle_a_path_or_a_long_text_in() -> None:
    data = {"waba_id": "../me", "phone_number_id": "1" * 9999, "business_id": "٣", "error_message": "x" * 9999}
    signup = read_signup("CANCEL", {**data, "waba_ids": {"a": 1}})
    assert signup.hints == {}
    assert len(signup.error_message or "") == 500


def test_what_postgres_refuses_does_not_come_out_of_a_signup() -> None:
    assert read_signup("ERROR", {"error_message": "a\x00\ud800"}).error_message == "a\ufffd\ufffd"


def test_missing_scopes_are_named() -> None:
    assert missing_scopes(frozenset({"whatsapp_business_management", "email"})) == ("whatsapp_business_messaging",)
    assert missing_scopes(frozenset(REQUIRED_SCOPES)) == ()


def test_missing_fields_are_named_and_more_are_needed_beside_the_app() -> None:
    got = frozenset(REQUIRED_FIELDS) - {"messages"}
    assert missing_fields(got, coexistence=False) == ("messages",)
    assert missing_fields(got, coexistence=True) == ("messages", *COEXISTENCE_FIELDS)
