"""Whether the parameters of a template message are those that its template takes (sections 6 and 10).

Only what Meta would refuse, or put in the wrong place, is a problem; components that are not known here are Meta's to
judge. A problem names the field and the template's own words; nothing that was given is repeated.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from whatsapp.templates import FILES, LOCATION, TEXT, Button, Definition, Part

Json = Mapping[str, Any]

_TEXT_KINDS = ("text", "currency", "date_time")
_SUB_TYPES = {
    "CATALOG": "catalog",
    "COPY_CODE": "copy_code",
    "FLOW": "flow",
    "MPM": "mpm",
    "OTP": "url",
    "QUICK_REPLY": "quick_reply",
    "URL": "url",
}
"""How a message names a button that takes a parameter. Any other is left to Meta, those of `_WITHOUT` take none."""
_WITHOUT = frozenset({"PHONE_NUMBER"})
_PARAMETER = {
    "catalog": "action",
    "copy_code": "coupon_code",
    "flow": "action",
    "mpm": "action",
    "quick_reply": "payload",
    "url": "text",
}
_NEEDED = frozenset({"COPY_CODE", "MPM", "OTP"})
"""Buttons that nothing can be sent with unless their parameter is given."""


def problems(definition: Definition, sent: Json) -> list[str]:
    """What does not fit in the `template` object of a message; empty when it may be sent."""
    components = _objects(sent.get("components"))
    found = _part("template.components", definition.main, components, named=definition.named)
    return found + _carousel("template.components", definition, components)


def _part(where: str, part: Part, components: Sequence[Json], *, named: bool) -> list[str]:
    headers, bodies, buttons = (_of(components, kind) for kind in ("header", "body", "button"))
    found = [f"{where}[{place}]: is a second {_kind(one)}" for place, one in headers[1:] + bodies[1:]]
    found += _header(where, part, headers[0] if headers else None, named=named)
    found += _texts(where, "body", part.body_slots, bodies[0] if bodies else None, named=named)
    return found + _buttons(where, part.buttons, buttons)


def _header(where: str, part: Part, given: tuple[int, Json] | None, *, named: bool) -> list[str]:
    if part.header == TEXT:
        return _texts(where, "header", part.header_slots, given, named=named)
    if part.header in FILES or part.header == LOCATION:
        return _media(where, str(part.header).lower(), given)
    if part.header is None and given is not None and _parameters(given[1]):
        return [f"{where}[{given[0]}]: the template has no header"]
    return []


def _media(where: str, kind: str, given: tuple[int, Json] | None) -> list[str]:
    if given is None:
        return [f"{where}: lacks the header, which holds one parameter of type {kind}"]
    place, component = given
    at, parameters = f"{where}[{place}].parameters", _parameters(component)
    if len(parameters) != 1:
        return [f"{at}: has {len(parameters)} parameters, the header takes one of type {kind}"]
    if parameters[0].get("type") != kind:
        return [f"{at}[0].type: must be {kind}, as the template's header is"]
    if not isinstance(parameters[0].get(kind), Mapping):
        return [f"{at}[0].{kind}: is missing"]
    return []


def _texts(where: str, what: str, slots: tuple[str, ...], given: tuple[int, Json] | None, *, named: bool) -> list[str]:
    if given is None:
        return [f"{where}: lacks the {what} with {_counted(slots, named=named)}"] if slots else []
    place, component = given
    at, parameters = f"{where}[{place}].parameters", _parameters(component)
    found = [
        f"{at}[{index}].type: must be text, currency or date_time, as the {what} is a text"
        for index, one in enumerate(parameters)
        if one.get("type") not in _TEXT_KINDS
    ]
    return found + (_named(at, what, slots, parameters) if named else _positional(at, what, slots, parameters))


def _positional(at: str, what: str, slots: tuple[str, ...], parameters: Sequence[Json]) -> list[str]:
    found = [
        f"{at}[{index}].parameter_name: the template's parameters have no names, they stand in order"
        for index, one in enumerate(parameters)
        if one.get("parameter_name") is not None
    ]
    if len(parameters) != len(slots):
        found.append(f"{at}: has {len(parameters)}, the template's {what} takes {len(slots)}")
    return found


def _named(at: str, what: str, slots: tuple[str, ...], parameters: Sequence[Json]) -> list[str]:
    if not slots:
        return [f"{at}: has {len(parameters)}, the template's {what} takes 0"] if parameters else []
    names = [one.get("parameter_name") for one in parameters]
    found = [
        f"{at}[{index}].parameter_name: is none of the template's {what} ({', '.join(slots)})"
        for index, name in enumerate(names)
        if name not in slots
    ]
    found += [
        f"{at}[{index}].parameter_name: comes twice"
        for index, name in enumerate(names)
        if name in slots and name in names[:index]
    ]
    missing = [slot for slot in slots if slot not in names]
    return found + ([f"{at}: lacks {', '.join(missing)}"] if missing else [])


def _buttons(where: str, buttons: tuple[Button, ...], given: Sequence[tuple[int, Json]]) -> list[str]:
    found: list[str] = []
    named: set[int] = set()
    for place, component in given:
        index, at = _index(component.get("index")), f"{where}[{place}]"
        if index is None or not 0 <= index < len(buttons):
            found.append(f"{at}.index: must be that of a button of the template, which has {len(buttons)}")
        elif index in named:
            found.append(f"{at}.index: names a button that has its parameters already")
        else:
            named.add(index)
            found += _button(at, buttons[index], component)
    for index, button in enumerate(buttons):
        if index not in named and (button.ends_open or button.type in _NEEDED):
            sub_type = _SUB_TYPES.get(button.type, "url")
            kind = _PARAMETER[sub_type]
            found.append(f"{where}: lacks the button with sub_type {sub_type}, index {index} and a parameter {kind}")
    return found


def _button(at: str, button: Button, component: Json) -> list[str]:
    parameters, sub_type = _parameters(component), _SUB_TYPES.get(button.type)
    if button.type in _WITHOUT or (button.type == "URL" and not button.ends_open):
        return [f"{at}.parameters: this button of the template takes none"] if parameters else []
    if sub_type is None:
        return []
    if str(component.get("sub_type")).lower() != sub_type:
        return [f"{at}.sub_type: must be {sub_type}, as the template's button is"]
    kind = _PARAMETER[sub_type]
    if len(parameters) != 1:
        return [f"{at}.parameters: has {len(parameters)}, the button takes one of type {kind}"]
    if parameters[0].get("type") != kind:
        return [f"{at}.parameters[0].type: must be {kind}"]
    return [] if parameters[0].get(kind) else [f"{at}.parameters[0].{kind}: must not be empty"]


def _carousel(where: str, definition: Definition, components: Sequence[Json]) -> list[str]:
    given = _of(components, "carousel")
    if not definition.cards:
        return [f"{where}[{place}]: the template has no carousel" for place, _ in given]
    if not given:
        return [f"{where}: lacks the carousel with its {len(definition.cards)} cards"]
    place, component = given[0]
    at, cards = f"{where}[{place}].cards", _objects(component.get("cards"))
    if len(cards) != len(definition.cards):
        return [f"{at}: has {len(cards)}, the template's carousel has {len(definition.cards)}"]
    found: list[str] = []
    for index, card in enumerate(cards):
        number = _index(card.get("card_index"))
        if number is None or not 0 <= number < len(cards):
            found.append(f"{at}[{index}].card_index: must be from 0 to {len(cards) - 1}")
            continue
        inner = _objects(card.get("components"))
        found += _part(f"{at}[{index}].components", definition.cards[number], inner, named=definition.named)
    return found


def _counted(slots: tuple[str, ...], *, named: bool) -> str:
    if named:
        return f"the {'parameter' if len(slots) == 1 else 'parameters'} {', '.join(slots)}"
    return f"{len(slots)} {'parameter' if len(slots) == 1 else 'parameters'}"


def _of(components: Sequence[Json], kind: str) -> list[tuple[int, Json]]:
    return [(place, one) for place, one in enumerate(components) if _kind(one) == kind]


def _kind(component: Json) -> str:
    return str(component.get("type")).lower()


def _parameters(component: Json) -> list[Json]:
    return _objects(component.get("parameters"))


def _index(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 2:  # noqa: PLR2004 - 10 at most
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _objects(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []
