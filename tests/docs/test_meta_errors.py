"""The page of Meta's errors says what the table says."""

from tests.docs.meta_errors import PAGE, page
from whatsapp.error_table import FEW, RULES


def test_the_page_of_metas_errors_is_the_one_that_the_table_makes() -> None:
    assert PAGE.read_text() == page()


def test_the_page_has_each_rule_in_words() -> None:
    written = page()
    for rule in RULES.values():
        assert f"| {rule.meaning} |" in written
        assert f"| {rule.next_step} |" in written


def test_the_page_says_how_many_attempts_are_few() -> None:
    assert FEW == 5
    assert "five attempts at most" in PAGE.read_text()
