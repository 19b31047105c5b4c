"""The control API's part for what Meta tells of its own accord, and for the callbacks about Facebook users."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from simulator import notices
from simulator.control.world import TheWorld, number_of, waba_of
from simulator.orders import Order
from simulator.past import send_past
from simulator.signed_request import signed_request

Json = dict[str, Any]
router = APIRouter(prefix="/_control", tags=["control"])


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


@router.post("/signed-request")
async def send_signed_request(world: TheWorld, order: SignedRequestOrder) -> Json:
    """Post a `signed_request` to a callback; what it answered."""
    config = world.deliveries.config
    secret = config.app_secret if order.signature == "valid" else config.app_secret + "x"
    fields = {"signed_request": signed_request(order.user_id, secret, issued_at=int(world.clock.now()))}
    status, body = await world.deliveries.post_form(order.url, fields)
    return {"status": status, "body": body}


@router.post("/account-updates")
async def update_account(world: TheWorld, order: AccountUpdateOrder) -> Json:
    """Send an `account_update`, and let the world become as it says."""
    waba = waba_of(world, order.waba_id)
    return {"sent": notices.account_update(world, waba, order.event, order.parts, apply=order.apply)}


@router.post("/capability-updates")
async def update_capability(world: TheWorld, order: CapabilityOrder) -> Json:
    """Send a `business_capability_update`; a tier is the numbers' own from then on."""
    waba = waba_of(world, order.waba_id)
    return {"sent": notices.capability_update(world, waba, order.limit, order.most_numbers)}


@router.post("/quality-updates")
async def update_quality(world: TheWorld, order: QualityOrder) -> Json:
    """Send a `phone_number_quality_update`, which tells of throughput."""
    return {"sent": notices.quality_update(world, number_of(world, order.phone_number_id), order.event, order.limit)}


@router.post("/name-updates")
async def update_name(world: TheWorld, order: NameOrder) -> Json:
    """Send a `phone_number_name_update`; an approved name is the number's from then on."""
    number = number_of(world, order.phone_number_id)
    return {"sent": notices.name_update(world, number, order.decision, order.name, order.reason)}


@router.post("/past")
async def send_number_past(world: TheWorld, order: PastOrder) -> Json:
    """Send the webhooks of a coexistence sync, as if it had been asked for."""
    number = number_of(world, order.phone_number_id)
    return {"sent": send_past(world, number, order.kind, values=order.values)}
