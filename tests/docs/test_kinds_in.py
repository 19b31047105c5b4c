"""The page of messages shows what comes in as the tests' own messages have it."""

from tests.docs.kinds_in import PAGE, page, read
from tests.intake.kinds_in import FILES, KINDS_IN, NOT_ANSWERED
from whatsapp.kinds import file_of


def test_the_part_on_what_comes_in_is_the_one_that_the_tests_messages_make() -> None:
    assert PAGE.read_text() == page()


def test_each_kind_is_told_on_the_page() -> None:
    written = PAGE.read_text()
    for name in KINDS_IN:
        assert f"\n| {name} | `" in written


def test_what_the_page_says_of_a_kind_is_what_intake_does() -> None:
    found = {name: read(parts) for name, parts in KINDS_IN.items()}
    assert {name for name, one in found.items() if not one.answerable} == NOT_ANSWERED
    assert {name for name, one in found.items() if file_of(one.type, one.content) is not None} == FILES
