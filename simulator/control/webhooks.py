"""The control API's part for webhooks: how they are delivered, and bodies that a test makes up itself."""

import asyncio
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request

from simulator import orders
from simulator.control.world import TheWorld
from simulator.emitted import note_body, note_value
from simulator.wire import dashboard_sample, number_told, sign
from simulator.world import World

Json = dict[str, Any]
router = APIRouter(prefix="/_control", tags=["control"])


@router.patch("/webhook")
async def change_webhook(world: TheWorld, order: orders.WebhookOrder) -> Json:
    """Change where webhooks go, over how many connections, and how they are repeated."""
    changes: Json = {}
    if order.url is not None:
        changes["webhook_url"] = order.url
    if order.connections is not None:
        changes["webhook_connections"] = order.connections
    for name in ("retry_first", "retry_longest", "retry_for"):
        if (seconds := getattr(order, name)) is not None:
            changes[name] = timedelta(seconds=seconds)
    world.deliveries.configure(changes)
    return {"url": world.deliveries.config.webhook_url}


@router.post("/collect")
async def collect(world: TheWorld) -> Json:
    """Keep every update back until `flush`."""
    world.deliveries.collect()
    return {"collecting": True}


@router.post("/flush")
async def flush(world: TheWorld, order: orders.FlushOrder) -> Json:
    """Deliver what was collected, and collect no more."""
    return {"posts": world.deliveries.flush(size=order.size)}


@router.post("/emit")
async def emit(world: TheWorld, order: orders.EmitOrder) -> Json:
    """Deliver any change, of any field, like every other webhook."""
    note_value(world, order.value)
    change = {"field": order.field, "value": order.value}
    # As at Meta: the time stands where no number does.
    time = None if number_told(change) else int(world.clock.now())
    world.deliveries.send((order.waba_id, change), copies=order.copies, time=time)
    return {"queued": order.copies}


@router.post("/send-raw")
async def send_raw(
    world: TheWorld,
    request: Request,
    *,
    times: Annotated[int, Query(ge=1, le=1000)] = 1,
    signature: Literal["valid", "wrong", "none"] = "valid",
    url: str | None = None,
) -> Json:
    """Deliver the request's own bytes, `times` at once and without repeats."""
    body = await request.body()
    note_body(world, body)
    return {"answers": await _send_raw(world, body, times=times, signature=signature, url=url)}


@router.post("/dashboard-sample")
async def send_dashboard_sample(world: TheWorld) -> Json:
    """What the Test button of Meta's dashboard sends."""
    return {"answers": await _send_raw(world, dashboard_sample())}


@router.post("/verify")
async def verify(world: TheWorld, token: str, challenge: str = "1158201444") -> Json:
    """Ask the webhook's GET to prove itself, as Meta does when an address is entered."""
    status, body = await world.deliveries.verify(token, challenge)
    return {"status": status, "body": body, "verified": status == 200 and body == challenge}  # noqa: PLR2004


async def _send_raw(
    world: World, body: bytes, *, times: int = 1, signature: str = "valid", url: str | None = None
) -> list[Json]:
    app_secret = world.deliveries.config.app_secret
    signatures = {"valid": sign(body, app_secret), "wrong": sign(body, app_secret + "x"), "none": None}
    posts = [world.deliveries.post_once(body, signature=signatures[signature], url=url) for _ in range(times)]
    return [{"status": a.status, "ms": round(a.seconds * 1000, 2)} for a in await asyncio.gather(*posts)]
