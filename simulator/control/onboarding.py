"""The control API's part for onboarding: businesses, WABAs, numbers to be registered, tokens, codes, calls."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from simulator import onboarding_orders as orders
from simulator.business.tokens import Token
from simulator.control.world import TheWorld, number_of
from simulator.notices import partner_app_installed
from simulator.numbers import Number
from simulator.preparing import change, new_token, prepare, stand, waba_for
from simulator.refusals import answer
from simulator.world import World

Json = dict[str, Any]
router = APIRouter(prefix="/_control", tags=["control"])


@router.post("/businesses", status_code=201)
async def add_business(world: TheWorld, order: orders.BusinessOrder) -> Json:
    """Add a portfolio, or change one that is there."""
    business = world.assets.business(order.business_id or world.assets.new_id())
    change(business, order.model_dump(exclude_none=True, exclude={"business_id"}))
    return asdict(business)


@router.get("/businesses")
async def list_businesses(world: TheWorld) -> list[Json]:
    """Every portfolio."""
    return [asdict(business) for business in world.assets.businesses.values()]


@router.post("/wabas", status_code=201)
async def add_waba(world: TheWorld, order: orders.WabaOrder) -> Json:
    """Add a WABA, or change one that is there."""
    waba = waba_for(world, order.waba_id, order.business_id)
    changes = order.model_dump(exclude_none=True, exclude={"waba_id", "business_id", "subscribed", "other_apps"})
    change(waba, changes)
    if order.subscribed is not None:
        waba.subscribed.pop(world.config.app_id, None)
        waba.subscribed |= {world.config.app_id: None} if order.subscribed else {}
    waba.subscribed |= dict.fromkeys(order.other_apps or ())
    return asdict(waba)


@router.get("/wabas")
async def list_wabas(world: TheWorld) -> list[Json]:
    """Every WABA, with the apps that get its webhooks."""
    return [asdict(waba) for waba in world.assets.wabas.values()]


@router.post("/prepared-numbers", status_code=201)
async def prepare_number(world: TheWorld, order: orders.PreparedOrder) -> Json:
    """Add a number as Embedded Signup leaves it: verified, to be registered."""
    return number_view(prepare(world, order), world.clock.now())


@router.get("/numbers/{phone_number_id}/standing")
async def read_standing(world: TheWorld, phone_number_id: str) -> Json:
    """What a number stands at, its PIN included."""
    return number_view(number_of(world, phone_number_id), world.clock.now())


@router.patch("/numbers/{phone_number_id}/standing")
async def change_standing(world: TheWorld, phone_number_id: str, order: orders.StandingOrder) -> Json:
    """Change what a number stands at."""
    number = number_of(world, phone_number_id)
    stand(world, number.standing, order)
    world.deliver_held()
    return number_view(number, world.clock.now())


def number_view(number: Number, now: float) -> Json:
    """A number's identity and all it stands at, the PIN included."""
    standing = number.standing
    made = {"registrations": standing.registrations, "deregistrations": standing.deregistrations}
    attempts = {name: attempts.count(now) for name, attempts in made.items()}
    plain = {name: getattr(standing, name) for name in orders.StandingOrder.model_fields if hasattr(standing, name)}
    identity = {
        "phone_number_id": number.phone_number_id,
        "waba_id": number.waba_id,
        "business_id": number.business_id,
        "display_phone_number": number.display_phone_number,
    }
    callback = {"override_callback_uri": standing.override_callback_uri, "synced": sorted(standing.synced)}
    return identity | plain | attempts | callback


@router.post("/tokens", status_code=201)
async def issue_token(world: TheWorld, order: orders.TokenOrder) -> Json:
    """A token, as somebody pastes it by hand."""
    return {"token": new_token(world, order).text}


@router.post("/codes", status_code=201)
async def issue_code(world: TheWorld, order: orders.CodeOrder) -> Json:
    """A code as the login hands it out: good for 30 s, once."""
    token = new_token(world, order)
    code = world.assets.new_code(token, now=world.clock.now(), redirect_uri=order.redirect_uri)
    for waba_id in order.waba_ids if order.announce else ():
        partner_app_installed(world, world.assets.wabas[waba_id])
    return {"code": code.text, "expires_at": code.expires_at}


@router.patch("/tokens")
async def change_tokens(world: TheWorld, order: orders.TokenChangeOrder) -> Json:
    """Change every token that is meant."""
    changed = [token for token in world.assets.tokens.values() if _is_meant(world, token, order)]
    for token in changed:
        _change_token(world, token, order)
    return {"changed": len(changed)}


@router.get("/tokens")
async def list_tokens(world: TheWorld) -> list[Json]:
    """Every token that was exchanged or issued."""
    return [asdict(token) | {"waba_ids": sorted(token.waba_ids)} for token in world.assets.tokens.values()]


def _is_meant(world: World, token: Token, order: orders.TokenChangeOrder) -> bool:
    waba_id = order.waba_id
    if order.phone_number_id is not None:
        waba_id = number_of(world, order.phone_number_id).waba_id
    if waba_id is not None and waba_id not in token.waba_ids:
        return False
    return order.token in {None, token.text}


def _change_token(world: World, token: Token, order: orders.TokenChangeOrder) -> None:
    if order.revoked is not None:
        token.revoked = order.revoked or None
    if order.seconds is not None:
        token.expires_at = world.clock.now() + order.seconds if order.seconds else 0.0
    kept = [scope for scope in token.scopes if scope not in order.remove_scopes]
    token.scopes = list(dict.fromkeys([*kept, *order.add_scopes]))
    token.waba_ids -= set(order.remove_wabas)
    token.app_id = order.app_id or token.app_id


@router.patch("/app")
async def change_app(world: TheWorld, order: orders.AppOrder) -> Json:
    """Change the app's own subscription."""
    for name, value in order.model_dump(exclude_none=True).items():
        setattr(world.assets.app, name, value)
    return asdict(world.assets.app)


@router.get("/calls")
async def list_calls(world: TheWorld, call: str | None = None, object_id: str | None = None) -> Response:
    """The management calls that arrived, in order, of one name and object or all."""
    return answer(world.account.calls.view(call=call, object_id=object_id))
