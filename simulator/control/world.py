"""Which world a request of the control API moves, and what of it the request names.

The control API's routes are made once, and serve any number of apps.
"""

from typing import Annotated

from fastapi import Depends, HTTPException, Request

from simulator.business.model import Waba
from simulator.customers import Conversation
from simulator.numbers import Number
from simulator.orders import CustomerOrder
from simulator.world import World


async def _world(request: Request) -> World:
    world: World = request.app.state.world
    return world


TheWorld = Annotated[World, Depends(_world)]
"""The world of the app that was asked."""


def number_of(world: World, phone_number_id: str) -> Number:
    """The number of this id.

    Raises:
        HTTPException: 404, there is none.
    """
    if (number := world.numbers.get(phone_number_id)) is None:
        raise HTTPException(404, f"no number {phone_number_id}: add it with POST /_control/numbers")
    return number


def waba_of(world: World, waba_id: str) -> Waba:
    """The WABA of this id.

    Raises:
        HTTPException: 404, there is none.
    """
    if (waba := world.assets.wabas.get(waba_id)) is None:
        raise HTTPException(404, f"no WABA {waba_id}: add it with POST /_control/wabas")
    return waba


def customer_of(world: World, order: CustomerOrder) -> tuple[Number, Conversation]:
    """The number and its conversation with the customer that an order names, begun if there is none."""
    number = number_of(world, order.phone_number_id)
    named = order.model_dump(include={"wa_id", "user_id", "name", "username"})
    return number, world.customers.of(number, **named)
