"""What an onboarding finds: accounts, numbers as Embedded Signup leaves them, and tokens."""

from dataclasses import replace
from typing import Any

from simulator import onboarding_orders as orders
from simulator.business.model import Business, Waba
from simulator.business.standing import Standing, unregistered
from simulator.business.tokens import Token
from simulator.control.world import waba_of
from simulator.numbers import Knobs, Number
from simulator.world import World


def waba_for(world: World, waba_id: str | None, business_id: str | None) -> Waba:
    """The WABA of this id, or a new one, of this portfolio or a new one."""
    known = world.assets.wabas.get(waba_id or "")
    if known is not None and business_id is not None:
        known.business_id = world.assets.business(business_id).business_id
    if known is not None:
        return known
    return world.assets.waba(waba_id or world.assets.new_id(), business_id=business_id or world.assets.new_id())


def prepare(world: World, order: orders.PreparedOrder) -> Number:
    """A new number, verified and still to be registered, of a WABA that is there or made."""
    waba = waba_for(world, order.waba_id, order.business_id)
    phone_number_id = order.phone_number_id or world.assets.new_id()
    number = Number(
        phone_number_id=phone_number_id,
        waba_id=waba.waba_id,
        display_phone_number=order.display_phone_number or f"4930{phone_number_id[-8:]}",
        token="",
        business_id=waba.business_id,
        knobs=replace(Knobs(), **order.knobs.changes()),
        standing=unregistered(onboarded_at=world.clock.now()),
    )
    stand(world, number.standing, order.standing)
    world.numbers[phone_number_id] = number
    return number


def stand(world: World, standing: Standing, order: orders.StandingOrder) -> None:
    """Let a number stand as ordered; what is left out stays."""
    changes = order.model_dump(exclude_none=True, exclude={"registrations_made", "pin"})
    change(standing, changes)
    if order.pin is not None:
        standing.pin = order.pin or None
    for _ in range(order.registrations_made or 0):
        standing.registrations.take(world.clock.now())


def new_token(world: World, order: orders.TokenOrder) -> Token:
    """A token for WABAs that are there.

    Raises:
        HTTPException: 404, one of them is not.
    """
    owners = [waba_of(world, waba_id).business_id for waba_id in order.waba_ids]
    return world.assets.new_token(
        business_id=order.business_id or next(iter(owners), ""),
        waba_ids=order.waba_ids,
        now=world.clock.now(),
        scopes=order.scopes,
        seconds=order.seconds,
        names_targets=order.names_targets,
        app_id=order.app_id,
    )


def change(target: Business | Waba | Standing, changes: dict[str, Any]) -> None:
    """Set these fields."""
    for name, value in changes.items():
        setattr(target, name, value)
