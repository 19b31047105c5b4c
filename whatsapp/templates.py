"""Message templates as Meta describes them, read from its JSON (section 10).

What `whatsapp.template_parameters` compares a message with. What Meta invents tomorrow is read as far as it is known.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from whatsapp.foreign import UnreadableError, identifier, mapping, objects, text

Json = Mapping[str, Any]

TEXT = "TEXT"
LOCATION = "LOCATION"
FILES = frozenset({"IMAGE", "VIDEO", "DOCUMENT"})
"""Formats of a header that holds a file."""
GREATEST_COMPONENTS = 200
"""Of one template. Meta's longest have a dozen."""

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_DEFAULT_FORMAT = "positional"


@dataclass(frozen=True, slots=True)
class Button:
    """A button, by its type in Meta's capitals."""

    type: str
    ends_open: bool = False
    """Of a link: its address ends in a parameter."""


@dataclass(frozen=True, slots=True)
class Part:
    """What takes parameters: the template itself, or one card of its carousel."""

    header: str | None
    """Its header's format, TEXT or another; None: it has no header."""
    header_slots: tuple[str, ...]
    """The placeholders of a text header: `1` or a name, without the braces; each once, in their order."""
    body_slots: tuple[str, ...]
    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """A template, as far as its parameters go."""

    named: bool
    """Its placeholders have names; else they are counted."""
    main: Part
    cards: tuple[Part, ...] = ()
    """Of its carousel."""


@dataclass(frozen=True, slots=True)
class TemplateFacts:
    """A template as Graph tells of it. Status, category and quality are Meta's own words, new ones included."""

    id: str
    name: str
    language: str
    category: str
    status: str
    quality: str | None
    parameter_format: str
    """positional or named."""
    components: tuple[Json, ...]
    rejected_reason: str | None
    """None where Meta says NONE."""


def facts(told: Json) -> TemplateFacts | None:
    """One of Graph's templates; None for what has no id, name or language."""
    found = [_id(told.get(key)) for key in ("id", "name", "language")]
    if None in found:
        return None
    meta_id, name, language = (one or "" for one in found)
    components = tuple(objects(told.get("components"))[:GREATEST_COMPONENTS])
    quality = text(mapping(told.get("quality_score")).get("score")) or text(told.get("quality_score"))
    return TemplateFacts(
        id=meta_id,
        name=name,
        language=language_code(language),
        category=_word(told.get("category")) or "UNKNOWN",
        status=_word(told.get("status")) or "UNKNOWN",
        quality=_word(quality),
        parameter_format=format_of(told.get("parameter_format"), components),
        components=components,
        rejected_reason=reason(told.get("rejected_reason")),
    )


def language_code(written: str) -> str:
    """A language as sends name it: Meta's examples of webhooks print `en-US` for `en_US`."""
    return written.replace("-", "_")


def reason(value: Any) -> str | None:
    """Why a template is what it is; Meta writes NONE, or nothing, where there is nothing to say."""
    found = _word(value)
    return None if found in (None, "NONE") else found


def format_of(told: Any, components: Iterable[Json]) -> str:
    """Positional or named, as Meta says; as its placeholders are where it does not say."""
    said = _word(told)
    if said is not None:
        return said.lower()
    texts = [text(one.get("text")) or "" for one in components]
    slots = [slot for written in texts for slot in _slots(written)]
    return "named" if any(not slot.isdigit() for slot in slots) else _DEFAULT_FORMAT


def definition(components: Sequence[Any], parameter_format: str) -> Definition:
    """A template's parameters, from its components."""
    parts = objects(list(components))
    cards = [card for one in parts if _type(one) == "CAROUSEL" for card in objects(one.get("cards"))]
    return Definition(
        named=parameter_format == "named",
        main=_part(parts),
        cards=tuple(_part(objects(card.get("components"))) for card in cards),
    )


def _part(components: Sequence[Json]) -> Part:
    header = next((one for one in components if _type(one) == "HEADER"), None)
    body = next((one for one in components if _type(one) == "BODY"), {})
    buttons = [button for one in components if _type(one) == "BUTTONS" for button in objects(one.get("buttons"))]
    form = None if header is None else _word(header.get("format")) or TEXT
    return Part(
        header=form,
        header_slots=_slots(text((header or {}).get("text")) or "") if form == TEXT else (),
        body_slots=_slots(text(body.get("text")) or ""),
        buttons=tuple(_button(one) for one in buttons),
    )


def _button(told: Json) -> Button:
    kind = _type(told)
    # One-time passwords are told as links to WhatsApp's own address, or by their own type: both take the code.
    return Button(kind, ends_open=kind == "OTP" or bool(_slots(text(told.get("url")) or "")))


def _slots(written: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(_PLACEHOLDER.findall(written)))
    return tuple(sorted(found, key=int)) if found and all(map(str.isdecimal, found)) else found


def _type(told: Json) -> str:
    return _word(told.get("type")) or ""


def _word(value: Any) -> str | None:
    found = (text(value) or "").strip()
    return found.upper() or None


def _id(value: Any) -> str | None:
    try:
        return identifier(value)
    except UnreadableError:
        return None
