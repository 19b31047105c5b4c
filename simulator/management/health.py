"""`health_status`: who can send, and what each entity behind a number has against it."""

from typing import Any

from simulator.business.model import Waba
from simulator.numbers import Number
from simulator.world import World

_ORDER = ("AVAILABLE", "LIMITED", "BLOCKED")


def health_of_waba(world: World, waba: Waba) -> dict[str, Any]:
    """A WABA's health: its own, its portfolio's and the app's."""
    return _overall(_behind(world, waba))


def health_of_number(world: World, number: Number) -> dict[str, Any]:
    """A number's health: its own first, then that of everything it depends on."""
    own = _entity("PHONE_NUMBER", number.phone_number_id, number.standing.health)
    if not number.standing.registered and "can_send_message" not in number.standing.health:
        own |= {"can_send_message": "BLOCKED", "additional_info": ["The phone number is not registered."]}
    return _overall([own, *_behind(world, world.assets.wabas[number.waba_id])])


def _behind(world: World, waba: Waba) -> list[dict[str, Any]]:
    business = world.assets.business(waba.business_id)
    return [
        _entity("WABA", waba.waba_id, waba.health),
        _entity("BUSINESS", business.business_id, business.health),
        _entity("APP", world.config.app_id, {}),
    ]


def _entity(kind: str, entity_id: str, health: dict[str, Any]) -> dict[str, Any]:
    return {"entity_type": kind, "id": entity_id, "can_send_message": "AVAILABLE"} | health


def _overall(entities: list[dict[str, Any]]) -> dict[str, Any]:
    worst = max((entity["can_send_message"] for entity in entities), key=_ORDER.index)
    return {"can_send_message": worst, "entities": entities}
