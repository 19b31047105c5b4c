"""What Meta tells of templates by webhooks (sections 4.3 and 10): one value per event, its words kept open."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from whatsapp.foreign import UnreadableError, identifier, mapping, text
from whatsapp.templates import language_code, reason

LONGEST_WORDS = 500

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TemplateNamed:
    """Which template it is about."""

    meta_id: str
    name: str | None
    language: str | None


@dataclass(frozen=True, slots=True)
class TemplateStatus:
    """`message_template_status_update`: approved, rejected, paused, disabled, deleted and so on."""

    template: TemplateNamed
    event: str
    reason: str | None
    """Why, in Meta's words."""
    recommendation: str | None
    """What Meta advises after a rejection."""
    category: str | None


@dataclass(frozen=True, slots=True)
class TemplateQuality:
    """`message_template_quality_update`."""

    template: TemplateNamed
    quality: str


@dataclass(frozen=True, slots=True)
class TemplateCategory:
    """`template_category_update`: it was put into another category, or will be."""

    template: TemplateNamed
    new_category: str | None
    correct_category: str | None
    """Of an early notice: what Meta is going to put it into."""


@dataclass(frozen=True, slots=True)
class TemplateComponents:
    """`message_template_components_update`: somebody edited it; the event shows a part of it only."""

    template: TemplateNamed


TemplateChange = TemplateStatus | TemplateQuality | TemplateCategory | TemplateComponents


def _status(value: Json, template: TemplateNamed) -> TemplateStatus | None:
    event = _words(value.get("event"))
    if event is None:
        return None
    rejection, other = mapping(value.get("rejection_info")), mapping(value.get("other_info"))
    whys = [_words(rejection.get("reason")), _words(other.get("description")), reason(value.get("reason"))]
    return TemplateStatus(
        template=template,
        event=event.upper(),
        reason=next((why for why in whys if why), None),
        recommendation=_words(rejection.get("recommendation")),
        category=_capitals(value.get("message_template_category")),
    )


def _quality(value: Json, template: TemplateNamed) -> TemplateQuality | None:
    quality = _capitals(value.get("new_quality_score"))
    return TemplateQuality(template, quality) if quality else None


def _category(value: Json, template: TemplateNamed) -> TemplateCategory | None:
    new, correct = _capitals(value.get("new_category")), _capitals(value.get("correct_category"))
    # An early notice names the present category as the new one; the correct one is what comes.
    return TemplateCategory(template, new, None if correct == new else correct) if new or correct else None


def _components(_: Json, template: TemplateNamed) -> TemplateComponents:
    return TemplateComponents(template)


FIELDS: dict[str, Callable[[Json, TemplateNamed], TemplateChange | None]] = {
    "message_template_components_update": _components,
    "message_template_quality_update": _quality,
    "message_template_status_update": _status,
    "template_category_update": _category,
}


def read_template_change(field: str, value: Json) -> TemplateChange | None:
    """What a value of this field says; None where it is of another field, or names no template."""
    build = FIELDS.get(field)
    meta_id = _id(value.get("message_template_id"))
    if build is None or meta_id is None:
        return None
    language = _id(value.get("message_template_language"))
    template = TemplateNamed(meta_id, _id(value.get("message_template_name")), language and language_code(language))
    return build(value, template)


def _capitals(value: Any) -> str | None:
    found = _words(value)
    return found.upper() if found else None


def _words(value: Any) -> str | None:
    found = text(value)
    return found[:LONGEST_WORDS].strip() or None if found else None


def _id(value: Any) -> str | None:
    try:
        return identifier(value)
    except UnreadableError:
        return None
