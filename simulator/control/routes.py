"""The control API, apart from the Graph paths: how tests, commands and the bench move the world. Under `/_control`."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response
from starlette.routing import BaseRoute

from simulator import orders
from simulator.account_view import account_view
from simulator.control import (
    conversations,
    faults,
    kinds,
    logins,
    notices,
    numbers,
    onboarding,
    templates,
    uploads,
    webhooks,
)
from simulator.control.world import TheWorld
from simulator.refusals import answer

Json = dict[str, Any]
router = APIRouter(prefix="/_control", tags=["control"])


@router.get("/clock")
async def read_clock(world: TheWorld) -> Json:
    """What the clock shows."""
    return {"now": world.clock.now()}


@router.post("/clock")
async def move_clock(world: TheWorld, order: orders.ClockOrder) -> Json:
    """Move the clock; what had no room under a messaging limit and now has is delivered."""
    now = world.clock.move(order.move)
    world.deliver_held()
    return {"now": now}


@router.get("/account")
async def read_account(world: TheWorld, phone_number_id: str | None = None, *, lists: bool = False) -> Response:
    """Totals of one number or all; with `lists` every accepted, doubled and unanswered message."""
    conversations = world.customers.conversations
    view = account_view(world.account, conversations, phone_number_id=phone_number_id, lists=lists)
    numbers = [n for n in world.numbers.values() if phone_number_id in {None, n.phone_number_id}]
    return answer(view | {"peak_per_second": {n.phone_number_id: n.throughput.peak for n in numbers}})


@router.get("/settled")
async def wait_until_settled(world: TheWorld, patience: Annotated[float, Query(ge=0, le=600)] = 10.0) -> Json:
    """Wait until no status is due and every webhook was answered 200."""
    return {"settled": await world.settled(patience)}


_PARTS = (
    numbers,
    conversations,
    webhooks,
    faults,
    onboarding,
    logins,
    notices,
    kinds,
    uploads,
    templates,
)
ROUTES: tuple[BaseRoute, ...] = (*router.routes, *(route for part in _PARTS for route in part.router.routes))
"""The whole control API, for any number of apps: what FastAPI learns of a route (a millisecond) it learns once."""
