"""The control API, apart from the Graph paths: how tests, commands and the bench move the world. Under `/_control`."""

import asyncio
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from simulator import orders
from simulator.account_view import account_view
from simulator.control_world import TheWorld
from simulator.customers import Conversation
from simulator.emitted import note_body, note_value
from simulator.faults_control import add_fault_routes
from simulator.kinds_control import add_kind_routes
from simulator.load import Load
from simulator.notices_control import add_notice_routes
from simulator.numbers import Knobs, Number
from simulator.onboarding_control import add_onboarding_routes
from simulator.refusals import answer
from simulator.templates_control import add_template_routes
from simulator.wire import dashboard_sample, sign
from simulator.world import World

Json = dict[str, Any]


def _routes() -> tuple[BaseRoute, ...]:
    router = APIRouter(prefix="/_control", tags=["control"])
    _add_numbers(router)
    _add_customers(router)
    _add_conversations(router)
    _add_webhooks(router)
    _add_raw_webhooks(router)
    add_fault_routes(router)
    _add_clock(router)
    _add_account(router)
    add_onboarding_routes(router)
    add_notice_routes(router)
    add_kind_routes(router)
    add_template_routes(router)
    return tuple(router.routes)


def _number(world: World, phone_number_id: str) -> Number:
    number = world.numbers.get(phone_number_id)
    if number is None:
        raise HTTPException(404, f"no number {phone_number_id}: add it with POST /_control/numbers")
    return number


def _add_numbers(router: APIRouter) -> None:
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
        return [_number_view(number) for number in world.numbers.values()]

    @router.patch("/numbers/{phone_number_id}")
    async def change_number(world: TheWorld, phone_number_id: str, order: orders.KnobsOrder) -> Json:
        number = _number(world, phone_number_id)
        if order.token is not None and order.token != number.token:
            world.assets.drop_own_token(number)
            world.assets.grant(order.token, world.assets.wabas[number.waba_id])
            number.token = order.token
        number.knobs = replace(number.knobs, **order.changes())
        world.deliver_held()
        return _number_view(number)

    @router.post("/release")
    async def release_statuses(world: TheWorld, order: orders.ReleaseOrder) -> Json:
        return {"released": world.release(_number(world, order.phone_number_id), shuffle=order.shuffle)}


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


def _add_customers(router: APIRouter) -> None:
    @router.post("/say")
    async def say(world: TheWorld, order: orders.SayOrder) -> Json:
        if order.wa_id is None and order.user_id is None:
            raise HTTPException(422, "a customer needs a wa_id or a user_id")
        number = _number(world, order.phone_number_id)
        conversation = world.customers.of(
            number, wa_id=order.wa_id, user_id=order.user_id, name=order.name, username=order.username
        )
        said = world.say(
            number,
            conversation,
            type=order.type,
            content=order.content if order.text is None else {"body": order.text},
            timestamp=order.timestamp,
            group_id=order.group_id,
            extra=order.extra,
            contacts=order.contacts,
        )
        return {"wamid": said.wamid, "customer": conversation.customer, "user_id": conversation.user_id}

    @router.post("/load")
    async def drive_load(world: TheWorld, order: orders.LoadOrder) -> Json:
        return await Load(world, _number(world, order.phone_number_id), order).run()


def _add_conversations(router: APIRouter) -> None:
    @router.get("/conversations")
    async def list_conversations(world: TheWorld, phone_number_id: str | None = None) -> Response:
        conversations = [c for c in world.customers.conversations if phone_number_id in {None, c.phone_number_id}]
        return answer([_conversation_view(c, world.clock.now()) for c in conversations])

    @router.get("/conversations/{phone_number_id}/{customer}")
    async def read_conversation(
        world: TheWorld,
        phone_number_id: str,
        customer: str,
        *,
        replies: Annotated[int, Query(ge=0)] = 0,
        after: str | None = None,
        patience: Annotated[float, Query(ge=0, le=600)] = 0.0,
    ) -> Response:
        """The log of a conversation, as soon as it has `replies` replies (after the message `after`, if named)."""
        conversation = world.customers.of(_number(world, phone_number_id), **_identity(customer))
        before = 0 if after is None else conversation.replies_since(after)
        if before is None:
            raise HTTPException(404, f"{after} was not said in this conversation")
        reached = await conversation.wait_for_replies(before + replies, patience)
        view = _conversation_view(conversation, world.clock.now())
        return answer(
            view
            | {
                "reached": reached,
                "replies_before": before,
                "said": [asdict(said) for said in conversation.said],
                "replies": [asdict(reply) for reply in conversation.replies],
            }
        )


def _identity(customer: str) -> dict[str, str]:
    return {"wa_id": customer} if customer.isdigit() else {"user_id": customer}


def _conversation_view(conversation: Conversation, now: float) -> Json:
    return {
        "phone_number_id": conversation.phone_number_id,
        "wa_id": conversation.wa_id,
        "user_id": conversation.user_id,
        "name": conversation.name,
        "said_count": len(conversation.said),
        "reply_count": len(conversation.replies),
        "unanswered_count": len(conversation.unanswered),
        "window_open": conversation.window_is_open(now),
        "window_opened_at": conversation.window_opened_at,
    }


def _add_webhooks(router: APIRouter) -> None:
    @router.patch("/webhook")
    async def change_webhook(world: TheWorld, order: orders.WebhookOrder) -> Json:
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
        return {"posts": world.deliveries.flush(size=order.size)}


def _add_raw_webhooks(router: APIRouter) -> None:
    @router.post("/emit")
    async def emit(world: TheWorld, order: orders.EmitOrder) -> Json:
        note_value(world, order.value)
        world.deliveries.send((order.waba_id, {"field": order.field, "value": order.value}), copies=order.copies)
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


def _add_clock(router: APIRouter) -> None:
    @router.get("/clock")
    async def read_clock(world: TheWorld) -> Json:
        return {"now": world.clock.now()}

    @router.post("/clock")
    async def move_clock(world: TheWorld, order: orders.ClockOrder) -> Json:
        now = world.clock.move(order.move)
        world.deliver_held()
        return {"now": now}


def _add_account(router: APIRouter) -> None:
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


ROUTES = _routes()
"""The whole control API, for any number of apps: what FastAPI learns of a route (a millisecond) it learns once."""
