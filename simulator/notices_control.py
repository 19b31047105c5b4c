"""The control API's part for what Meta tells of its own accord, and for the callbacks about Facebook users."""

from typing import Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import Field

from simulator import notices
from simulator.business.model import Waba
from simulator.control_world import TheWorld
from simulator.numbers import Number
from simulator.orders import Order
from simulator.past import send_past
from simulator.signed_request import signed_request
from simulator.world import World

Json = dict[str, Any]


class AccountUpdateOrder(Order):
    """An `account_update`."""

    event: str
    waba_id: str
    parts: dict[str, Any] = Field(default_factory=dict)
    """The event's own keys: restriction_info, ban_info, violation_info, disconnection_info …"""
    apply: bool = True
    """Whether the world becomes as the event says."""


class QualityOrder(Order):
    """A `phone_number_quality_update`."""

    phone_number_id: str
    event: str = "THROUGHPUT_UPGRADE"
    limit: str | int | None = None


class NameOrder(Order):
    """A `phone_number_name_update`."""

    phone_number_id: str
    decision: Literal["APPROVED", "REJECTED", "PENDING", "DEFERRED"]
    name: str | None = None
    reason: str | None = None


class CapabilityOrder(Order):
    """A `business_capability_update`."""

    waba_id: str
    limit: str | int
    """`TIER_2K` and the like; Meta's example shows a number."""
    most_numbers: int | None = None


class PastOrder(Order):
    """The webhooks of a sync, without anybody having asked for it."""

    phone_number_id: str
    kind: Literal["smb_app_state_sync", "history"]
    values: list[dict[str, Any]] | None = None
    """What stands in them beside metadata; None: something made up."""


class SignedRequestOrder(Order):
    """A callback about a Facebook user: deauthorise, or delete data. Meta posts the same to both addresses."""

    url: str
    user_id: str
    signature: Literal["valid", "wrong"] = "valid"


def add_notice_routes(router: APIRouter) -> None:
    """All of it."""
    _add_account_routes(router)
    _add_number_routes(router)

    @router.post("/signed-request")
    async def send_signed_request(world: TheWorld, order: SignedRequestOrder) -> Json:
        """Post a `signed_request` to a callback; what it answered."""
        config = world.deliveries.config
        secret = config.app_secret if order.signature == "valid" else config.app_secret + "x"
        fields = {"signed_request": signed_request(order.user_id, secret, issued_at=int(world.clock.now()))}
        status, body = await world.deliveries.post_form(order.url, fields)
        return {"status": status, "body": body}


def _add_account_routes(router: APIRouter) -> None:
    @router.post("/account-updates")
    async def update_account(world: TheWorld, order: AccountUpdateOrder) -> Json:
        waba = _waba(world, order.waba_id)
        return {"sent": notices.account_update(world, waba, order.event, order.parts, apply=order.apply)}

    @router.post("/capability-updates")
    async def update_capability(world: TheWorld, order: CapabilityOrder) -> Json:
        waba = _waba(world, order.waba_id)
        return {"sent": notices.capability_update(world, waba, order.limit, order.most_numbers)}


def _add_number_routes(router: APIRouter) -> None:
    @router.post("/quality-updates")
    async def update_quality(world: TheWorld, order: QualityOrder) -> Json:
        return {"sent": notices.quality_update(world, _number(world, order.phone_number_id), order.event, order.limit)}

    @router.post("/name-updates")
    async def update_name(world: TheWorld, order: NameOrder) -> Json:
        number = _number(world, order.phone_number_id)
        return {"sent": notices.name_update(world, number, order.decision, order.name, order.reason)}

    @router.post("/past")
    async def send_number_past(world: TheWorld, order: PastOrder) -> Json:
        number = _number(world, order.phone_number_id)
        return {"sent": send_past(world, number, order.kind, values=order.values)}


def _waba(world: World, waba_id: str) -> Waba:
    if (waba := world.assets.wabas.get(waba_id)) is None:
        raise HTTPException(404, f"no WABA {waba_id}")
    return waba


def _number(world: World, phone_number_id: str) -> Number:
    if (number := world.numbers.get(phone_number_id)) is None:
        raise HTTPException(404, f"no number {phone_number_id}")
    return number
