"""Whether a template message fits its template, as Graph tells by its codes 132000 to 132018.

An account that never had a template takes any: then nothing is known to compare with.
"""

import re

from simulator.figures import whole
from simulator.kinds.attachments import KINDS, check_attachment
from simulator.kinds.params import MISSING, NOT_VALID, Param
from simulator.kinds.sending import Sending
from simulator.refusals import RefusedError
from simulator.templates import SLOT, Json, Template, slots

_COUNT, _NONE, _TOO_LONG, _POLICY, _FORMAT = 132000, 132001, 132005, 132007, 132012
_STOPPED = {"PAUSED": 132015, "DISABLED": 132016}
_OPTED_OUT = 131050
_NEEDS_PHONE = 131062
_TEXTS = frozenset({"text", "currency", "date_time"})
_LONGEST = {"header": 60, "body": 1024}
_NOT_ALLOWED = re.compile(r"[\n\t]| {5}")
_BUTTONS = {
    "COPY_CODE": ("copy_code", "coupon_code"),
    "FLOW": ("flow", "action"),
    "OTP": ("url", "text"),
    "QUICK_REPLY": ("quick_reply", "payload"),
    "URL": ("url", "text"),
}
"""How a message names a button, and the one parameter it takes."""


def check_template(sending: Sending, template: Param) -> None:
    """`template`: a name, a language, and the parameters that its definition asks for."""
    name, language = template.text("name"), template.object("language").text("code")
    components = template.objects("components", least=0)
    for component in components:
        component.text("type")
        component.objects("parameters", least=0)
    shelf, waba_id = sending.world.templates, sending.number.waba_id
    if not shelf.is_used(waba_id):
        return
    known = shelf.find(waba_id, name, language)
    if known is not None and known.status in _STOPPED:
        raise RefusedError(_STOPPED[known.status], details=f"template name ({name}) is {known.status.lower()}")
    if known is None or known.status != "APPROVED":
        raise RefusedError(_NONE, details=f"template name ({name}) does not exist in {language}")
    if known.category == "AUTHENTICATION" and not sending.to_phone:
        raise RefusedError(_NEEDS_PHONE, details="Authentication templates are sent to phone numbers alone")
    parts = {kind: _of(components, kind) for kind in ("header", "body")}
    _check_header(sending, known, parts["header"])
    _check_texts("body", known.component("BODY"), parts["body"], named=known.parameter_format == "NAMED")
    _check_buttons(known, [one for one in components if one.text("type").lower() == "button"])
    if known.category == "MARKETING" and not sending.conversation.wants_marketing:
        sending.fail_late(_OPTED_OUT, "The user has stopped marketing messages of this business")


def _of(components: list[Param], kind: str) -> list[Param]:
    """The parameters of the header or the body."""
    found = [one for one in components if one.text("type").lower() == kind]
    if len(found) > 1:
        raise RefusedError(NOT_VALID, details=f"components: more than one {kind}")
    return found[0].objects("parameters", least=0) if found else []


def _check_header(sending: Sending, known: Template, given: list[Param]) -> None:
    header = known.component("HEADER")
    form = str(header.get("format", "TEXT")).upper()
    if not header or form == "TEXT":
        _check_texts("header", header, given, named=known.parameter_format == "NAMED")
        return
    received = given[0].text("type").upper() if given else "UNKNOWN"
    if len(given) != 1 or received != form:
        raise RefusedError(_FORMAT, details=f"header: Format mismatch, expected {form}, received {received}")
    content = given[0].object(form.lower())
    if form.lower() in KINDS:
        check_attachment(sending, form.lower(), content)


def _check_texts(what: str, component: Json, given: list[Param], *, named: bool) -> None:
    text = str(component.get("text") or "")
    expected = slots(text)
    if len(given) != len(expected):
        details = f"{what}: number of localizable_params ({len(given)}) does not match the expected number of params "
        raise RefusedError(_COUNT, details=details + f"({len(expected)})")
    filled: dict[str, str] = {}
    for place, one in enumerate(given, 1):
        kind = one.text("type")
        if kind not in _TEXTS:
            raise RefusedError(_FORMAT, details=f"{what}: Format mismatch, expected TEXT, received {kind.upper()}")
        slot = one.text("parameter_name") if named else str(place)
        if slot not in expected or slot in filled:
            raise RefusedError(_FORMAT, details=f"{what}: Parameter name {slot} is none of the template's")
        filled[slot] = one.text("text") if kind == "text" else kind
        if _NOT_ALLOWED.search(filled[slot]):
            details = "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"
            raise RefusedError(_POLICY, details=details)
    if len(SLOT.sub(lambda found: filled[found[1]], text)) > _LONGEST[what]:
        raise RefusedError(_TOO_LONG, details=f"{what}: the text is longer than {_LONGEST[what]} with its parameters")


def _check_buttons(known: Template, given: list[Param]) -> None:
    filled: set[int] = set()
    for one in given:
        index = whole(one.value.get("index", ""))
        if index is None or index >= len(known.buttons) or index in filled:
            named = one.value.get("index", "")
            raise RefusedError(NOT_VALID, details=f"buttons: there is no button at index {named} to fill")
        filled.add(index)
        _check_button(index, known.buttons[index], one)
    for place, button in enumerate(known.buttons):
        if place not in filled and _needs(button):
            kind = str(button.get("type")).capitalize()
            raise RefusedError(MISSING, details=f"buttons: Button at index {place} of type {kind} requires a parameter")


def _check_button(index: int, button: Json, given: Param) -> None:
    kind = str(button.get("type")).upper()
    sub_type, parameter = _BUTTONS.get(kind, ("", ""))
    if given.text("sub_type").lower() != sub_type:
        raise RefusedError(NOT_VALID, details=f"buttons: Button at index {index} is of type {kind}")
    parameters = given.objects("parameters", least=0)
    if kind == "URL" and not _needs(button) and parameters:
        raise RefusedError(_COUNT, details=f"buttons: Button at index {index} takes no parameters")
    if (kind != "URL" or _needs(button)) and [one.text("type") for one in parameters] != [parameter]:
        raise RefusedError(_FORMAT, details=f"buttons: Button at index {index} takes one {parameter}")
    for one in parameters:
        if parameter != "action":
            one.text(parameter)


def _needs(button: Json) -> bool:
    kind = str(button.get("type")).upper()
    return kind in {"COPY_CODE", "OTP"} or (kind == "URL" and bool(slots(button.get("url"))))
