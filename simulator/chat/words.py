"""What a message says as its reader sees it: its words, what stands around them, and what it offers to open."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from simulator.figures import whole
from simulator.kinds_in import FILE_KINDS
from simulator.templates import SLOT, Json, Template

FindTemplate = Callable[[str, str], Template | None]
"""The template of a name and a language, of the number's account."""

_ASKS = {
    "location_request_message": "Send your location",
    "request_contact_info": "Share your phone number",
    "call_permission_request": "Allow calls",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What stands in a message."""

    text: str = ""
    header: str = ""
    footer: str = ""
    offers: tuple[str, ...] = ()
    """What its buttons open, other than an answer."""


def words_of(kind: str, content: Any, find: FindTemplate) -> Words:
    """What a message says; of what has no words, all of it."""
    if kind == "interactive" and isinstance(content, dict) and isinstance(content.get("action"), dict):
        return _interactive(content)
    if kind == "template" and isinstance(content, dict):
        return _template(content, find)
    if kind in FILE_KINDS and isinstance(content, dict):
        return Words(" ".join(str(content[name]) for name in ("filename", "caption") if content.get(name)))
    return Words(_said(kind, content) or ("" if content is None else orjson.dumps(content).decode()))


def template_of(content: Json, find: FindTemplate) -> Template | None:
    """The definition of a template message."""
    return find(str(content.get("name")), str(an_object(content.get("language")).get("code")))


def parameters_of(content: Json, kind: str, index: int | None = None) -> list[Json]:
    """The parameters that a template message gives to a part of its definition."""
    for part in objects(content.get("components")):
        if str(part.get("type")).lower() == kind and index in (None, whole(part.get("index"))):
            return objects(part.get("parameters"))
    return []


def an_object(value: Any) -> Json:
    """An object, empty if something else stands there: what customers write may be of any shape."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[Json]:
    """The objects of a list, none if something else stands there."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _said(kind: str, content: Any) -> str:
    found = ""
    match kind, content:
        case (("unsupported" | "unknown"), _):
            found = "Something that WhatsApp does not show to businesses."
        case "contacts", list(cards):
            names = (an_object(card.get("name")) for card in objects(cards))
            found = ", ".join(str(name.get("formatted_name", "somebody")) for name in names)
        case "text", {"body": str(body)}:
            found = body
        case "location", {"latitude": latitude, "longitude": longitude}:
            named = [str(content[name]) for name in ("name", "address") if content.get(name)]
            found = " · ".join([f"{latitude}, {longitude}", *named])
        case "interactive", {"type": str(name)} if isinstance(content.get(name), dict):
            found = str(content[name].get("title") or content[name].get("body") or "")
        case "button", {"text": str(text)}:
            found = text
        case "order", {"product_items": list(items)}:
            found = ", ".join(f"{one.get('quantity', 1)} of {one.get('product_retailer_id')}" for one in objects(items))
        case "edit", {"message": dict(written)}:
            found = _said(str(written.get("type")), written.get(str(written.get("type"))))
        case "revoke", _:
            found = "A message that is not shown here was taken back."
    return found


def _interactive(content: Json) -> Words:
    return Words(
        text=str(an_object(content.get("body")).get("text", "")),
        header=_header(an_object(content.get("header"))),
        footer=str(an_object(content.get("footer")).get("text", "")),
        offers=tuple(_offers(str(content.get("type")), content["action"])),
    )


def _header(header: Json) -> str:
    kind = str(header.get("type", "text"))
    file = header.get(kind)
    if isinstance(file, dict):
        return f"{kind.capitalize()}: {file.get('filename') or file.get('link') or file.get('id')}"
    return str(header.get("text", ""))


def _offers(kind: str, action: Json) -> Iterator[str]:
    parameters = an_object(action.get("parameters"))
    if kind == "cta_url":
        yield f"{parameters.get('display_text')}: {parameters.get('url')}"
    elif kind == "flow":
        yield f"{parameters.get('flow_cta')} (a form)"
    elif kind in _ASKS:
        yield _ASKS[kind]


def _template(content: Json, find: FindTemplate) -> Words:
    known = template_of(content, find)
    if known is None:
        return Words(f"Template {content.get('name')}")
    header, parameters = known.component("HEADER"), parameters_of(content, "header")
    shown = _filled(header, parameters) if header.get("text") else _header(parameters[0]) if parameters else ""
    return Words(
        text=_filled(known.component("BODY"), parameters_of(content, "body")),
        header=shown,
        footer=str(known.component("FOOTER").get("text", "")),
        offers=tuple(_opened(known, content)),
    )


def _filled(component: Json, parameters: list[Json]) -> str:
    """A text of a template with a message's values; a slot without one stays."""
    values = {str(one.get("parameter_name", place)): _value(one) for place, one in enumerate(parameters, 1)}
    return SLOT.sub(lambda slot: values.get(slot[1], slot[0]), str(component.get("text", "")))


def _value(parameter: Json) -> str:
    kind = str(parameter.get("type", "text"))
    value = parameter.get(kind)
    return str(value.get("fallback_value", kind)) if isinstance(value, dict) else str(value)


def _opened(known: Template, content: Json) -> Iterator[str]:
    for place, button in enumerate(known.buttons):
        kind, title = str(button.get("type")).upper(), str(button.get("text", "Copy the code"))
        if kind == "QUICK_REPLY":
            continue
        target = str(button.get("url") or button.get("phone_number") or "")
        values = [_value(one) for one in parameters_of(content, "button", place)]
        filled = SLOT.sub(lambda slot, values=values: values[0] if values else slot[0], target)  # type: ignore[misc]
        yield f"{title}: {filled}" if filled else title
