"""Phone numbers that WhatsApp writes otherwise than people dial them: a user's id need not be what was asked for."""

_BRAZIL, _MEXICO = "55", "52"
_WITH_NINE, _WITHOUT_NINE = 13, 12
_MEXICO_LONG, _MEXICO_SHORT = 13, 12
_LAST_AREA_WITH_NINE = 28
"""Areas of Brazil up to this one keep the ninth digit of a mobile number."""


def other_spelling(phone: str) -> str | None:
    """The other way to write a Brazilian or Mexican mobile number; None for any other number."""
    if phone.startswith(_BRAZIL):
        if len(phone) == _WITH_NINE and phone[4] == "9":
            return phone[:4] + phone[5:]
        return phone[:4] + "9" + phone[4:] if len(phone) == _WITHOUT_NINE else None
    if phone.startswith(_MEXICO + "1") and len(phone) == _MEXICO_LONG:
        return _MEXICO + phone[3:]
    return f"{_MEXICO}1{phone[2:]}" if phone.startswith(_MEXICO) and len(phone) == _MEXICO_SHORT else None


def whatsapp_id(phone: str) -> str:
    """How WhatsApp writes the number of a user whom it meets for the first time."""
    other = other_spelling(phone)
    if other is None:
        return phone
    if phone.startswith(_MEXICO):
        return max(phone, other, key=len)
    return max(phone, other, key=len) if int(phone[2:4]) <= _LAST_AREA_WITH_NINE else min(phone, other, key=len)
