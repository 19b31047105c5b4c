"""The control API's part for numbers: their knobs, and the statuses that wait to be released."""

from dataclasses import asdict, replace
from typing import Any

from fastapi import APIRouter

from simulator import orders
from simulator.control.world import TheWorld, number_of
from simulator.numbers import Knobs, Number

Json = dict[str, Any]
router = APIRouter(prefix="/_control", tags=["control"])


@router.post("/numbers", status_code=201)
async def add_number(world: TheWorld, order: orders.NumberOrder) -> Json:
    """Add a number that is registered, connected and seen by its token; the app gets its webhooks."""
    waba = world.assets.waba(order.waba_id, business_id=order.business_id or order.waba_id, subscribed=True)
    number = Number(
        phone_number_id=order.phone_number_id,
        waba_id=order.waba_id,
        display_phone_number=order.display_phone_number,
        token=order.token,
        business_id=order.business_id or waba.business_id,
        knobs=replace(Knobs(), **order.changes()),
    )
    if (former := world.numbers.get(number.phone_number_id)) is not None and former.token != number.token:
        world.assets.drop_own_token(former)
    world.numbers[number.phone_number_id] = number
    world.assets.grant(number.token, waba)
    return _number_view(number)


@router.get("/numbers")
async def list_numbers(world: TheWorld) -> list[Json]:
    """Every number with its knobs."""
    return [_number_view(number) for number in world.numbers.values()]


@router.patch("/numbers/{phone_number_id}")
async def change_number(world: TheWorld, phone_number_id: str, order: orders.KnobsOrder) -> Json:
    """Turn knobs of a number, or give it another token."""
    number = number_of(world, phone_number_id)
    if order.token is not None and order.token != number.token:
        world.assets.drop_own_token(number)
        world.assets.grant(order.token, world.assets.wabas[number.waba_id])
        number.token = order.token
    number.knobs = replace(number.knobs, **order.changes())
    world.deliver_held()
    return _number_view(number)


@router.post("/release")
async def release_statuses(world: TheWorld, order: orders.ReleaseOrder) -> Json:
    """Send the statuses that the knob `hold_statuses` kept."""
    return {"released": world.release(number_of(world, order.phone_number_id), shuffle=order.shuffle)}


def _number_view(number: Number) -> Json:
    return {
        "phone_number_id": number.phone_number_id,
        "waba_id": number.waba_id,
        "business_id": number.business_id,
        "display_phone_number": number.display_phone_number,
        "knobs": asdict(number.knobs),
        "held_statuses": len(number.held),
        "peak_per_second": number.throughput.peak,
    }
