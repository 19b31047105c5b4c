"""Phone numbers are read as people write them, and refused in words."""

import pytest

from whatsapp.phone_numbers import digits_of


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("+31612345678", "31612345678"),
        ("+31 6 1234-5678", "31612345678"),
        ("+1 (555) 000.1234", "15550001234"),
        ("+49 (0) 170 1234567", "491701234567"),
        ("+39 06 1234567", "39061234567"),
        ("+55 11 91234-5678", "5511912345678"),
    ],
)
def test_a_number_is_read_however_it_is_written(written: str, digits: str) -> None:
    assert digits_of(written) == digits


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("0612345678", "must begin with + and the country code: +31612345678"),
        ("0031612345678", "must begin with +"),
        ("", "must begin with +"),
        ("+31 6 1234567x", "may hold digits"),
        ("+٣١٦١٢٣٤٥٦٧٨", "may hold digits"),
        ("+", "may hold digits"),
        ("+999123456789", "begins with a country code that no country has"),
        ("+316123", "is too short for a number with country code +31"),
        ("+1555000", "is too short for a number with country code +1"),
        ("+49", "is too short for a phone number"),
        ("+31612345678901", "is too long for a number with country code +31"),
        (f"+1{'5' * 30}", "is too long for a phone number"),
    ],
)
def test_what_cannot_be_a_number_is_refused_in_words_without_repeating_it(written: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|may|begins|is|has) ") as refused:
        digits_of(written)
    assert str(refused.value).startswith(why)
    assert len(written) < 4 or written not in str(refused.value)
