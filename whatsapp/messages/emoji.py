"""Whether a text is one emoji: what a reaction may show."""

import unicodedata

_JOINER = "\u200d"
_KEYCAP = "\u20e3"
_JOINS = frozenset({_JOINER, _KEYCAP, "\ufe0e", "\ufe0f"})
_SKINS = range(0x1F3FB, 0x1F400)
_TAGS = range(0xE0020, 0xE0080)
_REGIONS = range(0x1F1E6, 0x1F200)
_KEYS = frozenset("0123456789#*")
_SYMBOLS = frozenset({"So", "Sm", "Sk"})
# Emoji that Unicode counts among punctuation and letters.
_OTHERS = frozenset("\u203c\u2049\u2139\u3030\u303d")


def is_one_emoji(value: str) -> bool:
    """Tell one emoji, however many code points it is written with, from none and from several."""
    bases: list[str] = []
    previous = ""
    for sign in value:
        joins = sign in _JOINS or ord(sign) in _SKINS or ord(sign) in _TAGS
        paired = ord(sign) in _REGIONS and len(bases) == 1 and previous == bases[0] and ord(previous) in _REGIONS
        if not previous or not (joins or paired or previous == _JOINER):
            bases.append(sign)
        previous = sign
    return len(bases) == 1 and _is_base(bases[0], value)


def _is_base(sign: str, value: str) -> bool:
    if sign in _KEYS:
        return value.endswith(_KEYCAP)
    return not sign.isascii() and (unicodedata.category(sign) in _SYMBOLS or sign in _OTHERS)
