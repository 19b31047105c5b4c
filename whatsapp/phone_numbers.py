"""Phone numbers as businesses write them, checked before anybody is written to."""

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, ValidationResult

_PUNCTUATION = str.maketrans("", "", " -./()")
_TOO_SHORT = (ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY)


def digits_of(written: str) -> str:
    """A phone number's digits, its country code first, as Meta's `wa_id` has them.

    Country code and length are checked, ranges are not: countries open new ones, and Meta tells whom it cannot reach.

    Raises:
        ValueError: in words, what is wrong with it. The number is not repeated.
    """
    bare = written.translate(_PUNCTUATION)
    if not bare.startswith("+"):
        raise ValueError("must begin with + and the country code: +31612345678")
    if not (bare[1:].isascii() and bare[1:].isdigit()):
        raise ValueError("may hold digits, spaces, dots, dashes and parentheses only")
    try:
        number = phonenumbers.parse(bare, None)
    except NumberParseException as error:
        raise ValueError(_why_unreadable(error)) from error
    return _checked(number)


def _why_unreadable(error: NumberParseException) -> str:
    if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
        return "begins with a country code that no country has"
    if error.error_type == NumberParseException.TOO_LONG:
        return "is too long for a phone number"
    return "is too short for a phone number"


def _checked(number: PhoneNumber) -> str:
    of = f"a number with country code +{number.country_code}"
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason in _TOO_SHORT:
        raise ValueError(f"is too short for {of}")
    if reason == ValidationResult.TOO_LONG:
        raise ValueError(f"is too long for {of}")
    if reason != ValidationResult.IS_POSSIBLE:
        raise ValueError(f"has a length that {of} cannot have")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
