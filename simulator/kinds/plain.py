"""Texts, places, contact cards and reactions."""

from typing import Any

from simulator.kinds.params import MISSING, NOT_VALID, Param
from simulator.kinds.sending import Sending
from simulator.refusals import RefusedError

LONGEST_TEXT = 4096
_FARTHEST = {"latitude": 90.0, "longitude": 180.0}
_PARTS_OF_A_NAME = ("first_name", "last_name", "middle_name", "suffix", "prefix")
_LISTS_OF_A_CARD = ("phones", "emails", "addresses", "urls")
_LONGEST_EMOJI = 32


def check_text(_: Sending, text: Param) -> None:
    """`text`: a body, perhaps with a preview of its link."""
    text.only("body", "preview_url")
    text.text("body", longest=LONGEST_TEXT)
    text.maybe_flag("preview_url")


def check_location(_: Sending, location: Param) -> None:
    """`location`: a point on earth."""
    location.only("latitude", "longitude", "name", "address", "url")
    for key, farthest in _FARTHEST.items():
        value = _number(location, key)
        if not abs(value) <= farthest:  # also of what is no number at all
            raise location.refuse(key, f"must be between -{farthest:g} and {farthest:g}")
    location.maybe_text("name")
    location.maybe_text("address")


def _number(location: Param, key: str) -> float:
    value = location.value.get(key)
    if value is None or value == "":
        raise RefusedError(MISSING, details=f"Parameter {location.at(key)} is required")
    try:
        return float(value) if not isinstance(value, bool) else float("nan")
    except (TypeError, ValueError) as error:
        raise location.refuse(key, "must be a number") from error


def check_contacts(contacts: Any) -> None:
    """`contacts`: cards, each with a name."""
    cards = Param("message", {"contacts": contacts}).objects("contacts")
    for card in cards:
        name = card.object("name")
        name.text("formatted_name")
        if not any(name.maybe_text(part) for part in _PARTS_OF_A_NAME):
            raise RefusedError(MISSING, details=f"{name.name} needs one of {', '.join(_PARTS_OF_A_NAME)}")
        for key in _LISTS_OF_A_CARD:
            card.objects(key, least=0)
        card.maybe_text("birthday")


def check_reaction(sending: Sending, reaction: Param) -> None:
    """`reaction`: an emoji to a message of the last 30 days; an empty one takes it back."""
    reaction.only("message_id", "emoji")
    target = sending.message(reaction.text("message_id"))
    if target is None or target.type == "reaction" or sending.is_past(target):
        details = "The message to react to is unknown, a reaction itself, deleted or older than 30 days"
        raise RefusedError(NOT_VALID, details=details)
    emoji = reaction.maybe_text("emoji", longest=_LONGEST_EMOJI)
    if emoji is None:
        raise RefusedError(MISSING, details=f"Parameter {reaction.at('emoji')} is required")
    if emoji and (emoji.isascii() or any(mark.isascii() and mark.isalpha() for mark in emoji)):
        raise reaction.refuse("emoji", "must be an emoji")
