"""The control API's part for templates: Meta's reviews, pauses and other decisions, and the webhooks of them.

Each call may keep the webhook back, as if it had been lost.
"""

from typing import Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import Field

from simulator.control.world import TheWorld, waba_of
from simulator.notices import tell_waba
from simulator.orders import Order
from simulator.templates import Template
from simulator.world import World

Json = dict[str, Any]
router = APIRouter(prefix="/_control", tags=["control"])

_STATUSES = {"REINSTATED": "APPROVED", "FLAGGED": "APPROVED", "UNARCHIVED": "APPROVED", "LOCKED": "APPROVED"}
"""What Graph answers after an event; any other event is the status itself."""


class TemplateOrder(Order):
    """Which template, and whether the app hears of it."""

    waba_id: str
    name: str
    language: str
    tell: bool = True


class NewTemplateOrder(TemplateOrder):
    """A template that is there already."""

    category: Literal["MARKETING", "UTILITY", "AUTHENTICATION"] = "UTILITY"
    components: list[dict[str, Any]]
    parameter_format: Literal["POSITIONAL", "NAMED"] = "POSITIONAL"
    status: str = "APPROVED"
    tell: bool = False


class StatusOrder(TemplateOrder):
    """A decision of Meta's."""

    event: str
    reason: str | None = "NONE"
    parts: dict[str, Any] = Field(default_factory=dict)
    """The event's own keys: disable_info, other_info, rejection_info."""


class QualityScoreOrder(TemplateOrder):
    """Another quality."""

    quality: Literal["GREEN", "YELLOW", "RED", "UNKNOWN"]


class CategoryOrder(TemplateOrder):
    """Another category, or notice of one."""

    category: str
    early: bool = False
    """A notice: it is put there later, by another order."""


class ComponentsOrder(TemplateOrder):
    """Somebody edits it in WhatsApp Manager."""

    components: list[dict[str, Any]]


@router.post("/template-status")
async def decide(world: TheWorld, order: StatusOrder) -> Json:
    """Let Meta decide about a template."""
    template = _found(world, order)
    template.status = _STATUSES.get(order.event, order.event)
    template.rejected_reason = (order.reason or "NONE") if order.event == "REJECTED" else "NONE"
    if order.event == "DELETED":
        world.templates.remove(template)
    value = {"event": order.event, **_named(template), "reason": order.reason, **order.parts}
    # Meta's examples print the language of this one with a hyphen.
    value |= {"message_template_language": template.language.replace("_", "-")}
    return _tell(world, order, "message_template_status_update", value | _category(template))


@router.post("/template-quality")
async def rate(world: TheWorld, order: QualityScoreOrder) -> Json:
    """Give a template another quality."""
    template = _found(world, order)
    scores = {"previous_quality_score": template.quality, "new_quality_score": order.quality}
    template.quality = order.quality
    return _tell(world, order, "message_template_quality_update", scores | _named(template))


@router.post("/template-category")
async def move(world: TheWorld, order: CategoryOrder) -> Json:
    """Put a template into another category, or give early notice of it."""
    template = _found(world, order)
    if order.early:
        value = _named(template) | {"new_category": template.category, "correct_category": order.category}
        return _tell(world, order, "template_category_update", value)
    value = _named(template) | {"previous_category": template.category, "new_category": order.category}
    template.category = order.category
    return _tell(world, order, "template_category_update", value)


@router.post("/template-components")
async def edit(world: TheWorld, order: ComponentsOrder) -> Json:
    """Edit a template as somebody would in WhatsApp Manager."""
    template = _found(world, order)
    template.components = order.components
    body = template.component("BODY").get("text")
    return _tell(
        world, order, "message_template_components_update", _named(template) | {"message_template_element": body}
    )


@router.post("/templates", status_code=201)
async def add_template(world: TheWorld, order: NewTemplateOrder) -> Json:
    """Have a template at Meta, without a review."""
    template = Template(
        world.assets.new_id(),
        waba_of(world, order.waba_id).waba_id,
        order.name,
        order.language,
        order.category,
        order.components,
        order.parameter_format,
        order.status,
    )
    world.templates.add(template)
    return template.row()


@router.get("/templates")
async def list_templates(world: TheWorld, waba_id: str) -> list[Json]:
    """An account's templates, the newest first."""
    return [template.row() for template in world.templates.of(waba_id)]


def _found(world: World, order: TemplateOrder) -> Template:
    template = world.templates.find(order.waba_id, order.name, order.language)
    if template is None:
        raise HTTPException(404, f"no template {order.name} in {order.language}")
    return template


def _named(template: Template) -> Json:
    return {
        "message_template_id": int(template.id),
        "message_template_name": template.name,
        "message_template_language": template.language,
    }


def _category(template: Template) -> Json:
    return {"message_template_category": template.category}


def _tell(world: World, order: TemplateOrder, field: str, value: Json) -> Json:
    change = {"field": field, "value": value}
    return {"sent": order.tell and tell_waba(world, world.assets.wabas[order.waba_id], change)}
