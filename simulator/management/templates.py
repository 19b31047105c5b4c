"""The management calls about message templates, with Meta's own refusals."""

import re

from simulator.business.model import Waba
from simulator.management.call import Call, Json
from simulator.management.objects import choose, waba_of
from simulator.management.pages import page
from simulator.refusals import RefusedError, invisible_object
from simulator.templates import MOST_AN_HOUR, MOST_UNVERIFIED, MOST_VERIFIED, Template, buttons_of, slots

_DEFAULT = ("id", "name", "language", "category", "status", "components", "parameter_format")
_CATEGORIES = frozenset({"MARKETING", "UTILITY", "AUTHENTICATION"})
_FORMATS = frozenset({"POSITIONAL", "NAMED"})
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_EDITABLE = frozenset({"APPROVED", "REJECTED", "PAUSED"})
_HEADERS = frozenset({"TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION"})
_LONGEST = {"HEADER": 60, "BODY": 1024, "FOOTER": 60}
_FORMAT_CODES = {"HEADER": 2388047, "BODY": 2388072, "FOOTER": 2388073}
_TOO_LONG, _LOCKED, _ADJACENT, _EDGES = 2388040, 2388039, 2388072, 2388299
_EXISTS, _TOO_MANY = 2388024, 2388019


async def list_templates(call: Call) -> Json:
    """An account's templates, filtered and in pages."""
    waba = waba_of(call)
    asked = {name: call.text(name) for name in ("name", "language", "status", "category") if call.text(name)}
    found = [one for one in call.world.templates.of(waba.waba_id) if _matches(one, asked)]
    return page(call, [_chosen(call, one) for one in found])


async def read_template(call: Call) -> Json:
    """One template."""
    return _chosen(call, _template_of(call))


async def make_template(call: Call) -> Json:
    """A new template, to be reviewed: PENDING until a test says otherwise."""
    waba = waba_of(call)
    name, language = call.text("name"), call.text("language")
    if not _NAME.fullmatch(name):
        raise _invalid("name", "may only contain lowercase letters, digits and underscores")
    if not language:
        raise _invalid("language", "is required")
    if call.world.templates.find(waba.waba_id, name, language) is not None:
        raise _refused(_EXISTS, "Content in this language already exists", f"There is already {language} content.")
    form = (call.text("parameter_format") or "POSITIONAL").upper()
    if form not in _FORMATS:
        raise _invalid("parameter_format", "must be POSITIONAL or NAMED")
    category, components = _category(call.text("category")), _components(call, form)
    _check_room(call, waba, name)
    template = Template(call.world.assets.new_id(), waba.waba_id, name, language, category, components, form)
    call.world.templates.add(template)
    return {"id": template.id, "status": template.status, "category": template.category}


async def edit_template(call: Call) -> Json:
    """Another category or other components; it is reviewed again."""
    template = _template_of(call)
    if template.status not in _EDITABLE:
        raise _refused(_LOCKED, "Template can't be edited", f"A template that is {template.status} can't be edited.")
    category, components = template.category, template.components
    if "category" in call.params:
        if template.status == "APPROVED":
            raise _refused(_LOCKED, "Category can't be changed", "The category of an approved template is fixed.")
        category = _category(call.text("category"))
    if "components" in call.params:
        components = _components(call, template.parameter_format)
    template.category, template.components = category, components
    template.status, template.rejected_reason = "PENDING", "NONE"
    return {"success": True}


async def delete_template(call: Call) -> Json:
    """All languages of a name, or the one of `hsm_id`."""
    waba, name, template_id = waba_of(call), call.text("name"), call.text("hsm_id")
    if not name:
        raise _invalid("name", "is required")
    found = [one for one in call.world.templates.of(waba.waba_id) if one.name == name and template_id in {"", one.id}]
    if not found:
        raise RefusedError(100, subcode=2593002, message="(#100) Message template was not found")
    for one in found:
        call.world.templates.remove(one)
    return {"success": True}


def _check_room(call: Call, waba: Waba, name: str) -> None:
    """Refuse what is one too many for the account, at all or within an hour."""
    shelf, owner = call.world.templates, call.world.assets.business(waba.business_id)
    most = MOST_VERIFIED if owner.verification_status == "verified" else MOST_UNVERIFIED
    if not shelf.has_room(waba.waba_id, name, most):
        raise _refused(_TOO_MANY, "Too many templates", f"This account has {most} templates, and may have no more.")
    if not shelf.may_make(waba.waba_id, call.world.clock.now()):
        raise _refused(_TOO_MANY, "Too many templates", f"An account makes {MOST_AN_HOUR} templates an hour at most.")


def _template_of(call: Call) -> Template:
    template = call.world.templates.kept.get(call.object_id)
    waba: Waba | None = None if template is None else call.world.assets.wabas.get(template.waba_id)
    if template is None or waba is None or not call.holder.sees(waba):
        raise invisible_object(call.object_id, method=call.method)
    return template


def _chosen(call: Call, template: Template) -> Json:
    return choose(call, template.row(), kind="WhatsAppMessageTemplate", default=_DEFAULT)


def _matches(template: Template, asked: Json) -> bool:
    row = template.row()
    return all(value in row[name] if name == "name" else row[name] == value for name, value in asked.items())


def _category(value: str) -> str:
    if value.upper() not in _CATEGORIES:
        raise _invalid("category", f"must be one of {', '.join(sorted(_CATEGORIES))}")
    return value.upper()


def _components(call: Call, form: str) -> list[Json]:
    components = call.params.get("components")
    if not isinstance(components, list) or not all(isinstance(one, dict) for one in components):
        raise _invalid("components", "must be an array of objects")
    kinds = [str(one.get("type")).upper() for one in components]
    if "BODY" not in kinds:
        raise _invalid("components", "must have a BODY")
    for kind, component in zip(kinds, components, strict=True):
        if kind == "BUTTONS" and buttons_of(component) is None:
            raise _invalid("components", "must have an array of objects as buttons")
        if kind == "HEADER" and str(component.get("format", "TEXT")).upper() not in _HEADERS:
            raise _invalid("components", f"must have a HEADER of the format {', '.join(sorted(_HEADERS))}")
        _check_component(kind, component, form)
    return components


def _check_component(kind: str, component: Json, form: str) -> None:
    text = component.get("text")
    if kind not in _LONGEST or text is None:
        return
    if not isinstance(text, str) or len(text) > _LONGEST[kind]:
        raise _refused(_TOO_LONG, "Character limit exceeded", f"{kind} may have {_LONGEST[kind]} characters.")
    found = slots(text)
    if kind == "FOOTER" and found:
        raise _refused(_FORMAT_CODES[kind], "Footer format is incorrect", "The footer can't have any variables.")
    counted = {str(place) for place in range(1, len(found) + 1)}
    if form == "POSITIONAL" and set(found) != counted:
        raise _refused(_FORMAT_CODES[kind], "Format is incorrect", f"The variables of the {kind} must be 1, 2, 3 …")
    if kind == "BODY" and found and (text.strip().startswith("{{") or text.strip().endswith("}}")):
        raise _refused(_EDGES, "Variables can't be at the start or end", "The BODY begins or ends with a variable.")
    if "}}{{" in text:
        raise _refused(_ADJACENT, "Format is incorrect", "Variables stand next to each other.")


def _invalid(name: str, why: str) -> RefusedError:
    return RefusedError(100, message=f"(#100) Param {name} {why}")


def _refused(subcode: int, title: str, words: str) -> RefusedError:
    return RefusedError(100, subcode=subcode, message="Invalid parameter", user_title=title, user_message=words)
