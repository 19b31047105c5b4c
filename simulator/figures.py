"""Whole numbers and digits in text."""

_LONGEST = 15


def whole(text: object) -> int | None:
    """The number that a text says in plain digits; None if it says none, or one that nothing here can be."""
    said = str(text)
    return int(said) if said.isascii() and said.isdecimal() and len(said) <= _LONGEST else None


def digits_of(text: str) -> str:
    """What is left of a phone number as people write it."""
    return "".join(mark for mark in text if mark.isascii() and mark.isdecimal())
